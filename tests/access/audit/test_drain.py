import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from tests.people import resident

from shangyi.access import Access, Origin, Principal, Role
from shangyi.access.audit import spool
from shangyi.access.audit.event import Event
from shangyi.errors import Unavailable
from shangyi.store.database import Store

WHO = Principal("account:1", "li", "李医生", Role.CLINICIAN)

CHILD = """
import sys
from pathlib import Path
from shangyi.access import Access, Origin, Principal, Role, Session
from shangyi.store.database import Store

store = Store(sys.argv[1])
access = Access(store.repository, store.pool, Path(sys.argv[2]))
if sys.argv[3] == "drain":
    access.start()
session = Session(access, Principal("account:7", "child", "child", Role.ADMINISTRATOR), Origin())
for _ in range(100000):
    session.read("Patient", "killed")
    print("read", flush=True)
"""


def line(query: str) -> bytes:
    return Event("read", "R", WHO, Origin(), "TREAT", query=query).line()


def count(access: Access, condition: str) -> int:
    with access.pool.connection() as connection:
        row = connection.execute(f"select count(*) from audit_event where {condition}").fetchone()
    return int(row[0]) if row else 0


@pytest.mark.parametrize("drain", ["wait", "drain"])
def test_what_was_answered_is_recorded_once_after_kill_9(store: Store, tmp_path: Path, drain: str) -> None:
    with Access(store.repository, store.pool, tmp_path) as access:
        access.owner_session().update(resident("killed", "991302101203"))
        before = count(access, "agent = 'account:7'")
        command = [sys.executable, "-c", CHILD, store.conninfo, str(tmp_path), drain]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        child = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
        assert child.stdout is not None
        answered = 0
        while child.stdout.readline():
            answered += 1
            if answered == 150:
                child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        access.drain.flush(adopt=True)
        recorded = count(access, "agent = 'account:7'") - before
        # the kill may fall between the record and the answer, never the other way round
        assert answered <= recorded <= answered + 1
        access.drain.flush(adopt=True)
        assert count(access, "agent = 'account:7'") - before == recorded
        assert [path for path in spool.files(access.spool.folder) if path != access.spool.current] == []


def test_two_that_drain_one_file_take_each_event_once(access: Access) -> None:
    other = Access(access.records, access.pool, access.spool.folder.parent)
    for number in range(500):
        access.record(line(f"twice {number}"))
    threads = [Thread(target=a.drain.flush, args=(True,)) for a in (access, other) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(access, "query like 'twice %%'".replace("%%", "%")) == 500


def test_a_torn_last_line_waits_and_the_file_of_the_living_stays(access: Access) -> None:
    access.record(line("whole"))
    path = access.spool.current
    assert path is not None
    with path.open("ab") as file:
        file.write(b"2026-01-01\ttorn")
    access.drain.flush(adopt=True)
    assert path.exists()
    assert count(access, "query = 'whole'") == 1
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - len(b"2026-01-01\ttorn"))


def test_segments_are_closed_and_removed(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "SEGMENT_BYTES", 2000)
    for number in range(60):
        access.record(line(f"segment {number}"))
    access.drain.flush(adopt=True)
    assert count(access, "query like 'segment %'") == 60
    assert len(spool.files(access.spool.folder)) <= 1


def test_no_access_when_it_cannot_be_recorded(store: Store, tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("in the way")
    access = Access(store.repository, store.pool, tmp_path)
    with pytest.raises(Unavailable):
        access.owner_session().read("Patient", "killed")


@pytest.mark.parametrize(
    "statement", ["update audit_event set outcome = 0", "delete from audit_event", "truncate audit_event"]
)
def test_events_are_never_changed(access: Access, statement: str) -> None:
    access.record(line("keep"))
    access.drain.flush()
    with pytest.raises(psycopg.errors.RaiseException), access.pool.connection() as connection:
        connection.execute(statement)
    assert count(access, "query = 'keep'") >= 1


def test_a_file_that_has_grown_since_it_was_drained_stays(tmp_path: Path) -> None:
    path = tmp_path / "left.spool"
    path.write_bytes(line("one"))
    drained = path.stat().st_size
    with path.open("ab") as file:
        file.write(line("two"))
    assert not spool.remove_if_final(path, drained)
    assert path.exists()
    assert spool.remove_if_final(path, path.stat().st_size)
    assert not path.exists()


def test_what_comes_while_a_file_is_drained_is_in_the_audit_before_it_goes(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The segment is full, and closed, between the look at its end and the look whether it is final."""
    access.spool.append(line("early in a segment"))
    insert = access.drain._insert

    def inserting(*arguments: Any) -> None:
        monkeypatch.setattr(access.drain, "_insert", insert)
        monkeypatch.setattr(spool, "SEGMENT_BYTES", 1)
        access.spool.append(line("late in a segment"))
        monkeypatch.undo()
        insert(*arguments)

    monkeypatch.setattr(access.drain, "_insert", inserting)
    access.drain.flush()
    assert access.spool.current is None
    access.drain.flush()
    for query in ("early in a segment", "late in a segment"):
        assert count(access, f"query = '{query}'") == 1


def test_a_line_longer_than_a_chunk_is_taken_over(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shangyi.access.audit.drain.CHUNK_BYTES", 64)
    for number in range(3):
        access.spool.append(line(f"long {number} " + "x" * 500))
    access.drain.flush()
    assert count(access, "query like 'long %'") == 3
