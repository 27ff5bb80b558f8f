"""Between parsing and writing: the rows of each type and bucket, in memory or, where they are many, in Arrow files."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from shangyi.lake.arrow import conform_table

IN_MEMORY = 384 << 20
"""Bytes of rows that all spools together keep in memory."""


class Spools:
    """All of a build. They go to the disk together: parts of one table share its memory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._all: list[Spool] = []
        self._held = 0

    def spool(self, name: str) -> "Spool":
        """A new one; ``name`` is that of its files."""
        made = Spool(self, self._directory / name)
        self._all.append(made)
        return made

    def took(self, size: int) -> None:
        """One of them took in so many bytes."""
        self._held += size
        if self._held >= IN_MEMORY:
            for spool in self._all:
                spool.spill()
            self._held = 0


class Spool:
    """Tables put in one after another, taken out again in that order."""

    def __init__(self, spools: Spools, path: Path) -> None:
        self._spools, self._path = spools, path
        self._held: list[pa.Table] = []
        self._files: list[Path] = []
        self.rows = 0

    def add(self, table: pa.Table) -> None:
        """Put in; the columns may have become more since the last time."""
        self.rows += table.num_rows
        self._held.append(table)
        self._spools.took(table.nbytes)

    def spill(self) -> None:
        """Bring what is held to the disk."""
        if not self._held:
            return
        path = self._path.with_name(f"{self._path.name}-{len(self._files)}.arrow")
        schema = self._held[-1].schema
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, schema, options=options) as writer:
            for table in self._held:
                writer.write_table(conform_table(table, schema))
        self._files.append(path)
        self._held = []

    def columns(self, names: list[str]) -> Iterator[pa.Table]:
        """Some columns of what is in it, which stays."""
        for path in self._files:
            with pa.OSFile(str(path), "rb") as source:
                have = pa.ipc.open_stream(source).schema
                options = pa.ipc.IpcReadOptions(
                    included_fields=[have.get_field_index(name) for name in names]
                )
                source.seek(0)
                with pa.ipc.open_stream(source, options=options) as reader:
                    for batch in reader:
                        yield pa.Table.from_batches([batch]).select(names)
        for table in self._held:
            yield table.select(names)

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
