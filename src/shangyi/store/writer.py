"""Write versions: locks, checks against what is there, rows. One set of statements however many resources.

All locks are taken before the first row is written, so that a transaction's xid, which orders the outbox, comes
after those of earlier writers on the same resources.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import psycopg

from shangyi.errors import Conflict, NotFound, PreconditionFailed
from shangyi.store import keys, rows
from shangyi.store.body import join, pack_id, strip
from shangyi.store.codec import Codec
from shangyi.store.index import Indexer, IndexRow
from shangyi.store.model import Method, Resource, Version, Written
from shangyi.store.types import NUMBERS

LOCKS, STRIPES = 0x5379, 512
ATTEMPTS = 6
T = TypeVar("T")


@dataclass(slots=True)
class Pending:
    """A write that is wanted. ``resource`` None deletes; ``new`` refuses an id that was ever used, ``free`` one in use.

    ``place``: the entry of a Bundle that wants it, for errors.
    """

    type: str
    id: str
    resource: Resource | None
    if_match: int | None = None
    new: bool = False
    free: bool = False
    place: str | None = None
    rid: int = field(init=False)

    def __post_init__(self) -> None:
        self.rid = keys.rid(self.type, self.id)


@dataclass(slots=True)
class _Row:
    pending: Pending
    version: Version
    index: IndexRow
    previous: Version | None


def lock(connection: psycopg.Connection, wanted: Sequence[int]) -> None:
    """Hold the writers' locks of these keys until the transaction ends; always in the same order."""
    stripes = sorted({key % STRIPES for key in wanted})
    connection.execute(
        "select pg_advisory_xact_lock(%s, stripe) from unnest(%s::int[]) as stripe",
        [LOCKS, array_text(stripes)],
    )


def array_text(numbers: Iterable[int]) -> str:
    """An array of integers as PostgreSQL reads it: for a thousand of them, quicker than psycopg takes a list."""
    return f"{{{','.join(map(str, numbers))}}}"


def retrying(
    transaction: Callable[[], AbstractContextManager[psycopg.Connection]],
    work: Callable[[psycopg.Connection], T],
) -> T:
    """``work`` in a transaction, again when PostgreSQL gave way to another writer; Conflict when it keeps doing so."""
    for attempt in range(ATTEMPTS):
        try:
            with transaction() as connection:
                return work(connection)
        except (
            psycopg.errors.DeadlockDetected,
            psycopg.errors.SerializationFailure,
            psycopg.errors.UniqueViolation,
        ):
            if attempt == ATTEMPTS - 1:
                break
    raise Conflict("Too many writers on the same resources; try again")


def write(
    connection: psycopg.Connection, codec: Codec, indexer: Indexer, wanted: Sequence[Pending]
) -> list[Written]:
    """Write them all, in the caller's transaction; nothing is left behind when it raises.

    Each (type, id) once. Content that is already the current version is not written again.
    """
    lock(connection, [item.rid for item in wanted])
    latest = current(connection, codec, [item.rid for item in wanted])
    (now,) = connection.execute("select clock_timestamp()").fetchone() or (None,)
    assert isinstance(now, datetime)
    results: list[Written] = []
    new: list[_Row] = []
    for item in wanted:
        previous = latest.get(item.rid)
        if previous is not None and (previous.type, previous.id) != (item.type, item.id):
            raise Conflict("The id {id} cannot be used; choose another", id=item.id, expression=item.place)
        result = _decide(item, previous, rows.milliseconds(now))
        results.append(result)
        if result.changed:
            index = indexer(item.resource) if item.resource is not None else IndexRow()
            new.append(_Row(item, result.version, index, previous))
    if new:
        _store(connection, codec, indexer, new)
    return results


def _decide(item: Pending, previous: Version | None, now: datetime) -> Written:
    exists = previous is not None and previous.method is not Method.DELETE
    if previous is not None and (item.new or (item.free and exists)):
        raise Conflict("{reference} is there already", reference=previous.reference, expression=item.place)
    if item.if_match is not None and (previous is None or not exists):
        raise PreconditionFailed(
            "There is no {reference}, of which version {wanted} was to be current",
            reference=f"{item.type}/{item.id}",
            wanted=item.if_match,
            expression=item.place,
        )
    if item.if_match is not None and previous is not None and item.if_match != previous.version:
        raise PreconditionFailed(
            "Version {version} of {reference} is current, not {wanted}",
            version=previous.version,
            reference=f"{item.type}/{item.id}",
            wanted=item.if_match,
            expression=item.place,
        )
    if item.resource is None:
        if previous is None:
            raise NotFound(
                "{reference} is not known", reference=f"{item.type}/{item.id}", expression=item.place
            )
        if not exists:
            return Written(previous, created=False, changed=False)
        method, data = Method.DELETE, b""
    else:
        method, data = Method.UPDATE if exists else Method.CREATE, strip(item.resource)
    when = now if previous is None else max(now, previous.updated + timedelta(milliseconds=1))
    number = previous.version + 1 if previous else 1
    body = join(item.type, item.id, number, when, data) if data else b""
    if previous is not None and data and _same(previous, data):
        return Written(previous, created=False, changed=False)
    return Written(Version(item.type, item.id, number, when, method, body), created=not exists and bool(data))


def _same(previous: Version, data: bytes) -> bool:
    return join(previous.type, previous.id, previous.version, previous.updated, data) == previous.body


def current(connection: psycopg.Connection, codec: Codec, rids: Sequence[int]) -> dict[int, Version]:
    """The latest version of each resource that there is, deletions too."""
    found = connection.execute(
        f"select distinct on (r.rid) {rows.COLUMNS}, r.rid from resource r where r.rid = any(%s)"
        " order by r.rid, r.version desc",
        [list(rids)],
    ).fetchall()
    return {
        row[7]: version for row, version in zip(found, rows.versions(codec, connection, found), strict=True)
    }


def _store(connection: psycopg.Connection, codec: Codec, indexer: Indexer, new: Sequence[_Row]) -> None:
    versions: list[Any] = []
    searches: list[Any] = []
    for row in new:
        version, index, item = row.version, row.index, row.pending
        type_, shard = NUMBERS[version.type], keys.shard(index.patient, item.rid)
        data = strip(item.resource) if item.resource is not None else b""
        coding, packed = codec.pack(type_, data)
        letter = rows.LETTERS[version.method]
        versions.append(
            (
                item.rid,
                version.updated,
                version.version,
                shard,
                type_,
                coding,
                letter,
                pack_id(version.id),
                packed,
            )
        )
        if item.resource is not None:
            searches.append(
                (
                    item.rid,
                    index.patient,
                    index.area,
                    index.code,
                    index.date,
                    index.date_end,
                    version.updated,
                    version.version,
                    shard,
                    type_,
                    list(index.tokens),
                )
            )
    replaced = [row for row in new if row.previous is not None and row.previous.method is not Method.DELETE]
    with connection.pipeline(), connection.cursor() as cursor:
        if replaced:
            cursor.execute("delete from search where rid = any(%s)", [[row.pending.rid for row in replaced]])
            forget(cursor, indexer, [(row.pending.rid, row.previous) for row in replaced if row.previous])
        cursor.executemany(
            "insert into resource (rid, updated, version, shard, type, coding, method, id, body)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            versions,
        )
        if searches:
            cursor.executemany(
                "insert into search (rid, patient, area, code, date, date_end, updated, version, shard, type, tokens)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                searches,
            )
        _narrow(cursor, new)


def _narrow(cursor: psycopg.Cursor, new: Sequence[_Row]) -> None:
    tables = (
        ("insert into search_date (parameter, low, high, rid, shard) values (%s, %s, %s, %s, %s)", "dates"),
        (
            "insert into search_number (parameter, unit, low, high, rid, shard) values (%s, %s, %s, %s, %s, %s)",
            "numbers",
        ),
        ("insert into search_string (parameter, value, rid, shard) values (%s, %s, %s, %s)", "strings"),
    )
    for statement, name in tables:
        values = [
            (*value, row.pending.rid, keys.shard(row.index.patient, row.pending.rid))
            for row in new
            for value in getattr(row.index, name)
        ]
        if values:
            cursor.executemany(statement, values)


def forget(cursor: psycopg.Cursor, indexer: Indexer, previous: Sequence[tuple[int, Version]]) -> None:
    """Remove the narrow rows of versions that are current no more, found again from what they were made of."""
    dates: list[tuple[int, int, int]] = []
    numbers: list[tuple[int, int, float, int]] = []
    strings: list[tuple[int, str, int]] = []
    for rid, version in previous:
        old = indexer(version.resource)
        dates += [(value.parameter, value.low, rid) for value in old.dates]
        numbers += [(value.parameter, value.unit, value.low, rid) for value in old.numbers]
        strings += [(value.parameter, value.value, rid) for value in old.strings]
    if dates:
        cursor.executemany("delete from search_date where parameter = %s and low = %s and rid = %s", dates)
    if numbers:
        cursor.executemany(
            "delete from search_number where parameter = %s and unit = %s and low = %s and rid = %s", numbers
        )
    if strings:
        cursor.executemany(
            "delete from search_string where parameter = %s and value = %s and rid = %s", strings
        )
