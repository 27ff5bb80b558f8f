"""An opened lake: one version, which stays whole while it is open."""

import builtins
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shangyi.lake import arrow, deletions, exact
from shangyi.lake.manifest import Lease
from shangyi.query.columns import Column, Table

BATCH_ROWS = 4096


def open(directory: str | Path) -> "Lake":
    """The current version of the lake in a directory; NotFound where there is none."""
    return Lake(Path(directory))


def rows_of(path: Path, deleted: deletions.Rows | None, rows: int = BATCH_ROWS) -> Iterator[pa.Table]:
    """A file in pieces, without the rows of these numbers."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        start = 0
        for batch in file.iter_batches(rows):
            table = pa.Table.from_batches([batch])
            if deleted is not None:
                low, high = np.searchsorted(deleted, [start, start + batch.num_rows])
                alive = np.ones(batch.num_rows, bool)
                alive[deleted[low:high] - start] = False
                table = table.filter(pa.array(alive))
            start += batch.num_rows
            yield table


class Lake:
    """One version of a lake. Close it (or use ``with``) when done: until then its files stay."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self._lease = Lease(self.directory)
        self.manifest = self._lease.manifest

    @property
    def version(self) -> int:
        """Which version this is; grows with every change."""
        return self.manifest.version

    def tables(self) -> tuple[str, ...]:
        """The resource types it holds, by name."""
        return tuple(self.manifest.types)

    def table(self, resource_type: str) -> Table:
        """The table of a type; without columns where the lake holds none of it."""
        return self.manifest.table(resource_type) or Table(resource_type, ())

    def schema(self, resource_type: str) -> tuple[Column, ...]:
        """The columns of a type."""
        return self.table(resource_type).columns

    def rows(self, resource_type: str) -> int:
        """How many resources of a type."""
        kept = self.manifest.types.get(resource_type)
        return kept.rows if kept else 0

    def files(self, resource_type: str) -> builtins.list[Path]:
        """The Parquet files of a type."""
        kept = self.manifest.types.get(resource_type)
        return [self.directory / file.path for file in (*kept.base, *kept.deltas)] if kept else []

    def deleted(self, resource_type: str) -> dict[Path, deletions.Rows]:
        """The row numbers, by file, of what newer files or deletions supersede."""
        kept = self.manifest.types.get(resource_type)
        found = deletions.read(self.directory, kept) if kept else {}
        return {self.directory / path: rows for path, rows in found.items()}

    def deletion_files(self, resource_type: str) -> builtins.list[Path]:
        """The files that hold these rows, for engines that read them themselves: ``deletions.SCHEMA``."""
        kept = self.manifest.types.get(resource_type)
        return [self.directory / file.path for file in kept.deletions] if kept else []

    def batches(self, resource_type: str) -> Iterator[pa.RecordBatch]:
        """The rows of a type as they are kept, without the superseded ones."""
        schema = arrow.schema(self.schema(resource_type))
        deleted = self.deleted(resource_type)
        for path in self.files(resource_type):
            for table in rows_of(path, deleted.get(path)):
                yield from arrow.conform_table(table, schema).to_batches()

    def resources(self, resource_type: str) -> Iterator[dict[str, Any]]:
        """The resources of a type, rebuilt: the same meaning, decimals exact."""
        columns = self.schema(resource_type)
        for batch in self.batches(resource_type):
            for row in batch.to_pylist():
                yield exact.rebuild(row, resource_type, columns)

    def close(self) -> None:
        """Let go of the files."""
        self._lease.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
