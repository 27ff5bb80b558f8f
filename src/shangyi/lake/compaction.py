"""Keeping a lake quick: small files made one, superseded rows left out, a bucket of a type at a time.

Each step rewrites some files of one bucket into sorted ones and replaces the manifest, so that a step is short, can be
killed, and what the store writes meanwhile waits for one step only. Readers of former versions keep their files.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import msgspec
import pyarrow as pa

from shangyi.lake import arrow, deletions, manifest, parquet, writer
from shangyi.lake.catalog import rows_of
from shangyi.lake.deletions import Deleted
from shangyi.lake.manifest import File, Kept, Manifest
from shangyi.lake.spool import Spools

SMALL_BYTES = 2 << 20
MOST_SMALL = 8
"""Small files of one bucket that are left as they are; every one costs a reader about a millisecond."""
FEW, DIRTY = 20, 1 / 200
"""Superseded rows that are left in a file, and their share of its rows, whichever is more: each costs a reader more than its share."""
STEP_BYTES = 64 << 20
"""Of Parquet files that one step reads, unless a single one is larger."""
PIECE_ROWS = 16_384


@dataclass(frozen=True, slots=True)
class Unit:
    """Files of one type and bucket to be made one."""

    type: str
    bucket: int
    files: tuple[File, ...]


def due(directory: Path, current: Manifest, everything: bool = False) -> Unit | None:
    """What to rewrite next, None where nothing passes its bound; ``everything``: whatever is no base yet."""
    for name, kept in current.types.items():
        if not everything and not kept.deletions and len(kept.deltas) <= MOST_SMALL:
            continue
        deleted = deletions.read(directory, kept)
        buckets: dict[int, list[File]] = defaultdict(list)
        for file in (*kept.base, *kept.deltas):
            buckets[file.bucket].append(file)
        for bucket, files in buckets.items():
            chosen = _changed(kept, files, deleted) if everything else _worst(files, deleted)
            if chosen:
                return Unit(name, bucket, chosen)
    return None


def _changed(kept: Kept, files: list[File], deleted: Deleted) -> tuple[File, ...]:
    """Deltas, files with superseded rows, and the small ones beside them."""
    chosen = [file for file in files if file in kept.deltas or file.path in deleted]
    small = [file for file in files if chosen and file not in chosen and file.bytes < SMALL_BYTES]
    return _within([*chosen, *small])


def _worst(files: list[File], deleted: Deleted) -> tuple[File, ...]:
    dirty = [f for f in files if len(deleted.get(f.path, ())) > max(FEW, f.rows * DIRTY)]
    if dirty:
        return _within(sorted(dirty, key=lambda f: -len(deleted[f.path]) / f.rows))
    small = sorted((f for f in files if f.bytes < SMALL_BYTES), key=lambda f: f.bytes)
    if len(small) <= MOST_SMALL:
        return ()
    # A file is made one with smaller ones only when these together are half of it: else it would be written too often.
    size, count = 0, 0
    for count, file in enumerate(small):
        if count > MOST_SMALL // 2 and file.bytes > 2 * size:
            break
        size += file.bytes
    else:
        count = len(small)
    return tuple(small[:count])


def _within(files: list[File]) -> tuple[File, ...]:
    """The first of them, as many as one step reads."""
    size, chosen = 0, list[File]()
    for file in files:
        size += file.bytes
        if chosen and size > STEP_BYTES:
            break
        chosen.append(file)
    return tuple(chosen)


def compact(directory: str | Path, everything: bool = False, patience_s: float = 0) -> Unit | None:
    """One step; what was rewritten, None where nothing is due. Raises as ``sync`` does."""
    root = Path(directory)
    with writer.rewriting(root, patience_s) as scratch:
        before = manifest.read(root)
        unit = due(root, before, everything) if before else None
        if before is None or unit is None:
            return None
        after = _rewritten(root, scratch, before, unit, everything)
        manifest.replace(root, after)
        manifest.sweep(root, after)
        return unit


def _rewritten(root: Path, scratch: Path, before: Manifest, unit: Unit, everything: bool) -> Manifest:
    kept, version = before.types[unit.type], before.version + 1
    table = before.table(unit.type)
    assert table is not None
    schema = arrow.schema(table.columns)
    deleted, gone = deletions.read(root, kept), {file.path for file in unit.files}
    spool = Spools(scratch).spool("compaction")
    for piece in _alive(root, unit, deleted):
        spool.add(arrow.conform_table(piece, schema))
    others = [file for file in (*kept.base, *kept.deltas) if file.path not in gone]
    made: list[File] = []
    for run in parquet.runs(spool.drain(), schema) if spool.rows or others else [schema.empty_table()]:
        path = f"{unit.type}/{version:06d}-{unit.bucket:03d}-{len(made):04d}-{uuid4().hex[:8]}.parquet"
        size = parquet.write(root / path, run)
        newest = max(file.schema for file in (*kept.base, *kept.deltas))
        made.append(File(path, run.num_rows, size, unit.bucket, newest))
    manifest.sync_directory(root / unit.type)
    base = [file for file in kept.base if file.path not in gone]
    deltas = [file for file in kept.deltas if file.path not in gone]
    for file in made:
        (
            base if everything or file.bytes >= SMALL_BYTES or gone & {f.path for f in kept.base} else deltas
        ).append(file)
    result = msgspec.structs.replace(kept, base=tuple(base), deltas=tuple(deltas))
    left = {path: rows for path, rows in deleted.items() if path not in gone}
    marked = {file.bucket for file in kept.deletions} & {unit.bucket}
    result = msgspec.structs.replace(
        result, deletions=deletions.rewritten(root, unit.type, result, left, marked, version)
    )
    return before.with_types(version, {**before.types, unit.type: result})


def _alive(root: Path, unit: Unit, deleted: Deleted) -> Iterator[pa.Table]:
    for file in unit.files:
        for piece in rows_of(root / file.path, deleted.get(file.path), PIECE_ROWS):
            if piece.num_rows:
                yield piece
