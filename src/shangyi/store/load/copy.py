"""Write a chunk: what is there already is compared, the rest goes in by binary COPY, with its line in the ledger."""

import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from shangyi.store import keys
from shangyi.store.body import join, unpack_id
from shangyi.store.codec import Codec
from shangyi.store.index import Indexer
from shangyi.store.load.prepare import Row
from shangyi.store.model import Method, Version
from shangyi.store.rows import METHODS, milliseconds
from shangyi.store.types import NAMES
from shangyi.store.writer import forget, lock

HEADER = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
TRAILER = b"\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_VERSION = struct.Struct(">hiqiqiiihihihi1si")
_SEARCH = struct.Struct(">hiqiqii")
TABLES = {
    "dates": "search_date (rid, low, high, parameter, shard)",
    "numbers": "search_number (rid, unit, low, high, parameter, shard)",
    "strings": "search_string (rid, parameter, shard, value)",
}


def ledger_has(connection: psycopg.Connection, source: bytes) -> int | None:
    """How many resources of this chunk were loaded before; None when it was not, or something was refused."""
    row = connection.execute(
        "select resources from load_ledger where source = %s and refused = 0", [source]
    ).fetchone()
    return row[0] if row else None


def write_chunk(
    connection: psycopg.Connection,
    codec: Codec,
    indexer: Indexer,
    source: bytes,
    rows: Sequence[Row],
    refused: int,
    counts: Counter[str],
) -> None:
    """In the caller's transaction. ``counts`` gets added, updated, unchanged."""
    lock(connection, [row.rid for row in rows])
    for unique in rounds(rows):
        _write(connection, codec, indexer, unique, counts)
    connection.execute(
        "insert into load_ledger (source, chunk, resources, refused) values (%s, 0, %s, %s)"
        " on conflict (source, chunk) do update set resources = excluded.resources, refused = excluded.refused",
        [source, len(rows), refused],
    )


def rounds(rows: Iterable[Row]) -> list[list[Row]]:
    """The rows in order, in lists in which no resource stands twice."""
    result: list[list[Row]] = []
    depth: Counter[int] = Counter()
    for row in rows:
        level = depth[row.rid]
        depth[row.rid] += 1
        if level == len(result):
            result.append([])
        result[level].append(row)
    return result


def _write(
    connection: psycopg.Connection, codec: Codec, indexer: Indexer, rows: Sequence[Row], counts: Counter[str]
) -> None:
    found = connection.execute(
        "select distinct on (rid) rid, version, updated, method, coding, body, id, type from resource"
        " where rid = any(%s) order by rid, version desc",
        [[row.rid for row in rows]],
        binary=True,
    ).fetchall()
    latest = {row[0]: row for row in found}
    (clock,) = connection.execute("select clock_timestamp()").fetchone() or (None,)
    assert isinstance(clock, datetime)
    now = milliseconds(clock)
    fresh: list[tuple[Row, int, datetime, bytes]] = []
    replaced: list[tuple[int, Version]] = []
    for row in rows:
        old = latest.get(row.rid)
        if old is None:
            fresh.append((row, 1, now, b"c"))
            counts["added"] += 1
            continue
        method = METHODS[old[3].decode() if isinstance(old[3], bytes) else old[3]]
        if method is not Method.DELETE and _same(codec, row, old):
            counts["unchanged"] += 1
            continue
        later = max(now, old[2].astimezone(UTC) + timedelta(milliseconds=1))
        fresh.append((row, old[1] + 1, later, b"c" if method is Method.DELETE else b"u"))
        counts["updated"] += 1
        if method is not Method.DELETE:
            body = join(
                NAMES[old[7]], unpack_id(old[6]), old[1], old[2].astimezone(UTC), codec.unpack(old[4], old[5])
            )
            replaced.append(
                (row.rid, Version(NAMES[old[7]], unpack_id(old[6]), old[1], old[2], method, body))
            )
    if replaced:
        connection.execute("delete from search where rid = any(%s)", [[rid for rid, _ in replaced]])
        with connection.cursor() as cursor:
            forget(cursor, indexer, replaced)
    if fresh:
        _copy(connection, fresh)


def _same(codec: Codec, row: Row, old: tuple[Any, ...]) -> bool:
    if old[4] == row.coding:
        return bytes(old[5]) == row.body
    return codec.unpack(old[4], old[5]) == codec.unpack(row.coding, row.body)


def _copy(connection: psycopg.Connection, fresh: Sequence[tuple[Row, int, datetime, bytes]]) -> None:
    versions, searches = [HEADER], [HEADER]
    for row, version, updated, method in fresh:
        when = keys.microseconds(updated) - keys.microseconds(_EPOCH)
        versions.append(
            _VERSION.pack(
                9,
                8,
                row.rid,
                8,
                when,
                4,
                version,
                2,
                row.shard,
                2,
                row.type,
                2,
                row.coding,
                1,
                method,
                len(row.id),
            )
            + row.id
            + struct.pack(">i", len(row.body))
            + row.body
        )
        searches.append(_SEARCH.pack(11, 8, row.rid, 8, when, 4, version) + row.search)
    into(connection, "resource (rid, updated, version, shard, type, coding, method, id, body)", versions)
    into(
        connection,
        "search (rid, updated, version, patient, area, code, date, date_end, shard, type, tokens)",
        searches,
    )
    for name, table in TABLES.items():
        narrow = [data for row, *_ in fresh if (data := getattr(row, name))]
        if narrow:
            into(connection, table, [HEADER, *narrow])


def into(connection: psycopg.Connection, table: str, parts: Sequence[bytes]) -> None:
    """Binary COPY of whole rows."""
    with connection.cursor() as cursor, cursor.copy(f"copy {table} from stdin (format binary)") as copy:
        copy.write(b"".join(parts) + TRAILER)
