"""kill -9 during a migration, a backup, a restore, the training of dictionaries: whole or not at all, and again works."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from tests.databases import Databases

from shangyi.store.backups import backup, restore, verify_backup
from shangyi.store.database import Store
from shangyi.store.integrity import verify
from shangyi.store.load import load
from shangyi.store.migrate import migrations

ROUNDS = 4
COUNT = 6000
SCRIPT = Path(__file__).with_name("working.py")
SRC = Path(__file__).parents[2] / "src"


@pytest.fixture(params=[ROUNDS, pytest.param(25, marks=pytest.mark.slow)])
def rounds(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("people") / "people.ndjson"
    rows = (
        {
            "resourceType": "Patient",
            "id": f"p{n}",
            "name": [{"text": f"王{n}"}],
            "birthDate": f"19{n % 90 + 10}-01-01",
        }
        for n in range(COUNT)
    )
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture(scope="module")
def saved(store: Store, people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    load(store, [people], workers=0)
    file = tmp_path_factory.mktemp("saved") / "saved.backup"
    backup(store, file)
    return file


def interrupted(what: str, conninfo: str, file: Path, chance: random.Random) -> bool:
    """Kill the work at a random instant; whether it was done before. The longest wait grows with how long it takes."""
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    command = [sys.executable, str(SCRIPT), what, conninfo, str(file)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begin\n"
    time.sleep(chance.uniform(0, 1.2))
    process.kill()
    out, _ = process.communicate()
    return "done" in out


def test_a_migration(databases: Databases, tmp_path: Path, rounds: int) -> None:
    chance = random.Random(rounds)
    for _ in range(rounds):
        conninfo = databases.new("template0")
        interrupted("migrate", conninfo, tmp_path, chance)
        with psycopg.connect(conninfo) as connection:
            tables = connection.execute(
                "select count(*) from pg_tables where schemaname = 'public'"
            ).fetchone()
        with Store(conninfo) as opened:
            # all of them at once, or none yet
            assert opened.migrated == ([] if tables != (0,) else [m.number for m in migrations()])
            assert verify(opened).problems == []


def test_a_backup(store: Store, saved: Path, tmp_path: Path, rounds: int) -> None:
    chance = random.Random(rounds)
    for number in range(rounds):
        target = tmp_path / f"{number}.backup"
        done = interrupted("backup", store.conninfo, target, chance)
        assert target.exists() or not done
        if target.exists():
            verify_backup(target)
        backup(store, target)
        verify_backup(target)
        assert [path.name for path in tmp_path.glob(f"{number}.*")] == [target.name]


def test_a_restore(databases: Databases, saved: Path, rounds: int) -> None:
    chance = random.Random(rounds)
    for _ in range(rounds):
        conninfo = databases.new()
        done = interrupted("restore", conninfo, saved, chance)
        with Store(conninfo) as opened:
            with opened.pool.connection() as connection:
                found = connection.execute("select count(*) from resource").fetchone()
            assert found in ((0,), (COUNT,))
            if found == (0,):
                assert not done
                restore(opened, saved)
            assert verify(opened).problems == []


def test_the_training_of_dictionaries(databases: Databases, people: Path, rounds: int) -> None:
    chance = random.Random(rounds)
    for _ in range(rounds):
        conninfo = databases.new()
        interrupted("load", conninfo, people, chance)  # which begins by training
        with Store(conninfo) as opened:
            report = load(opened, [people], workers=0)
            assert report.added + report.unchanged + report.skipped == COUNT
            assert opened.codec.trained
            assert verify(opened).problems == []
