"""Keeping the standing of everybody: built once, then following the outbox a second behind.

One process does it at a time (an advisory lock). The place in the outbox moves in the transaction that writes the
states, so a crash repeats work and loses none. When a rule changes, everything is made again.
"""

import datetime as dt
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg

from shangyi.care.standing import facts as record
from shangyi.care.standing.evaluate import State, evaluate
from shangyi.care.standing.facts import Facts
from shangyi.care.standing.rules import digest, measured
from shangyi.errors import ShangyiError
from shangyi.store import keys, outbox
from shangyi.store.body import unpack_id
from shangyi.store.repository import Repository
from shangyi.store.search import pinyin, text
from shangyi.store.types import NAMES, NUMBERS

log = logging.getLogger(__name__)
LOCK = 0x5374616E64_696E67  # "Standing"
CHUNK = 400
"""Residents evaluated in one transaction."""
CHANGES = 4000
EVERY_S = 1.0
PATIENT = NUMBERS["Patient"]


@dataclass(frozen=True, slots=True)
class Status:
    """``done`` of ``total`` residents while everything is made for the first time; else ``total`` is 0."""

    done: int = 0
    total: int = 0

    @property
    def building(self) -> bool:
        """Whether lists and figures are still incomplete."""
        return self.total > 0


def _name(building: bool = False) -> str:
    return f"standing{'-building' if building else ''}:{digest()}"


def status(connection: psycopg.Connection) -> Status:
    """How far it is."""
    if outbox.position(connection, _name()) is not None:
        return Status()
    total = connection.execute("select count(*) from search where type = %s", [PATIENT]).fetchone()
    at = outbox.position(connection, _name(building=True))
    done = 0
    if at is not None:
        row = connection.execute(
            "select count(*) from search where type = %s and rid <= %s", [PATIENT, int(at.split(".")[1])]
        ).fetchone()
        done = row[0] if row else 0
    return Status(done, max(total[0] if total else 0, 1))


def catch_up(
    records: Repository, today: dt.date | None = None, told: Callable[[Status], None] | None = None
) -> int:
    """Everything that is new now; how many residents were evaluated."""
    evaluated = 0
    while True:
        with records.transaction_connection() as connection:
            locked = connection.execute("select pg_try_advisory_xact_lock(%s)", [LOCK]).fetchone()
            if not locked or not locked[0]:
                return evaluated
            day = today or dt.datetime.now(record.ZONE).date()
            number, more = _step(connection, records, day)
            evaluated += number
            if told:
                told(status(connection))
        if not more:
            return evaluated


def _step(connection: psycopg.Connection, records: Repository, today: dt.date) -> tuple[int, bool]:
    cursor = outbox.position(connection, _name())
    return _follow(connection, records, cursor, today) if cursor else _build(connection, records, today)


def _build(connection: psycopg.Connection, records: Repository, today: dt.date) -> tuple[int, bool]:
    at = outbox.position(connection, _name(building=True))
    if at is None:
        connection.execute("truncate standing, standing_state")
        connection.execute("delete from outbox_cursor where name like 'standing%%:%%'")
        row = connection.execute("select pg_snapshot_xmin(pg_current_snapshot())::text").fetchone()
        assert row is not None
        at = f"{row[0]}.{keys.NO_DATE}.0"
    xid, last, _ = at.split(".")
    rids = [
        row[0]
        for row in connection.execute(
            "select rid from search where type = %s and rid > %s order by rid limit %s",
            [PATIENT, int(last), CHUNK],
        )
    ]
    write(connection, records, rids, today)
    if len(rids) < CHUNK:
        outbox.advance(connection, _name(), f"{xid}.{keys.NO_DATE}.0")
        connection.execute("delete from outbox_cursor where name = %s", [_name(building=True)])
        connection.execute("analyze standing, standing_state")
        return len(rids), True
    outbox.advance(connection, _name(building=True), f"{xid}.{rids[-1]}.0")
    return len(rids), True


def _follow(
    connection: psycopg.Connection, records: Repository, cursor: str, today: dt.date
) -> tuple[int, bool]:
    """Those whose record changed since the cursor. A resource's shard is its resident's, also once it is deleted."""
    found = outbox.touched(connection, cursor, CHANGES)
    if found is None:
        return 0, False
    connection.execute("delete from standing where shard = any(%s)", [found.shards])
    connection.execute("delete from standing_state where shard = any(%s)", [found.shards])
    for start in range(0, len(found.residents), CHUNK):
        write(connection, records, found.residents[start : start + CHUNK], today)
    outbox.advance(connection, _name(), found.cursor)
    return len(found.residents), found.more


def gather(
    connection: psycopg.Connection, records: Repository, rids: Sequence[int]
) -> dict[int, tuple[Facts, int]]:
    """The facts and the area of each of these residents."""
    codes = [keys.token("Observation", "code", code) for code in sorted(measured())]
    types = [NUMBERS[name] for name in record.TYPES]
    rows = connection.execute(
        "select s.patient, s.type, r.id, r.coding, r.body, s.area from search s join resource r"
        " on r.rid = s.rid and r.version = s.version and r.shard = s.shard"
        " where s.patient = any(%s) and s.type = any(%s) and (s.type <> %s or s.code = any(%s))",
        [list(rids), types, NUMBERS["Observation"], codes],
    ).fetchall()
    if not all(records.codec.knows(row[3]) for row in rows):
        records.codec.load(connection)
    bodies: dict[int, list[tuple[str, str, bytes]]] = defaultdict(list)
    areas: dict[int, int] = {}
    for patient, type, id, coding, body, area in rows:
        if type == PATIENT:
            areas[patient] = area
        bodies[patient].append((NAMES[type], unpack_id(id), records.codec.unpack(coding, body)))
    return {rid: (record.read(bodies[rid]), area) for rid, area in areas.items()}


def write(connection: psycopg.Connection, records: Repository, rids: Sequence[int], today: dt.date) -> None:
    """The standing of these residents, made anew; what was kept of them must be gone."""
    found = {
        rid: (facts, area) for rid, (facts, area) in gather(connection, records, rids).items() if facts.counts
    }
    with connection.cursor().copy(
        "copy standing (rid, area, doctors, born, seen, shard, sex, name, problems, allergies) from stdin"
    ) as copy:
        for rid, (facts, area) in found.items():
            copy.write_row(_row(rid, facts, area, today))
    with connection.cursor().copy(
        "copy standing_state (rid, begins, ends, shard, grade, state, facts) from stdin"
    ) as copy:
        for rid, (facts, _) in found.items():
            for state in _unique(evaluate(facts, today)):
                copy.write_row(
                    [
                        rid,
                        state.begins,
                        state.ends,
                        keys.shard(rid, rid),
                        state.grade,
                        state.state,
                        _json(state.facts),
                    ]
                )


def _unique(states: Sequence[State]) -> list[State]:
    return list({(state.state, state.begins): state for state in states}.values())


def sort_key(name: str) -> str:
    """How a name is sorted: its pinyin, the surname read as one, then the characters; other scripts folded."""
    spellings = pinyin.spellings(name)
    return f"{max(spellings, key=len, default=text.fold(name))} {name}"


def _row(rid: int, facts: Facts, area: int, today: dt.date) -> list[Any]:
    doctors = [
        keys.token("Patient", "general-practitioner", gp.reference)
        for gp in facts.patient.generalPractitioner
        if gp.reference
    ]
    problems = [
        {
            "display": p.coding.display,
            "system": p.coding.system,
            "code": p.coding.code,
            "since": p.begins.year,
        }
        for p in facts.problems
        if p.listed and (p.ends is None or p.ends > today)
    ]
    allergies = [{"display": a.display, "system": a.system, "code": a.code} for a in facts.allergies]
    seen = max((on for _, on, _ in facts.visits if on <= today), default=None)
    sex = facts.patient.gender[:1] or "u"
    return [
        rid, area, doctors, facts.born, seen, keys.shard(rid, rid), sex,
        sort_key(facts.name), _json(problems), _json(allergies),
    ]  # fmt: skip


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def follow(records: Repository, ended: threading.Event) -> None:
    """Catch up, again and again, until ``ended``: what the server runs in the background."""
    while True:
        try:
            catch_up(records)
        except (ShangyiError, psycopg.Error) as error:
            log.warning("standing could not be kept: %s", type(error).__name__)
        if ended.wait(EVERY_S):
            return
