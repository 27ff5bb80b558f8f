"""Taking into a lake what its store has written since: once, whatever happens.

A step reads the outbox up to the end of a transaction, takes the last version of each resource, writes it into new
files (``deltas``), notes the rows that it supersedes (``deletions``), and replaces the manifest, in which the cursor
stands. A step that is killed has changed nothing; the next one does it again.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from shangyi.errors import Conflict, NotFound
from shangyi.lake import deletions, instant, manifest, snapshot, writer
from shangyi.lake.deletions import Deleted
from shangyi.lake.intake import Batch
from shangyi.lake.locate import locate
from shangyi.lake.manifest import Kept, Manifest
from shangyi.store.body import join, unpack_id
from shangyi.store.codec import Codec
from shangyi.store.exports import Source
from shangyi.store.types import NAMES

CHANGES = 20_000
"""Versions of one step, more only where one transaction has more."""
BATCH_ROWS = 2000


class Strange(Conflict):
    """The lake does not go with the store: it has to be built anew."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What a step did: resources ``written`` and ``removed``; ``more``: whether the outbox has more already."""

    version: int
    written: int = 0
    removed: int = 0
    more: bool = False


_WINDOW = "xid >= %s::xid8 and xid < %s::xid8"
_CHANGED = (
    "select distinct on (r.rid) r.type, r.id, r.version, r.updated at time zone 'UTC', r.method, r.coding, r.body"
    f" from resource r where {_WINDOW} and not pg_visible_in_snapshot(xid, %s::pg_snapshot)"
    " order by r.rid, r.version desc"
)
_FORMER = (
    "select type, id, shard from (select distinct on (b.rid) b.type, b.id, b.shard, b.method"
    f" from (select distinct rid from resource where {_WINDOW} and not pg_visible_in_snapshot(xid, %s::pg_snapshot)) c"
    " join resource b on b.rid = c.rid and pg_visible_in_snapshot(b.xid, %s::pg_snapshot)"
    " order by b.rid, b.version desc) former where method <> 'd'"
)
"""Of the resources that changed, those that the lake holds, by the version that it holds."""


def pending(source: Source, current: Manifest) -> bool:
    """Whether there is anything to take in; Strange where the lake is not of this store."""
    with source.pool.connection() as connection:
        if not instant.known(connection, current.source):
            raise Strange("The record is not the one that the lake was built of")
        [(found,)] = connection.execute(
            "select exists (select from resource where xid >= %s::xid8 and xid < pg_snapshot_xmin(pg_current_snapshot()))",
            [instant.transaction(current.source)],
        ).fetchall()
        return bool(found)


def sync(directory: str | Path, source: Source, changes: int = CHANGES, patience_s: float = 0) -> Synced:
    """One step. Raises NotFound without a lake, Unavailable while another process writes it or the disk refuses,
    Strange where it has to be built anew."""
    root = Path(directory)
    with writer.rewriting(root, patience_s) as scratch, source.pool.connection() as connection:
        before = manifest.read(root)
        if before is None:
            raise NotFound("There is no lake in {path}", path=str(root))
        connection.execute("set transaction isolation level repeatable read, read only")
        if before.source["kind"] != "store" or not instant.known(connection, before.source):
            raise Strange("The record is not the one that the lake was built of")
        first = instant.transaction(before.source)
        bound, more = _bound(connection, first, changes)
        if bound == first:
            return Synced(before.version)
        window = [first, bound, before.source["snapshot"]]
        removed: set[tuple[str, str]] = set()
        build = writer.Build(root, scratch, before, before.buckets, distinct=True)
        made = build.files(_changed(connection, source.codec, window, removed))
        former = _former(connection, window, before.buckets)
        types = dict(before.types)
        for name in sorted({*made, *former}):
            old = types.get(name, Kept({}, 0))
            types[name] = superseding(root, name, old, made.get(name), former.get(name, {}), build.version)
        after = msgspec.structs.replace(
            before.with_types(build.version, types),
            schema=build.schema,
            created=manifest.now(),
            source=instant.source(connection, instant.advanced(before.source["snapshot"], bound), bound),
        )
        manifest.replace(root, after)
        manifest.sweep(root, after)
        return Synced(after.version, sum(kept.rows for kept in made.values()), len(removed), more)


def _bound(connection: psycopg.Connection[Any], first: str, changes: int) -> tuple[str, bool]:
    """The transaction before which this step ends, and whether there is more. All below it have ended.

    (Ordered by ``resource.xid``: by ``xid`` alone it would be by the text that is selected, 1000 before 999.)
    """
    [(end,)] = connection.execute("select pg_snapshot_xmin(pg_current_snapshot())::text").fetchall()
    after = (
        "select xid::text from resource where xid > %s::xid8 and xid < %s::xid8 order by resource.xid limit 1"
    )
    row = connection.execute(
        f"select xid::text from resource where {_WINDOW} order by resource.xid offset %s limit 1",
        [first, end, changes],
    ).fetchone()
    if row is None:
        return (end if int(end) > int(first) else first), False
    [(begin,)] = connection.execute(
        f"select xid::text from resource where {_WINDOW} order by resource.xid limit 1", [first, end]
    ).fetchall()
    if row[0] == begin:  # one transaction with more changes than a step should have: whole or not at all
        row = connection.execute(after, [begin, end]).fetchone()
    return (row[0], True) if row else (end, False)


def _changed(
    connection: psycopg.Connection[Any], codec: Codec, window: list[Any], removed: set[tuple[str, str]]
) -> Iterator[Batch]:
    """The last version of each resource of the window; the deleted ones go to ``removed``."""
    with connection.cursor("lake_changes", binary=True) as cursor:
        cursor.execute(_CHANGED.encode(), window, binary=True)
        while rows := cursor.fetchmany(BATCH_ROWS):
            if not all(codec.knows(row[5]) for row in rows):
                codec.load(connection)
            batches: dict[str, Batch] = {}
            for type_, id_, version, updated, method, coding, packed in rows:
                name, id = NAMES[type_], unpack_id(id_)
                if method in ("d", b"d"):
                    removed.add((name, id))
                    continue
                batch = batches.setdefault(name, Batch(name, [], []))
                batch.lines.append(join(name, id, version, updated, codec.unpack(coding, packed)))
                batch.places.append(id)
            yield from batches.values()


def _former(
    connection: psycopg.Connection[Any], window: list[Any], buckets: int
) -> Mapping[str, dict[str, int]]:
    """By type: the ids that the lake holds and that changed or went, each with its bucket."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    with connection.cursor("lake_former", binary=True) as cursor:
        cursor.execute(_FORMER.encode(), [*window, window[2]], binary=True)
        for type_, id_, shard in cursor:
            found[NAMES[type_]][unpack_id(id_)] = shard % buckets
    return found


def superseding(
    root: Path, name: str, old: Kept, new: Kept | None, former: Mapping[str, int], version: int
) -> Kept:
    """A type with new files, and without the rows of those that were there before."""
    deleted: Deleted = deletions.read(root, old) if former else {}
    gone = locate(root, old, deleted, former) if former else {}
    count = sum(map(len, gone.values()))
    if count != len(former):
        raise Strange(
            "The lake holds {count} of {wanted} superseded rows of {type}",
            count=count, wanted=len(former), type=name,
        )  # fmt: skip
    buckets = {file.bucket for file in (*old.base, *old.deltas) if file.path in gone}
    made = deletions.rewritten(root, name, old, deletions.united(deleted, gone), buckets, version)
    added = new.base if new else ()
    return msgspec.structs.replace(
        old,
        table=new.table if new else old.table,
        rows=old.rows - count + sum(file.rows for file in added),
        deltas=(*old.deltas, *added),
        deletions=made,
    )


def refresh(directory: str | Path, source: Source, patience_s: float = 0) -> Synced:
    """Take in everything that is new; build the lake where there is none, or where it does not go with the store."""
    root, written, removed = Path(directory), 0, 0
    try:
        while True:
            step = sync(root, source, patience_s=patience_s)
            written, removed = written + step.written, removed + step.removed
            if not step.more:
                return Synced(step.version, written, removed)
    except (Strange, NotFound):
        made = snapshot.build(root, source, patience_s=patience_s)
        return Synced(made.version, sum(kept.rows for kept in made.types.values()))
