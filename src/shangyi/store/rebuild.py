"""Compute all search rows anew from the resources, where a release indexes in another way than the rows at hand.

One transaction: a rebuild that is broken off leaves what was there, and the next start begins it again.
"""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from shangyi.store import frequency, keys, rows
from shangyi.store.codec import Codec
from shangyi.store.index import LAYOUT, IndexRow, indexer
from shangyi.store.migrate import LOCK
from shangyi.store.model import Version
from shangyi.store.types import NUMBERS

BATCH = 2000
TABLES = ("search", "search_date", "search_number", "search_string")
COPIES = {
    "search": "search (rid, patient, area, code, date, date_end, updated, version, shard, type, tokens)",
    "dates": "search_date (parameter, low, high, rid, shard)",
    "numbers": "search_number (parameter, unit, low, high, rid, shard)",
    "strings": "search_string (parameter, value, rid, shard)",
}
Told = Callable[[int], None]
"""Resources so far."""


def bring_up(connection: psycopg.Connection, codec: Codec, progress: Told | None = None) -> int:
    """Rebuild if the rows are of another layout than this release's; the number of resources indexed anew."""
    done = 0
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        found = connection.execute("select layout from index_layout").fetchall()
        if found == [(LAYOUT,)]:
            return 0
        if connection.execute("select exists (select from search)").fetchone() == (True,):
            done = _rebuild(connection, codec, progress)
        connection.execute("delete from index_layout")
        connection.execute("insert into index_layout (layout) values (%s)", [LAYOUT])
    if done:
        frequency.refresh(connection)
        connection.commit()
    return done


def _rebuild(connection: psycopg.Connection, codec: Codec, progress: Told | None) -> int:
    connection.execute("set local statement_timeout = 0")  # a server's own is for its readers
    connection.execute(f"truncate {', '.join(TABLES)}")
    indices = connection.execute(
        "select indexname, indexdef from pg_indexes where schemaname = 'public' and tablename = any(%s)"
        " and indexname not in (select conname from pg_constraint)",
        [list(TABLES)],
    ).fetchall()
    for name, _ in indices:  # made at once afterwards, in a fraction of the time
        connection.execute(f"drop index {name}")
    done = 0
    for batch in _current(connection, codec):
        _copy(connection, batch)
        done += len(batch)
        if progress:
            progress(done)
    for _, definition in indices:
        connection.execute(definition)
    return done


def _current(connection: psycopg.Connection, codec: Codec) -> Iterator[list[tuple[int, Version]]]:
    with connection.cursor(name="rebuild") as cursor:
        cursor.itersize = BATCH
        cursor.execute(
            f"select {rows.COLUMNS}, rid from (select distinct on (rid) * from resource order by rid, version desc) r"
            " where method <> 'd'"
        )
        while found := cursor.fetchmany(BATCH):
            versions = rows.versions(codec, connection, found)
            yield [(row[7], version) for row, version in zip(found, versions, strict=True)]


def _copy(connection: psycopg.Connection, batch: list[tuple[int, Version]]) -> None:
    index = indexer()
    made: dict[str, list[tuple[Any, ...]]] = {name: [] for name in COPIES}
    for rid, version in batch:
        row: IndexRow = index(version.resource)
        shard = keys.shard(row.patient, rid)
        made["search"].append((
            rid, row.patient, row.area, row.code, row.date, row.date_end, version.updated, version.version,
            shard, NUMBERS[version.type], list(row.tokens),
        ))  # fmt: skip
        for name in ("dates", "numbers", "strings"):
            made[name] += [(*value, rid, shard) for value in getattr(row, name)]
    for name, target in COPIES.items():
        with connection.cursor() as cursor, cursor.copy(f"copy {target} from stdin") as copy:
            for record in made[name]:
                copy.write_row(record)
