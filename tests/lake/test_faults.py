"""Killed at random instants, a full disk, a server that goes on: the lake says what the record says, afterwards too."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.lake.test_materialised import same
from tests.lake.test_sync import current, equal, patient, reading

from shangyi import lake
from shangyi.access import Access
from shangyi.errors import Unavailable
from shangyi.lake import compaction
from shangyi.lake.follow import Follower
from shangyi.lake.materialisation import keep
from shangyi.lake.snapshot import build
from shangyi.lake.sync import refresh, sync
from shangyi.store.database import Store
from shangyi.store.repository import Repository

SYNCING = Path(__file__).with_name("syncing.py")


def write_some(records: Repository, chance: random.Random) -> None:
    id = f"f{chance.randrange(40)}"
    match chance.randrange(6):
        case 0:
            records.delete("Observation", id)
        case 1:
            records.update(patient(f"f{chance.randrange(6)}", multipleBirthInteger=chance.randrange(99)))
        case _:
            records.update(
                reading(id, f"f{chance.randrange(6)}", f"{chance.randrange(999)}.{chance.randrange(10)}0")
            )


def survives(store: Store, directory: Path, rounds: int) -> None:
    chance, records = random.Random(rounds), store.repository
    build(directory, records)
    version = keep(directory, {"patient": {}, "observation": {}}).version
    for _ in range(rounds):
        with subprocess.Popen(
            [sys.executable, str(SYNCING), str(directory), store.conninfo],
            stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as child:  # fmt: skip
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            until = time.monotonic() + chance.uniform(0.05, 0.6)
            while time.monotonic() < until:
                write_some(records, chance)
            child.send_signal(signal.SIGKILL)
        with lake.open(directory) as opened:  # what was there when it was killed is a whole version
            assert opened.version >= version
            version = opened.version
            assert all(path.exists() for name in opened.tables() for path in opened.files(name))
        same(directory)
        refresh(directory, records, patience_s=5)
        equal(directory, records)
        same(directory)
        assert not list(directory.glob("scratch-*"))
    assert {p.relative_to(directory).as_posix() for p in directory.glob("*/*.parquet")} == current(
        directory
    ).paths


def test_killed_while_it_syncs_and_compacts(store: Store, tmp_path: Path) -> None:
    survives(store, tmp_path, 3)


@pytest.mark.slow
def test_killed_fifty_times_while_it_syncs_and_compacts(store: Store, tmp_path: Path) -> None:
    survives(store, tmp_path, 50)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 4 MiB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    with tempfile.TemporaryDirectory(prefix="shangyi-disk-", dir="/tmp") as name:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", name], capture_output=True)
        if done.returncode:
            pytest.skip("a small disk cannot be mounted here")
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "-l", name], check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """No room for a file of the lake."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65536))
    yield
    ballast.unlink()


def test_a_full_disk_changes_nothing_and_leaves_nothing(store: Store, small_disk: Path) -> None:
    records, directory = store.repository, small_disk / "lake"
    records.update(patient("full", gender="female"))
    build(directory, records)
    records.update(patient("full", gender="male"))
    with full(small_disk):
        with pytest.raises(Unavailable, match="No space left"):
            sync(directory, records)
        assert {p.relative_to(directory).as_posix() for p in directory.glob("*/*.parquet")} == current(
            directory
        ).paths
        with lake.open(directory) as opened, lake.DuckDBEngine(opened) as engine:
            assert engine.sql("select gender from Patient where id = 'full'").to_pylist() == [
                {"gender": "female"}
            ]
        with pytest.raises(Unavailable, match="No space left"):
            build(directory, records)
    sync(directory, records)
    with full(small_disk), pytest.raises(Unavailable, match="No space left"):
        compaction.compact(directory, everything=True)
    equal(directory, records)


@contextmanager
def followed(store: Store, home: Path, build: bool = True, directory: Path | None = None) -> Iterator[Access]:
    ended = threading.Event()
    with Access(store.repository, store.pool, home) as access:
        access.start()
        follower = Follower(access, directory or home / "lake", build, ended)
        thread = threading.Thread(target=follower.run, args=(0.2, 0.0))
        thread.start()
        try:
            yield access
        finally:
            ended.set()
            thread.join(30)
            assert not thread.is_alive()


def wait_for(what: str, found: object, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found():  # type: ignore[operator]
            return
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def held(directory: Path, id: str) -> str | None:
    """The gender of a patient, None where the lake does not hold it."""
    if not (directory / "manifest.json").exists():
        return None
    with lake.open(directory) as opened:
        return next((r.get("gender") for r in opened.resources("Patient") if r["id"] == id), None)


def test_a_server_builds_and_follows(
    store: Store, small_disk: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    records, directory = store.repository, small_disk / "lake"
    records.update(patient("live", gender="male"))
    with followed(store, tmp_path, directory=directory) as access:
        wait_for("the lake", lambda: held(directory, "live") == "male")
        records.update(patient("live", gender="female"))
        wait_for("a change", lambda: held(directory, "live") == "female")
        with full(small_disk):
            records.update(patient("live", gender="other"))
            wait_for("a log", lambda: "No space left on device" in caplog.text)
            assert held(directory, "live") == "female"
        wait_for("the change after the fault", lambda: held(directory, "live") == "other")
        assert caplog.text.count("is not kept current") == 1
        assert "kept current again" in caplog.text
        manifest = directory / "manifest.json"
        manifest.write_text("{")
        wait_for("a lake in place of the damaged one", lambda: manifest.read_text() != "{")
        access.drain.close()
    with store.pool.connection() as connection:
        agents = connection.execute("select distinct agent from audit_event").fetchall()
    assert ("system:lake",) in agents
    equal(directory, records)


def test_a_lake_of_files_is_left_alone(store: Store, tmp_path: Path) -> None:
    lake.write(tmp_path / "lake", [patient("of a file")])
    with followed(store, tmp_path):
        time.sleep(0.5)
    assert current(tmp_path / "lake").source["kind"] == "import"


def test_nothing_is_built_where_that_is_not_wanted(store: Store, tmp_path: Path) -> None:
    with followed(store, tmp_path, build=False):
        time.sleep(0.5)
    assert not (tmp_path / "lake").exists()
