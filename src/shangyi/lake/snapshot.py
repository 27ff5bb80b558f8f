"""The record as of one instant: all current resources of a store, as lines for a lake.

The instant is kept with the lake as PostgreSQL's snapshot, so that what it held can be told later, too; and as the
cursor from which a reader of the outbox goes on: what was open at that instant comes again there, and twice is no harm.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from shangyi.errors import Unprocessable
from shangyi.lake import instant
from shangyi.lake.intake import Batch
from shangyi.lake.manifest import Manifest
from shangyi.lake.place import Place
from shangyi.lake.writer import buckets_for, write_batches
from shangyi.store.body import joiner, unpack_id
from shangyi.store.codec import Codec
from shangyi.store.exports import Source
from shangyi.store.types import NAMES

BATCH_ROWS = 2000
TYPICAL_BYTES = 1400
"""Of the JSON of a resource: for the number of parts."""

Progress = Callable[[int, int], None]
"""Told the resources so far and how many there are."""

_COLUMNS = "r.id, r.version, r.updated at time zone 'UTC', r.coding, r.body"
_CURRENT = f"select {_COLUMNS} from search s join resource r on r.rid = s.rid and r.version = s.version where s.type = %s"
_THEN = (
    f"select {_COLUMNS} from (select distinct on (rid) * from resource"
    " where type = %s and pg_visible_in_snapshot(xid, %s::pg_snapshot) order by rid, version desc) r"
    " where r.method <> 'd'"
)


def build(
    directory: str | Path, source: Source, progress: Progress | None = None, patience_s: float = 0
) -> Manifest:
    """Make a lake of everything that is current in a store now; a new version, in place of the last."""
    with source.pool.connection() as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        [(snapshot, xmin)] = connection.execute(
            "select pg_current_snapshot()::text, pg_snapshot_xmin(pg_current_snapshot())::text"
        ).fetchall()
        counts = dict(connection.execute("select type, count(*) from search group by type").fetchall())
        total = sum(counts.values())

        def batches() -> Iterator[Batch]:
            for type_ in sorted(counts):
                yield from _batches(connection, source.codec, NAMES[type_], _CURRENT, [type_])

        return write_batches(
            directory,
            batches(),
            source=instant.source(connection, snapshot, xmin),
            buckets=buckets_for(total * TYPICAL_BYTES),
            progress=(lambda done: progress(done, total)) if progress else None,
            patience_s=patience_s,
        )


def then(source: Source, manifest: Manifest) -> "Then":
    """What the store held at the instant of a lake that was built of it."""
    snapshot = manifest.source.get("snapshot")
    if snapshot is None:
        raise Unprocessable("This lake was not built of a record: there is nothing to hold it against")
    return Then(source, snapshot)


class Then:
    """A store as it was at a former snapshot, read from its versions."""

    def __init__(self, source: Source, snapshot: str) -> None:
        self._source, self._snapshot = source, snapshot

    def lines(self, resource_type: str) -> Iterator[bytes]:
        """The resources of a type that were current then."""
        with self._source.pool.connection() as connection:
            connection.execute("set transaction isolation level repeatable read, read only")
            number = NAMES.index(resource_type)
            parameters = [number, self._snapshot]
            for batch in _batches(connection, self._source.codec, resource_type, _THEN, parameters):
                yield from batch.lines

    def types(self) -> list[str]:
        """The types of which there is any version."""
        with self._source.pool.connection() as connection:
            rows = connection.execute("select distinct type from search").fetchall()
        return sorted(NAMES[row[0]] for row in rows)


def _batches(
    connection: psycopg.Connection, codec: Codec, name: str, query: str, parameters: list[object]
) -> Iterator[Batch]:
    whole = joiner(name)
    with connection.cursor("lake", binary=True) as cursor:
        cursor.execute(query.encode(), parameters, binary=True)
        while rows := cursor.fetchmany(BATCH_ROWS):
            codings = {row[3] for row in rows}
            if not all(map(codec.knows, codings)):
                codec.load(connection)
            unpack = {coding: codec.unpacker(coding) for coding in codings}
            ids = [unpack_id(row[0]) for row in rows]
            lines = [
                whole(id, version, updated, unpack[coding](packed))
                for id, (_, version, updated, coding, packed) in zip(ids, rows, strict=True)
            ]
            places: list[Place] = [*ids]
            yield Batch(name, lines, places)
