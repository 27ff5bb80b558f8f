"""How far a lake is behind its record, and whether a process keeps it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from shangyi.lake import instant, process
from shangyi.lake.manifest import Manifest
from shangyi.store.exports import Source

MOST = 1_000_000
"""Changes that are counted; more are as good as a lake that is to be built anew."""


@dataclass(frozen=True, slots=True)
class Behind:
    """``changes``: versions that wait, None where the lake is not of this record; ``oldest``: when the first of them was
    written; ``seconds``: how long ago; ``kept``: whether a process takes them in now."""

    changes: int | None
    oldest: datetime | None
    seconds: float | None
    kept: bool


def behind(source: Source, manifest: Manifest, home: Path) -> Behind:
    """Of the lake of a home."""
    kept = process.alive(home)
    with source.pool.connection() as connection:
        if manifest.source["kind"] != "store" or not instant.known(connection, manifest.source):
            return Behind(None, None, None, kept)
        [(changes, oldest)] = connection.execute(
            "select count(*), min(updated) from (select updated from resource where xid >= %s::xid8"
            " and not pg_visible_in_snapshot(xid, %s::pg_snapshot) order by resource.xid limit %s) waiting",
            [instant.transaction(manifest.source), manifest.source["snapshot"], MOST],
        ).fetchall()
    seconds = max(0.0, (datetime.now(UTC) - oldest).total_seconds()) if oldest else None
    return Behind(changes, oldest, seconds, kept)
