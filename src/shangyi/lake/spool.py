"""Between parsing and writing: the rows of one type and bucket, in memory or, where they are many, in Arrow files."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from shangyi.lake.arrow import conform_table

IN_MEMORY = 64 << 20
"""Bytes of rows of a type and bucket that are kept in memory."""


class Spool:
    """Tables put in one after another, taken out again in that order."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory, self._name = directory, name
        self._held: list[pa.Table] = []
        self._size = 0
        self._files: list[Path] = []
        self.rows = 0

    def add(self, table: pa.Table) -> None:
        """Put in; the columns may have become more since the last time."""
        self.rows += table.num_rows
        self._held.append(table)
        self._size += table.nbytes
        if self._size >= IN_MEMORY:
            self._spill()

    def _spill(self) -> None:
        path = self._directory / f"{self._name}-{len(self._files)}.arrow"
        schema = self._held[-1].schema
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, schema, options=options) as writer:
            for table in self._held:
                writer.write_table(conform_table(table, schema))
        self._files.append(path)
        self._held, self._size = [], 0

    def drain(self) -> Iterator[pa.Table]:
        """Take out; what is on the disk goes from there as it is read."""
        for path in self._files:
            with pa.OSFile(str(path), "rb") as source, pa.ipc.open_stream(source) as reader:
                for batch in reader:
                    yield pa.Table.from_batches([batch])
            path.unlink()
        held, self._held = self._held, []
        while held:
            yield held.pop(0)
