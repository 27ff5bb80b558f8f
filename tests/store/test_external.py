"""A PostgreSQL of one's own: a scratch cluster of what the operating system has installed, 15 or newer."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shangyi import store
from shangyi.errors import Misconfigured, Unavailable
from shangyi.store import database
from shangyi.store.database import Store
from shangyi.store.integrity import verify
from shangyi.store.load import load
from shangyi.store.model import SearchRequest

NOBODY = 65534


def binaries() -> Path:
    """Of the newest server that is installed, but not of the embedded one."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: int(place.parent.name))
    found = shutil.which("initdb")
    places = [*places, *([Path(found).parent] if found else [])]
    if sys.platform == "win32" or not places:
        pytest.skip("no PostgreSQL is installed beside the embedded one (Debian: apt install postgresql)")
    return places[-1]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """The directory of its socket; a superuser ``super`` and a role ``plain`` that owns the database ``good``."""
    where = binaries()
    drop: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}

    def run(*command: str | Path) -> None:
        subprocess.run(command, cwd="/", check=True, capture_output=True, **drop)

    with tempfile.TemporaryDirectory(prefix="shangyi-own-", dir="/tmp") as name:
        folder = Path(name)
        if drop:
            os.chown(folder, NOBODY, NOBODY)
        data = folder / "data"
        run(where / "initdb", "-D", data, "-U", "super", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        run(where / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start")
        try:
            with psycopg.connect(host=name, user="super", dbname="postgres", autocommit=True) as connection:
                connection.execute("create role plain login")
                connection.execute("create database good owner plain")
                connection.execute("create database foreign_one")
                connection.execute(
                    "create database ascii encoding 'SQL_ASCII' template template0 owner plain"
                )
            yield folder
        finally:
            run(where / "pg_ctl", "-D", data, "-m", "immediate", "stop")


def url(cluster: Path, database: str) -> str:
    return f"postgresql://plain@/{database}?host={cluster}"


@pytest.fixture
def own(cluster: Path) -> Iterator[Store]:
    with store.open(database_url=url(cluster, "good")) as opened:
        yield opened


def test_a_role_without_privileges_is_enough(own: Store) -> None:
    with own.pool.connection() as connection:
        row = connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
    assert row == (False,)
    assert own.server is None


def test_records_are_kept_found_and_whole(own: Store, tmp_path: Path) -> None:
    repository = own.repository
    patient = {"resourceType": "Patient", "id": "p", "name": [{"text": "张三"}], "birthDate": "1970-01-01"}
    assert repository.update(patient).created
    assert repository.update({**patient, "gender": "male"}).version.version == 2
    repository.delete("Patient", "p")
    repository.update(patient)
    assert [v.version for v in repository.history("Patient", "p").versions] == [4, 3, 2, 1]
    for query in (("name", "zs"), ("birthdate", "lt1980"), ("name:contains", "三")):
        assert [v.id for v in repository.search(SearchRequest("Patient", [query])).matches] == ["p"]
    file = tmp_path / "people.ndjson"
    file.write_text("".join(f'{{"resourceType":"Patient","id":"n{n}"}}\n' for n in range(3000)))
    assert load(own, [file], workers=2).added == 3000
    assert load(own, [file]).skipped == 3000
    changes, _ = repository.changes(limit=10_000)
    assert len(changes) == 3004
    assert verify(own).problems == []


def test_a_database_that_is_not_ours_is_refused(cluster: Path) -> None:
    with pytest.raises(Misconfigured, match="role"):
        store.open(database_url=url(cluster, "foreign_one"))


def test_another_encoding_is_refused(cluster: Path) -> None:
    with pytest.raises(Misconfigured, match="UTF-8"):
        store.open(database_url=url(cluster, "ascii"))


def test_no_such_database_is_said(cluster: Path) -> None:
    with pytest.raises(Unavailable, match='"nothing" does not exist'):
        store.open(database_url=url(cluster, "nothing"))


def test_an_older_server_is_refused(cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "OLDEST", 990000)
    with pytest.raises(Misconfigured, match="too old"):
        store.open(database_url=url(cluster, "good"))
