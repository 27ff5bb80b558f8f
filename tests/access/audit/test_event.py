from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shangyi.access import Access, Origin, Principal, Role
from shangyi.access.audit.event import LONGEST, Event

WHO = Principal("account:1", "li", "李医生", Role.CLINICIAN)
TEXT = st.text(st.characters(), max_size=60)


def shown(text: str) -> str:
    """How a text comes back: what PostgreSQL cannot hold is replaced."""
    return "".join("�" if c == "\x00" or 0xD800 <= ord(c) < 0xE000 else c for c in text[:LONGEST])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(query="", entities=["NULL"], name="", agent=None)
@given(query=TEXT, entities=st.lists(TEXT, max_size=4), name=TEXT, agent=st.none() | TEXT)
def test_every_text_comes_back(
    access: Access, query: str, entities: list[str], name: str, agent: str | None
) -> None:
    principal = Principal("account:1", name, name, Role.READER)
    origin = Origin("10.0.0.1", None, agent)
    event = Event("read", "R", principal, origin, "TREAT", entities=entities, query=query)
    access.record(event.line(datetime(2026, 1, 2, tzinfo=UTC)))
    access.drain.flush()
    with access.pool.connection() as connection:
        row = connection.execute(
            "select agent_name, query, entities, request from audit_event order by id desc limit 1"
        ).fetchone()
        rejected = connection.execute("select count(*) from audit_rejected").fetchone()
    assert row == (shown(name), shown(query), [shown(e) for e in entities], (agent and shown(agent)) or agent)
    assert rejected == (0,)


def test_a_line_that_cannot_be_read_is_kept_aside(access: Access) -> None:
    good = Event("read", "R", WHO, Origin(), "TREAT", query="after").line()
    access.record(b"not\ta\trow\n")
    access.record(good)
    access.drain.flush()
    with access.pool.connection() as connection:
        kept = connection.execute("select line from audit_rejected").fetchall()
        last = connection.execute("select query from audit_event order by id desc limit 1").fetchone()
        connection.execute("delete from audit_rejected")
    assert kept == [(b"not\ta\trow",)]
    assert last == ("after",)


def test_the_spool_is_for_its_owner_only(access: Access) -> None:
    access.record(Event("read", "R", WHO, Origin(), "TREAT").line())
    path = access.spool.current
    assert isinstance(path, Path)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
