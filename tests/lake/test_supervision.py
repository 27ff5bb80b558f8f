"""The lake's process: one for a home, started again when it dies, ended with the server however that ends."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from tests.lake.test_faults import held, wait_for
from tests.lake.test_sync import equal, patient

from shangyi.lake import process, supervision
from shangyi.lake.process import Task, alive
from shangyi.lake.supervision import Supervisor
from shangyi.store.database import Store

SUPERVISED = Path(__file__).with_name("supervised.py")
ALSO = ("shangyi.care.population.keep:Keeper",)


@contextmanager
def supervised(task: Task) -> Iterator[Supervisor]:
    """A supervisor in a thread, as the server has it."""
    ended = threading.Event()
    found = Supervisor(task, ended)
    thread = threading.Thread(target=found.run, args=(0.0,))
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join(30)
        assert not thread.is_alive()


def child_of(found: Supervisor) -> int:
    assert found.child is not None
    return found.child.pid


def test_it_follows_is_started_again_and_ends_with_its_server(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "SHORTEST_S", 0.2)
    records, task = (
        store.repository,
        Task(store.conninfo, str(tmp_path), 0.2, build=True, log="warning", also=ALSO),
    )
    records.update(patient("own", gender="male"))
    with supervised(task) as first:
        wait_for("the lake", lambda: held(tmp_path / "lake", "own") == "male")
        wait_for("what is made of it", (tmp_path / "population" / "current").exists)
        assert os.getpriority(os.PRIO_PROCESS, child_of(first)) >= process.NICE
        with supervised(task) as second:  # another worker of the server
            pid = child_of(first)
            os.kill(pid, signal.SIGKILL)
            records.update(patient("own", gender="female"))
            wait_for("a change after it was killed", lambda: held(tmp_path / "lake", "own") == "female")
            living = [s.child for s in (first, second) if s.child is not None and s.child.poll() is None]
            assert len(living) == 1
    assert not alive(tmp_path)
    assert first.child is not None
    assert first.child.returncode == 0
    assert f"ended ({-signal.SIGKILL})" in caplog.text
    equal(tmp_path / "lake", records)


def test_it_goes_when_the_server_is_killed(store: Store, tmp_path: Path) -> None:
    task = Task(store.conninfo, str(tmp_path), 0.2, build=True, log="warning")
    store.repository.update(patient("left", gender="male"))
    with subprocess.Popen(
        [sys.executable, str(SUPERVISED)], stdin=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ) as server:  # fmt: skip
        assert server.stdin is not None
        server.stdin.write(msgspec.json.encode(task) + b"\n")
        server.stdin.flush()
        wait_for("the lake", lambda: held(tmp_path / "lake", "left") == "male")
        assert alive(tmp_path)
        server.kill()
    wait_for("the end of its process", lambda: not alive(tmp_path))
    with supervised(task):  # the next server's takes over
        store.repository.update(patient("left", gender="female"))
        wait_for("a change", lambda: held(tmp_path / "lake", "left") == "female")


def test_a_record_that_cannot_be_opened_is_said_by_its_exit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = Task(f"host={tmp_path} dbname=none connect_timeout=1", str(tmp_path), 1, build=True)
    with supervised(nowhere):
        wait_for("a log", lambda: "ended (1)" in caplog.text)
