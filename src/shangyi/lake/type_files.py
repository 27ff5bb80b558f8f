"""The files of a resource type as relations of DuckDB, without the rows that newer files or deletions supersede."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shangyi.lake import arrow
from shangyi.lake.catalog import Lake

ROW = "_lake_row"
"""Beside the columns, where it is asked for: the number of the row in its file."""
SUPERSEDED = "superseded"
"""The schema of the engine that holds, a table a type, the keys of superseded rows."""
_SHIFT = 32
"""A row's key is the number of its file among those that have superseded rows, shifted so far, and its place in the file."""


class TypeFiles:
    """The files of one type in one version of a lake. ``beside``: a directory for what has to be written for them.

    Files without superseded rows are read as they are. Where files have not all the same columns, an empty one, which
    has all, is read first: then every part has the same columns in the same order.
    """

    def __init__(self, lake: Lake, name: str, beside: Path) -> None:
        self.name, self.columns, self.files = name, lake.schema(name), lake.files(name)
        self.deleted = lake.deleted(name)
        self._number = {path: number for number, path in enumerate(self.deleted)}
        kept = lake.manifest.types[name]
        unlike = len({file.schema for file in (*kept.base, *kept.deltas)}) > 1
        self._first = [beside / f"{name}.parquet"] if unlike else []
        self._rows = beside / f"{name}.rows.parquet"

    @property
    def paths(self) -> list[Path]:
        """Every file that is read."""
        return [*self.files, *self._first, self._rows]

    def setup(self) -> Iterator[str]:
        """Write what is needed beside the lake; the statements that come before any relation."""
        for path in self._first:
            pq.write_table(arrow.schema(self.columns).empty_table(), path, store_schema=False)
        if self.deleted:
            keys = [(self._number[path] << _SHIFT) | numbers for path, numbers in self.deleted.items()]
            pq.write_table(pa.table({"k": np.concatenate(keys)}), self._rows)
            yield f'create table {SUPERSEDED}."{self.name}" as from {read([self._rows])}'

    def relation(self, files: Sequence[Path] | None = None, numbered: bool = False) -> str:
        """The rows of these files (by default of all): the columns of the type, the flat ones, and ``ROW``."""
        files = self.files if files is None else files
        meta = next((column for column in self.columns if column.name == "meta"), None)
        version = "meta.versionId" if meta is not None and meta.field("versionId") else "null::varchar"
        chosen = ", ".join(f'"{column.name}"' for column in self.columns)
        chosen += (
            f", '{self.name}/' || id resource_key, patient_key, codes, primary_code, date_low, date_high,"
            f" {version} version_id, last_updated, rest_json"
        )
        if numbered:
            chosen += f", file_row_number {ROW}"
        return self.alive(chosen, {path: path for path in files}, "file_row_number", self._first)

    def alive(self, chosen: str, places: dict[Path, Path], row: str = ROW, first: Sequence[Path] = ()) -> str:
        """The rows that are not superseded, of what stands for each file of the lake.

        ``places``: what is read, by the file whose rows it says something of, by the number that is in ``row``.
        """
        clean = [place for path, place in places.items() if path not in self.deleted]
        dirty = {path: place for path, place in places.items() if path in self.deleted}
        parts = [f"select {chosen} from {read([*first, *clean], bool(first))}"] if clean else []
        if dirty:
            numbers = [self._number[path] for path in dirty]
            also = "" if row == ROW else f", {row}"
            index = f"(file_index::bigint - {len(first)})"
            if numbers != list(range(len(numbers))):
                index = f"({numbers}::bigint[])[{index} + 1]"
            parts.append(
                f"select {chosen} from (select *{also}, ({index} << {_SHIFT}) | {row} k"
                f" from {read([*first, *dirty.values()], bool(first))})"
                f' anti join {SUPERSEDED}."{self.name}" using (k)'
            )
        return " union all ".join(parts)


def read(paths: Sequence[Path], unlike: bool = False) -> str:
    """Parquet files as a relation; ``unlike``: whether they have not all the same columns."""
    return f"read_parquet({listed(paths)}, union_by_name = {str(unlike).lower()})"


def listed(paths: Sequence[Path]) -> str:
    """Paths as a list of SQL."""
    return "[" + ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths) + "]"
