"""kill -9 of the server, of PostgreSQL and of a load, at random instants, while clients write: nothing acknowledged is
lost (neither the version nor its audit event), nothing is half-written, and the next start needs no hand."""

import json
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Home
from tests.cli.test_records import ndjson, patient
from tests.cli.writers import Writers

from shangyi import store
from shangyi.access import Access
from shangyi.store.database import Store
from shangyi.store.integrity import verify

SEED = 20261124
VICTIMS = ("server", "postgres", "load")
PEOPLE = 2000
"""In the file that is loaded meanwhile: enough for worker processes."""


def people(folder: Path, number: int) -> Path:
    """The same residents, otherwise named in each round, so that each round replaces what the last one wrote."""
    file = folder / f"people-{number}.ndjson"
    file.write_bytes(ndjson(*(patient(f"p{n}", "王", f"{number} {n}") for n in range(PEOPLE))))
    return file


def one_round(home: Home, token: str, number: int, file: Path, instants: random.Random) -> None:
    victim = VICTIMS[number % len(VICTIMS)]
    server, address = served(home)
    writers = Writers(address, token, f"r{number}")
    load = home.start("load", str(file), "--workers", str(number % 2 * 2), "--json")
    time.sleep(instants.uniform(0.5, 4))
    pid_file = home.path / "postgres" / "data" / "postmaster.pid"
    target = {"server": server.pid, "load": load.pid}.get(victim) or int(pid_file.read_text().split()[0])
    if victim != "load" or load.poll() is None:
        os.kill(target, signal.SIGKILL)
    if victim == "postgres":
        writers.wait_for_another()  # the server starts it again by itself
    time.sleep(instants.uniform(0, 0.5))
    if victim == "server":
        again, writers.address = served(home)  # while the load goes on
        writers.wait_for_another()
        end(again)
    writers.end()
    end(server)
    end(load)
    assert not writers.surprises
    with store.open(home=home.path) as records, Access.open(records, home.path) as access:
        held_against(records, access, writers)
    report = home.json("load", str(file))
    assert (report["refused"], report["added"] + report["updated"] + report["unchanged"]) == (0, PEOPLE)
    with store.open(home=home.path) as records:
        names = [
            v.resource["name"][0]["given"]
            for v in records.repository.read_many([("Patient", f"p{n}") for n in range(PEOPLE)])
        ]
        assert sorted(names) == sorted([f"{number} {n}"] for n in range(PEOPLE))
        if number % 5 == 4:
            assert verify(records).problems == []


def free_port() -> int:
    """A port of one's own: on the default one a server of another test might answer after this one is killed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def served(home: Home) -> tuple[subprocess.Popen[bytes], str]:
    process = home.start("serve", "--json", "--port", str(free_port()))
    assert process.stdout is not None
    line = process.stdout.readline()
    detail = home.path / "logs" / "cli-error.log"
    assert line, home.log.read_text()[-2000:] + (detail.read_text()[-3000:] if detail.exists() else "")
    return process, json.loads(line)["address"]


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    process.wait(60)
    assert process.stdout is not None
    process.stdout.close()


def held_against(records: Store, access: Access, writers: Writers) -> None:
    """What was acknowledged against what is there."""
    access.drain.flush(adopt=True)
    for type_, id_, version in writers.acknowledged:
        assert records.repository.vread(type_, id_, version).version == version
    for one, other in writers.pairs:
        twins = records.repository.read_many([("Patient", one), ("Patient", other)])
        assert len({twin.resource["name"][0]["given"][0] for twin in twins}) <= 1, "half a transaction"
    with records.pool.connection() as connection:
        rows = connection.execute(
            "select request from audit_event where request = any(%s)", [list(writers.requests)]
        )
        assert writers.requests == {row[0] for row in rows}, "an access without its audit event"
        (twice,) = connection.execute(
            "select count(*) from (select from audit_event where request = any(%s) group by request having count(*) > 1) x",
            [list(writers.requests)],
        ).fetchone() or (None,)
        assert twice == 0
    assert verify(records).problems == []
    seen, cursor = 0, None
    while True:
        changes, cursor = records.repository.changes(cursor, limit=5000)
        seen += len(changes)
        if not changes:
            break
    with records.pool.connection() as connection:
        assert connection.execute("select count(*) from resource").fetchone() == (seen,), (
            "a gap in the outbox"
        )


def rounds(home: Home, folder: Path, count: int) -> None:
    home.json("load", str(people(folder, -1)))
    token = home.json("token", "create", "faults", "--role", "administrator", "--area", "*")["token"]
    instants = random.Random(SEED)
    for number in range(count):
        one_round(home, token, number, people(folder, number), instants)


@pytest.mark.timeout(900)
def test_kill_at_random_instants(bare_home: Home, tmp_path: Path) -> None:
    rounds(bare_home, tmp_path, 3)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_kill_fifty_times(bare_home: Home, tmp_path: Path) -> None:
    rounds(bare_home, tmp_path, 51)
