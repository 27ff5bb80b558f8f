"""Write a chunk: what is there already is compared, the rest goes in by binary COPY, with its line in the ledger."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from shangyi.store import keys
from shangyi.store.body import join, unpack_id
from shangyi.store.codec import Codec
from shangyi.store.index import Indexer
from shangyi.store.load import rows
from shangyi.store.load.prepare import Prepared
from shangyi.store.model import Method, Version
from shangyi.store.rows import METHODS, milliseconds
from shangyi.store.types import NAMES
from shangyi.store.writer import array_text, forget, lock


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
    prepared: Prepared,
    refused: int,
    counts: Counter[str],
) -> None:
    """In the caller's transaction. ``counts`` gets added, updated, unchanged."""
    lock(connection, prepared.rids)
    for positions in rounds(prepared.rids):
        _write(connection, codec, indexer, prepared, positions, counts)
    connection.execute(
        "insert into load_ledger (source, chunk, resources, refused) values (%s, 0, %s, %s)"
        " on conflict (source, chunk) do update set resources = excluded.resources, refused = excluded.refused",
        [source, len(prepared.rids), refused],
    )


def rounds(rids: Sequence[int]) -> list[Sequence[int]]:
    """The positions of rids in order, in lists in which no resource stands twice."""
    if len(set(rids)) == len(rids):
        return [range(len(rids))]
    result: list[list[int]] = []
    depth: Counter[int] = Counter()
    for position, rid in enumerate(rids):
        level = depth[rid]
        depth[rid] += 1
        if level == len(result):
            result.append([])
        result[level].append(position)
    return list[Sequence[int]](result)


def _write(
    connection: psycopg.Connection,
    codec: Codec,
    indexer: Indexer,
    prepared: Prepared,
    positions: Sequence[int],
    counts: Counter[str],
) -> None:
    found = connection.execute(
        "select distinct on (rid) rid, version, updated, method, coding, body, id, type from resource"
        " where rid = any(%s::bigint[]) order by rid, version desc",
        [array_text(prepared.rids[position] for position in positions)],
        binary=True,
    ).fetchall()
    latest = {row[0]: row for row in found}
    if not all(codec.knows(row[4]) for row in found):
        codec.load(connection)
    (clock,) = connection.execute("select clock_timestamp()").fetchone() or (None,)
    assert isinstance(clock, datetime)
    now = milliseconds(clock)
    fresh = [position for position in positions if prepared.rids[position] not in latest]
    counts["added"] += len(fresh)
    now_us = keys.microseconds(now)
    versions = joined(rows.version_head(now_us, 1, b"c"), prepared.versions, fresh)
    searches = joined(rows.search_head(now_us, 1), prepared.searches, fresh)
    replaced: list[tuple[int, Version]] = []
    for position in positions if latest else ():
        old = latest.get(prepared.rids[position])
        if old is None:
            continue
        method = METHODS[old[3].decode() if isinstance(old[3], bytes) else old[3]]
        row = prepared.versions[position]
        if method is not Method.DELETE and _same(codec, row, old):
            counts["unchanged"] += 1
            continue
        counts["updated"] += 1
        later_us = keys.microseconds(max(now, old[2].astimezone(UTC) + timedelta(milliseconds=1)))
        versions += [rows.version_head(later_us, old[1] + 1, b"c" if method is Method.DELETE else b"u"), row]
        searches += [rows.search_head(later_us, old[1] + 1), prepared.searches[position]]
        fresh.append(position)
        if method is not Method.DELETE:
            replaced.append((prepared.rids[position], _version(codec, old, method)))
    if replaced:
        connection.execute("delete from search where rid = any(%s)", [[rid for rid, _ in replaced]])
        with connection.cursor() as cursor:
            forget(cursor, indexer, replaced)
    if fresh:
        into(connection, "resource", versions)
        into(connection, "search", searches)
        for name in ("dates", "numbers", "strings"):
            column: list[bytes] = getattr(prepared, name)
            into(connection, name, [column[position] for position in fresh])


def joined(head: bytes, column: Sequence[bytes], positions: Sequence[int]) -> list[bytes]:
    """``head`` before each of these rows, as one text."""
    return [head, head.join([column[position] for position in positions])] if positions else []


def _version(codec: Codec, old: tuple[Any, ...], method: Method) -> Version:
    type_, id_, updated = NAMES[old[7]], unpack_id(old[6]), old[2].astimezone(UTC)
    return Version(
        type_, id_, old[1], updated, method, join(type_, id_, old[1], updated, codec.unpack(old[4], old[5]))
    )


def _same(codec: Codec, row: bytes, old: tuple[Any, ...]) -> bool:
    coding, body = rows.packed_body(row)
    if old[4] == coding and bytes(old[5]) == body:
        return True
    return codec.unpack(old[4], old[5]) == codec.unpack(coding, body)


def into(connection: psycopg.Connection, table: str, parts: Iterable[bytes]) -> None:
    """Binary COPY of rows into one of ``rows.TABLES``."""
    data = b"".join(parts)
    if data:
        statement = f"copy {rows.TABLES[table]} from stdin (format binary)"
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(b"".join((rows.HEADER, data, rows.TRAILER)))
