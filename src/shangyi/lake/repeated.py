"""Which resources of a build come again later, found in memory that does not grow with the input.

Hashes of the ids, which tell of nearly all that there is no other, stand in a file in the order of the rows, and are
sorted a part of their range at a time; only ids whose hashes are alike are held against each other.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from shangyi.lake.spool import Spool

Rows = npt.NDArray[np.int64]
AT_ONCE = 2_000_000
"""Hashes that are sorted at once."""
ALIKE = 500_000
"""Resources whose ids are held against each other at once, about."""
BLOCK = 1 << 20


class Ids:
    """Of one resource type; ``row``: the name of the column that numbers the rows in the spools."""

    def __init__(self, path: Path, row: str) -> None:
        self._path, self._row, self._count = path, row, 0

    def add(self, ids: Iterable[str], count: int) -> None:
        """Those of the next rows."""
        with self._path.open("ab") as file:
            np.fromiter(map(hash, ids), np.int64, count).tofile(file)
        self._count += count

    def superseded(self, spools: list[Spool]) -> Rows:
        """The rows of which a later one has the same id, in order."""
        found: list[Rows] = []
        alike: list[Rows] = []
        for part in self._alike():
            alike.append(part)
            if sum(map(len, alike)) >= ALIKE:
                found.append(self._older(spools, np.sort(np.concatenate(alike))))
                alike = []
        if sum(map(len, alike)):
            found.append(self._older(spools, np.sort(np.concatenate(alike))))
        self._path.unlink(missing_ok=True)
        return np.sort(np.concatenate(found)) if found else np.empty(0, np.int64)

    def _alike(self) -> Iterator[Rows]:
        """By part, the rows whose hash another has too; equal ids are in one part."""
        parts = -(-self._count // AT_ONCE)
        for part in range(parts):
            hashes, rows = [], []
            for start, block in self._blocks():
                chosen = np.flatnonzero(block % parts == part)
                hashes.append(block[chosen])
                rows.append(start + chosen)
            whole, numbers = np.concatenate(hashes), np.concatenate(rows)
            order = np.argsort(whole)
            whole = whole[order]
            same = whole[1:] == whole[:-1]
            if len(whole):
                yield numbers[order[np.r_[False, same] | np.r_[same, False]]]

    def _blocks(self) -> Iterator[tuple[int, Rows]]:
        start = 0
        with self._path.open("rb") as file:
            while len(block := np.fromfile(file, np.int64, BLOCK)):
                yield start, block
                start += len(block)

    def _older(self, spools: list[Spool], alike: Rows) -> Rows:
        """Of these rows, those of which a later one has the same id."""
        last: dict[str, int] = {}
        older: list[int] = []
        for spool in spools:
            for table in spool.columns(["id", self._row]):
                chosen = table.filter(pa.array(_within(table[self._row].to_numpy(), alike)))
                for id, row in zip(chosen["id"].to_pylist(), chosen[self._row].to_pylist(), strict=True):
                    former = last.get(id, -1)
                    last[id] = max(row, former)
                    if former >= 0:
                        older.append(min(row, former))
        return np.array(older, np.int64)


def _within(rows: Rows, wanted: Rows) -> npt.NDArray[np.bool_]:
    """Which of the rows are among these, which are in order."""
    places = np.minimum(np.searchsorted(wanted, rows), len(wanted) - 1)
    found: npt.NDArray[np.bool_] = wanted[places] == rows
    return found
