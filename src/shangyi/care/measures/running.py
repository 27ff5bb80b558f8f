"""A measure over everybody, again only for those whose record changed.

Results are kept by resident in ``measure_result``, beside a cursor in the outbox. What a result depends on besides the
record (the Measure, its libraries, definitions of codes, the period, the day where the library asks for it) makes the
key under which it is kept: where that changed, everybody is evaluated.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import psycopg

from shangyi.care.measures.bedside import Bedside
from shangyi.care.measures.residents import CHUNK, gather, types_read, within
from shangyi.care.measures.results import Result, dumps, loads
from shangyi.query.cql import tree
from shangyi.query.cql.library import Program
from shangyi.store import keys, outbox
from shangyi.store.model import EVERYTHING, Scope
from shangyi.store.repository import Repository
from shangyi.store.types import NUMBERS

LOCK = 0x4D656173_757265  # "Measure"
CHANGES = 4000
Told = Callable[[int, int], None]
"""``told(done, total)``: residents evaluated so far, of so many."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A result with where its resident lives."""

    result: Result
    area: int


def key_of(measure: Bedside, stamp: int) -> str:
    """What identifies all that results depend on but the record. ``stamp``: of the definitions of codes."""
    program = measure.engine.program
    parts = [
        json.dumps(measure.definition.resource, sort_keys=True, default=str),
        *sorted(library.key or str(library.identifier) for library in program.libraries.values()),
        str(stamp),
        str(measure.parameters),
    ]
    if _asks_for_the_time(program):
        parts.append(str(measure.now)[:10])
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _asks_for_the_time(program: Program) -> bool:
    names = {"Now", "Today", "TimeOfDay"}
    bodies = [e.expression for library in program.libraries.values() for e in library.expressions]
    bodies += [
        f.expression for library in program.libraries.values() for f in library.functions if f.expression
    ]
    return any(
        isinstance(node, tree.Operator) and node.name in names for body in bodies for node in tree.walk(body)
    )


def catch_up(records: Repository, measure: Bedside, key: str, told: Told | None = None) -> int:
    """Bring the kept results to the record of now; how many residents were evaluated.

    In one transaction: whoever reads meanwhile sees the results as they were. Another run of any measure waits.
    """
    with records.transaction_connection() as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        name = f"measure:{key}"
        cursor = outbox.position(connection, name)
        _forget_others(connection, measure.definition.canonical, str(measure.parameters), key)
        work = _Work(connection, records, measure, key, told or (lambda done, total: None))
        if cursor is None:
            row = connection.execute("select pg_snapshot_xmin(pg_current_snapshot())::text").fetchone()
            assert row is not None
            connection.execute("delete from measure_result where key = %s", [key])
            outbox.advance(connection, name, f"{row[0]}.{keys.NO_DATE}.0")
            return work.everybody()
        evaluated = 0
        while True:
            cursor, number = work.changed(cursor)
            evaluated += number
            if not number and cursor == outbox.position(connection, name):
                return evaluated
            outbox.advance(connection, name, cursor)


def results(connection: psycopg.Connection, key: str, scope: Scope = EVERYTHING) -> Iterator[Kept]:
    """The kept results of residents within an area."""
    low, high = scope.area or (0, 10**12)
    rows = connection.execute(
        "select m.result, s.area from measure_result m join search s on s.rid = m.rid"
        " where m.key = %s and s.area between %s and %s order by m.shard, m.rid",
        [key, low, high],
    )
    for data, area in rows:
        yield Kept(loads(data), area)


def _forget_others(connection: psycopg.Connection, canonical: str, period: str, key: str) -> None:
    """Drop what was kept of the same measure and period under another key."""
    subject = hashlib.sha256(f"{canonical}\0{period}".encode()).hexdigest()[:32]
    old = connection.execute(
        "select key from measure_run where subject = %s and key <> %s", [subject, key]
    ).fetchall()
    for (other,) in old:
        connection.execute("delete from measure_result where key = %s", [other])
        connection.execute("delete from outbox_cursor where name = %s", [f"measure:{other}"])
    connection.execute("delete from measure_run where subject = %s", [subject])
    connection.execute("insert into measure_run (subject, key) values (%s, %s)", [subject, key])


@dataclass(slots=True)
class _Work:
    connection: psycopg.Connection
    records: Repository
    measure: Bedside
    key: str
    told: Told
    types: frozenset[str] = frozenset()

    def everybody(self) -> int:
        """All residents; how many."""
        row = self.connection.execute(
            "select count(*) from search where type = %s", [NUMBERS["Patient"]]
        ).fetchone()
        total, done = int(row[0]) if row else 0, 0
        for rids in within(self.records, EVERYTHING):
            done += self.evaluate(rids)
            self.told(done, total)
        return done

    def changed(self, cursor: str) -> tuple[str, int]:
        """Those whose record changed after the cursor, up to a number of changes; where it stands then."""
        xid, rid, version = cursor.split(".")
        rows = self.connection.execute(
            "select r.xid::text, r.rid, r.version, r.shard, b.shard from resource r"
            " left join resource b on b.rid = r.rid and b.version = r.version - 1"
            " where r.xid >= %s::xid8 and (r.xid, r.rid, r.version) > (%s::xid8, %s, %s)"
            " and r.xid < pg_snapshot_xmin(pg_current_snapshot()) order by r.xid, r.rid, r.version limit %s",
            [xid, xid, int(rid), int(version), CHANGES],
        ).fetchall()
        if not rows:
            return cursor, 0
        shards = sorted({shard for row in rows for shard in row[3:5] if shard is not None})
        self.connection.execute(
            "delete from measure_result where key = %s and shard = any(%s)", [self.key, shards]
        )
        found = self.connection.execute(
            "select rid from search where type = %s and shard = any(%s)", [NUMBERS["Patient"], shards]
        ).fetchall()
        rids, done = [row[0] for row in found], 0
        for start in range(0, len(rids), CHUNK):
            done += self.evaluate(rids[start : start + CHUNK])
            self.told(done, len(rids))
        return ".".join(map(str, rows[-1][:3])), done

    def evaluate(self, rids: Sequence[int]) -> int:
        """Evaluate and keep."""
        self.types = self.types or types_read(self.measure.engine.program)
        residents = gather(self.connection, self.records, rids, self.types)
        with self.connection.cursor().copy(
            "copy measure_result (key, shard, rid, result) from stdin"
        ) as copy:
            for resident in residents:
                found = self.measure.result(resident.version.reference, resident.resources)
                copy.write_row(
                    (self.key, keys.shard(resident.rid, resident.rid), resident.rid, dumps(found).decode())
                )
        return len(residents)


def of_scope(records: Repository, scope: Scope, measure: Bedside, key: str) -> Iterator[Kept]:
    """Results of everybody within a scope: those that are kept, brought up to date, else evaluated now."""
    if scope.panel is None and _kept(records, key):
        catch_up(records, measure, key)
        with records.transaction_connection() as connection:
            yield from results(connection, key, scope)
        return
    types = types_read(measure.engine.program)
    with records.transaction_connection() as connection:
        for rids in within(records, replace(scope, types=None)):
            for resident in gather(connection, records, rids, types):
                yield Kept(measure.result(resident.version.reference, resident.resources), resident.area)


def _kept(records: Repository, key: str) -> bool:
    with records.transaction_connection() as connection:
        return outbox.position(connection, f"measure:{key}") is not None
