"""The way out: current versions as NDJSON, one file a type, streamed."""

import gzip
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import psycopg
from psycopg_pool import ConnectionPool

from shangyi.store import identity, rows, scope
from shangyi.store.codec import Codec
from shangyi.store.database import Store
from shangyi.store.model import EVERYTHING, Scope, Version
from shangyi.store.types import NAMES, NUMBERS

BATCH_ROWS = 1000


class Source(Protocol):
    """What is streamed from: a Store, or its Repository."""

    @property
    def pool(self) -> ConnectionPool[Any]:
        """Connections."""

    @property
    def codec(self) -> Codec:
        """What reads the bodies."""


def stream(
    store: Source, type: str, since: datetime | None = None, bounds: Scope = EVERYTHING
) -> Iterator[Version]:
    """The current versions of a type, as of one instant, however many there are."""
    identity.check(type)
    with store.pool.connection() as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        yield from _stream(connection, store, type, since, bounds)


def _stream(
    connection: psycopg.Connection, store: Source, type: str, since: datetime | None, bounds: Scope
) -> Iterator[Version]:
    where, parameters = scope.condition(bounds, "s")
    if since is not None:
        where, parameters = f"{where} and s.updated >= %s", [*parameters, since]
    with connection.cursor("export") as cursor:
        cursor.itersize = BATCH_ROWS
        cursor.execute(
            f"select {rows.COLUMNS} from search s join resource r on r.rid = s.rid and r.version = s.version"
            f" where s.type = %s and {where}",
            [NUMBERS[type], *parameters],
        )
        while batch := cursor.fetchmany(BATCH_ROWS):
            yield from rows.versions(store.codec, connection, batch)


def export(
    store: Store,
    directory: Path,
    types: Sequence[str] | None = None,
    since: datetime | None = None,
    compress: bool = False,
    progress: Callable[[str, int], None] | None = None,
) -> dict[str, int]:
    """Write ``<Type>.ndjson`` (or ``.ndjson.gz``), all as of one instant; how many resources of each type.

    A file stands under its name only when it is complete. ``progress``: type and resources so far.
    """
    for name in types or ():
        identity.check(name)
    directory.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    with store.pool.connection() as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        present = connection.execute("select distinct type from search order by type").fetchall()
        for name in [NAMES[row[0]] for row in present]:
            if types is not None and name not in types:
                continue
            target = directory / f"{name}.ndjson{'.gz' if compress else ''}"
            part = target.with_name(target.name + ".part")
            try:
                with cast(BinaryIO, gzip.open(part, "wb", 6) if compress else part.open("wb")) as file:
                    count = 0
                    for version in _stream(connection, store, name, since, EVERYTHING):
                        file.write(version.body + b"\n")
                        count += 1
                        if progress and count % BATCH_ROWS == 0:
                            progress(name, count)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
            part.replace(target)
            counts[name] = count
            if progress:
                progress(name, count)
    return counts
