"""kill -9 at random instants: nothing acknowledged lost, nothing half-written, no hand needed to go on."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shangyi import store
from shangyi.store.integrity import verify

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")
SCRIPT = Path(__file__).with_name("writing.py")
SRC = Path(__file__).parents[2] / "src"
SETTINGS = {"shared_buffers": "32MB"}


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="shangyi-faults-", dir="/tmp") as directory:
        os.chmod(directory, 0o711)
        yield Path(directory) / "home"


def started(*arguments: object) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        start_new_session=True,
    )


def acknowledged(process: "subprocess.Popen[str]", pid: int, seconds: float) -> list[str]:
    """Let it work for a while, kill -9 the process with this pid, then the writer; what it had said till then."""
    time.sleep(seconds)
    with contextlib.suppress(ProcessLookupError):  # it was done already, and PostgreSQL with it
        os.kill(pid, signal.SIGKILL)
    if pid != process.pid:
        time.sleep(0.05)
        process.kill()
    out, _ = process.communicate()
    complete = out[: out.rfind("\n") + 1]
    return complete.splitlines()


def one_round_of_writing(home: Path, number: int, whom: str, chance: random.Random) -> None:
    process = started("write", home, number)
    assert process.stdout is not None
    postmaster = int(process.stdout.readline().split()[1])
    pid = postmaster if whom == "postgres" else process.pid
    lines = acknowledged(process, pid, chance.uniform(0.02, 0.6))
    with store.open(home=home, server_settings=SETTINGS) as opened:
        for line in lines:
            for location in line.split():
                type_, id_, _, version = location.split("/")
                assert opened.repository.vread(type_, id_, int(version)).version == int(version)
        for turn in range(5):
            with opened.pool.connection() as connection:
                found = connection.execute("select rid from search").fetchall()
            if not found:
                break
            a, b = (
                (opened.repository.read("Group", f"{name}{turn}") for name in "ab")
                if len(found) == 10
                else (0, 0)
            )
            if a and b:
                assert a.resource["quantity"] == b.resource["quantity"]  # written together or not at all
        assert verify(opened).problems == []


@pytest.mark.parametrize("whom", ["postgres", "writer"])
def test_what_was_acknowledged_is_there(home: Path, whom: str) -> None:
    chance = random.Random(whom)
    for number in range(2):
        one_round_of_writing(home, number, whom, chance)


def one_round_of_loading(home: Path, file: Path, whom: str, seconds: float) -> None:
    process = started("load", home, file)
    assert process.stdout is not None
    postmaster = int(process.stdout.readline().split()[1])
    lines = acknowledged(process, postmaster if whom == "postgres" else process.pid, seconds)
    counts = [int(line) for line in lines if line.isdecimal()]
    with store.open(home=home, server_settings=SETTINGS) as opened:
        assert verify(opened).problems == []
        with opened.pool.connection() as connection:
            row = connection.execute("select count(*) from search where type = 58").fetchone()
        assert row is not None
        assert row[0] >= max(counts, default=0)


def load_file(folder: Path, salt: str, count: int = 9000) -> Path:
    file = folder / f"{salt}.ndjson"
    with file.open("w") as out:
        for number in range(count):
            name = f"{salt} {number} {number * 7919 % 1009}"
            out.write(
                json.dumps(
                    {
                        "resourceType": "Group",
                        "type": "person",
                        "actual": True,
                        "id": f"{salt}{number}",
                        "name": name,
                    }
                )
                + "\n"
            )
    return file


@pytest.mark.parametrize("whom", ["postgres", "load"])
def test_a_killed_load_goes_on(home: Path, tmp_path: Path, whom: str) -> None:
    chance = random.Random(whom)
    file = load_file(tmp_path, whom)
    for _ in range(2):
        one_round_of_loading(home, file, whom, chance.uniform(0.1, 1.5))
    process = started("load", home, file)
    out, _ = process.communicate()
    added, unchanged, skipped = (int(word) for word in out.splitlines()[-1].split()[1:])
    assert added + unchanged + skipped == 9000
    with store.open(home=home, server_settings=SETTINGS) as opened:
        with opened.pool.connection() as connection:
            row = connection.execute("select count(*), max(version) from resource where type = 58").fetchone()
        assert row is not None
        assert row[1] <= 1_000_000
        assert opened.repository.read("Group", f"{whom}8999").version == 1
        assert verify(opened).problems == []


@pytest.mark.slow
def test_fifty_times(home: Path, tmp_path: Path) -> None:
    chance = random.Random(50)
    for number in range(50):
        whom = chance.choice(["postgres", "writer", "load"])
        if whom == "load":
            file = load_file(tmp_path, f"r{number}x", 3000)
            one_round_of_loading(home, file, chance.choice(["postgres", "load"]), chance.uniform(0.1, 2.5))
        else:
            one_round_of_writing(home, 100 + number, whom, chance)
