import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from shangyi.errors import Misconfigured
from shangyi.store import embedded
from shangyi.store.embedded import Server, cluster, process

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sockets and signals")
SMALL = {"shared_buffers": "16MB"}
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be somebody else"
)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="shangyi-home-", dir="/tmp") as directory:
        os.chmod(directory, 0o711)
        yield Path(directory) / "home"


def one(server: Server, query: str) -> object:
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def test_the_last_one_out_stops_it(home: Path) -> None:
    first = embedded.start(home, settings=SMALL)
    second = embedded.start(home, settings=SMALL)
    pid = first.pid
    assert second.pid == pid
    first.close()
    assert one(second, "select 1") == 1
    second.close()
    assert not process.running(second.data)


def test_it_takes_utf_8_in_c_order_and_listens_to_no_network(home: Path) -> None:
    with embedded.start(home, settings=SMALL) as server:
        assert one(server, "show server_encoding") == "UTF8"
        assert one(server, "select datcollate from pg_database where datname = 'postgres'") == "C"
        assert one(server, "show listen_addresses") == ""
        assert one(server, "show fsync") == "on"
        assert one(server, "select count(*) from pg_hba_file_rules where auth_method <> 'scram-sha-256'") == 0
        assert one(
            server, "select rolpassword like 'SCRAM-SHA-256$%' from pg_authid where rolname = 'shangyi'"
        )


def test_only_its_owner_can_reach_it(home: Path) -> None:
    with embedded.start(home, settings=SMALL) as server:
        run = server.data.parent / "run"
        assert stat.S_IMODE(run.stat().st_mode) == 0o700
        assert stat.S_IMODE((home / "database-password").stat().st_mode) == 0o600
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=str(run), user="shangyi", dbname="postgres", password="guess")


@as_root
def test_another_user_of_the_machine_cannot(home: Path) -> None:
    with embedded.start(home, settings=SMALL) as server:
        assert server.data.stat().st_uid not in (0, 65534)
        for path in (server.data.parent / "run" / ".s.PGSQL.5432", home / "database-password"):
            done = subprocess.run(
                ["cat", path], user=65534, group=65534, extra_groups=[], capture_output=True
            )
            assert b"Permission denied" in done.stderr


@as_root
def test_a_home_that_the_account_cannot_reach_is_named_and_nothing_opened_up() -> None:
    with tempfile.TemporaryDirectory(prefix="shangyi-closed-", dir="/tmp") as directory:
        with pytest.raises(Misconfigured, match="SHANGYI_HOME"):
            embedded.start(Path(directory) / "home", settings=SMALL)
        assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700


def test_it_recovers_by_itself_after_a_kill(home: Path) -> None:
    server = embedded.start(home, settings=SMALL)
    one(server, "create table if not exists kept as select 7 as n")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    with embedded.start(home, settings=SMALL) as again:
        assert one(again, "select n from kept") == 7
        server.close()
        assert one(again, "select n from kept") == 7


def test_a_pid_file_that_now_names_another_program(home: Path) -> None:
    server = embedded.start(home, settings=SMALL)
    pid_file = server.data / "postmaster.pid"
    text = pid_file.read_text()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    assert server.child is not None
    server.child.wait()
    with subprocess.Popen(["sleep", "60"]) as other:
        pid_file.write_text(f"{other.pid}\n" + text.split("\n", 1)[1])
        with embedded.start(home, settings=SMALL) as again:
            assert one(again, "select 1") == 1
        other.kill()
    server.close()


def test_a_home_with_a_long_path_still_has_a_socket(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="shangyi-long-", dir="/tmp") as directory:
        os.chmod(directory, 0o711)
        home = Path(directory) / ("x" * 110)
        said: list[str] = []
        with embedded.start(home, settings=SMALL, progress=said.append) as server:
            assert one(server, "select 1") == 1
        assert any("too long" in text for text in said)
        place = Path((home / "postgres" / "socket-directory").read_text())
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        place.rmdir()


def test_a_home_that_cannot_be_made() -> None:
    with pytest.raises(Misconfigured, match="cannot be made"):
        embedded.start(Path("/dev/null/home"))


def test_one_that_is_just_being_stopped_is_started_again(home: Path) -> None:
    server = embedded.start(home, settings=SMALL)
    one(server, "create table if not exists kept as select 7 as n")
    with psycopg.connect(server.conninfo("postgres"), autocommit=True):  # a smart shutdown waits for it
        assert server.pid is not None
        os.kill(server.pid, signal.SIGTERM)  # as the last one out does, and is killed while it waits
        time.sleep(0.2)
        stopping = server.pid
        ending = threading.Timer(0.5, os.kill, [stopping, signal.SIGINT])
        ending.start()
        with embedded.start(home, settings=SMALL) as again:
            assert again.pid != stopping
            assert one(again, "select n from kept") == 7
        ending.join()
    server.close()


def test_the_cache_goes_by_the_memory() -> None:
    assert [cluster.sized(mb)["shared_buffers"] for mb in (512, 8192, 262144)] == [
        "128MB",
        "1024MB",
        "4096MB",
    ]
    assert cluster.memory_mb() > 256
