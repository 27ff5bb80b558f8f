"""Which rows of a lake's files are superseded: (file, row number), in small Parquet files of their own, one a bucket.

A position says it without reading anything of the rows; any engine that numbers the rows of a file can leave them out.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from shangyi.lake import parquet
from shangyi.lake.manifest import File, Kept

Rows = npt.NDArray[np.int64]
Deleted = dict[str, Rows]
"""The rows by path from the lake's directory, ascending."""
SCHEMA = pa.schema([pa.field("path", pa.string()), pa.field("row", pa.int64())])


def read(directory: Path, kept: Kept) -> Deleted:
    """All of a type."""
    found: dict[str, list[Rows]] = {}
    for file in kept.deletions:
        table = pq.read_table(directory / file.path, schema=SCHEMA)
        paths = table["path"].combine_chunks().dictionary_encode()
        if isinstance(paths, pa.ChunkedArray):
            paths = paths.combine_chunks()
        which, rows = paths.indices.to_numpy(), table["row"].to_numpy()
        for number, path in enumerate(paths.dictionary.to_pylist()):
            found.setdefault(path, []).append(rows[which == number])
    return {path: np.unique(np.concatenate(parts)) for path, parts in found.items()}


def united(first: Mapping[str, Rows], second: Mapping[str, Rows]) -> Deleted:
    """What either says."""
    return {
        path: np.unique(np.concatenate([part[path] for part in (first, second) if path in part]))
        for path in {**first, **second}
    }


def rewritten(
    directory: Path, name: str, kept: Kept, deleted: Mapping[str, Rows], buckets: Iterable[int], version: int
) -> tuple[File, ...]:
    """The deletion files of a type, those of some buckets made anew of what ``deleted`` says now."""
    made = [file for file in kept.deletions if file.bucket not in set(buckets)]
    for bucket in sorted(set(buckets)):
        rows = {
            file.path: deleted[file.path]
            for file in (*kept.base, *kept.deltas)
            if file.bucket == bucket and file.path in deleted
        }
        if rows:
            made.append(_written(directory, name, bucket, version, rows))
    return tuple(made)


def _written(directory: Path, name: str, bucket: int, version: int, rows: Mapping[str, Rows]) -> File:
    path = f"{name}/{version:06d}-{bucket:03d}-{uuid4().hex[:8]}.deleted.parquet"
    table = pa.table(
        [
            pa.array(np.repeat(list(rows), [len(part) for part in rows.values()]), pa.string()),
            pa.array(np.concatenate(list(rows.values())), pa.int64()),
        ],
        schema=SCHEMA,
    )
    return File(path, table.num_rows, parquet.write_plain(directory / path, table), bucket, 0)
