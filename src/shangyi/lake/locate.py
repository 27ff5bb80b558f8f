"""Where the rows of some resources stand in a lake: what a newer version or a deletion supersedes."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shangyi.lake.deletions import Deleted, Rows
from shangyi.lake.manifest import File, Kept


def locate(directory: Path, kept: Kept, deleted: Deleted, wanted: Mapping[str, int]) -> Deleted:
    """The rows that hold these ids (each with the bucket it should be in) and are not deleted yet.

    A bucket's newest files are looked at first, and only as long as something is missing. What is not where it should
    be is looked for everywhere; what is nowhere is left out, which the caller has to count.
    """
    by_bucket: dict[int, set[str]] = defaultdict(set)
    for id, bucket in wanted.items():
        by_bucket[bucket].add(id)
    files = [*reversed(kept.deltas), *reversed(kept.base)]
    found: Deleted = {}
    lost: set[str] = set()
    for bucket, ids in by_bucket.items():
        lost |= _search(directory, [f for f in files if f.bucket == bucket], deleted, ids, found)
    if lost:
        _search(directory, files, deleted, lost, found)
    return found


def _search(directory: Path, files: list[File], deleted: Deleted, ids: set[str], found: Deleted) -> set[str]:
    """Add to ``found``; the ids that are in none of the files."""
    missing = set(ids)
    for file in files:
        if not missing:
            break
        rows, names = _rows(directory / file.path, missing)
        if file.path in deleted:
            alive = ~np.isin(rows, deleted[file.path])
            rows, names = rows[alive], [name for name, live in zip(names, alive, strict=True) if live]
        if len(rows):
            found[file.path] = np.union1d(found[file.path], rows) if file.path in found else rows
            missing -= set(names)
    return missing


def _rows(path: Path, ids: set[str]) -> tuple[Rows, list[str]]:
    """The rows with one of these ids, and the id of each."""
    column = pq.read_table(path, columns=["id"], use_threads=False)["id"]
    rows = np.flatnonzero(pc.is_in(column, pa.array(sorted(ids), pa.string())).to_numpy()).astype(np.int64)
    return rows, column.take(pa.array(rows)).to_pylist()
