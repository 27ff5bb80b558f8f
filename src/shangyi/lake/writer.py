"""Writing a lake: lines to columns, spooled by type and bucket, sorted into Parquet, then made known at once.

Of a resource that comes twice the last counts. Whatever happens on the way, the version that was there before stays.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from shangyi.errors import Misconfigured, ShangyiError, Unavailable
from shangyi.lake import arrow, intake, manifest, parquet
from shangyi.lake.flat import flatten
from shangyi.lake.intake import Batch, Source
from shangyi.lake.manifest import File, Kept, Manifest
from shangyi.lake.parsing import Lines, Parser
from shangyi.lake.place import Place
from shangyi.lake.repeated import Ids
from shangyi.lake.spool import Spools
from shangyi.query.columns import Table

CHUNK_BYTES, CHUNK_ROWS = 8 << 20, 20_000
MOST_BUCKETS = 256
BUCKET_BYTES = 4 << 30
"""Input for which one more bucket is worth its files."""
_ROW = "_row"

Progress = Callable[[int], None]
"""Told the resources so far."""


def write(
    directory: str | Path,
    given: Iterable[Source],
    *,
    buckets: int | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Make a lake of NDJSON, Bundles, directories (paths) or resources (dicts): a new version, in place of the last.

    Raises Invalid with the file and line of what is not FHIR JSON, Unavailable where the disk refuses; then nothing
    has changed. ``buckets``: parts by the patients' hash; by default as the size of the input asks for.
    """
    given = [source if isinstance(source, dict) else str(source) for source in given]
    return write_batches(
        directory,
        intake.batches(given),
        source={"kind": "import"},
        buckets=buckets or buckets_for(size_of(given)),
        progress=progress,
    )


def write_batches(
    directory: str | Path,
    batches: Iterable[Batch],
    *,
    source: dict[str, str],
    buckets: int,
    progress: Progress | None = None,
    patience_s: float = 0,
) -> Manifest:
    """Make a lake of batches of lines; see ``write``. Of a store no resource comes twice."""
    root = Path(directory)
    with rewriting(root, patience_s) as scratch:
        try:
            before = manifest.read(root)
        except Misconfigured:  # damaged, or of another format: that is what building anew is for
            before = None
        build = Build(root, scratch, before, buckets, distinct=source["kind"] == "store")
        kept = build.files(batches, progress)
        made = Manifest(
            manifest.FORMAT, build.version, build.schema, manifest.now(), buckets, source, kept,
            before.with_types(build.version, kept).views if before else {},
        )  # fmt: skip
        manifest.replace(root, made)
        manifest.sweep(root, made)
    return made


@contextmanager
def rewriting(root: Path, patience_s: float = 0) -> Iterator[Path]:
    """Be the one writer, with a directory for what is in the making. Unavailable where the disk refuses.

    Whatever goes wrong, the version that was there stays, and what was written beside it is removed again.
    """
    with manifest.writing(root, patience_s):
        scratch = root / f"scratch-{uuid4().hex[:8]}"
        try:
            for left in root.glob("scratch-*"):
                shutil.rmtree(left, ignore_errors=True)
            scratch.mkdir()
            yield scratch
        except BaseException as error:
            _remove_unnamed(root)
            if isinstance(error, OSError):
                raise Unavailable(
                    "The lake {path} could not be written: {reason}. What was there before is unchanged.",
                    path=str(root),
                    reason=error.strerror or str(error),
                ) from error
            raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _remove_unnamed(root: Path) -> None:
    """On a full disk what a failed attempt leaves behind would stand in the way of the next."""
    try:
        current = manifest.read(root)
        if current is not None:
            manifest.sweep(root, current)
    except (OSError, ShangyiError):
        pass


def size_of(given: Iterable[Source]) -> int:
    """About how many bytes of JSON stand in files; packed ones count tenfold."""
    size = 0
    for source in given:
        if not isinstance(source, str) or source == "-":
            continue
        path = Path(source)
        for file in path.rglob("*") if path.is_dir() else [path]:
            if file.is_file():
                size += file.stat().st_size * (10 if file.suffix in (".gz", ".zip") else 1)
    return size


def buckets_for(size: int) -> int:
    """Into how many parts by patient input of so many bytes goes: a power of two."""
    wanted = 1
    while wanted * BUCKET_BYTES < size and wanted < MOST_BUCKETS:
        wanted *= 2
    return wanted


class Build:
    """Files in the making, which nobody sees before a manifest names them."""

    def __init__(
        self, root: Path, scratch: Path, before: Manifest | None, buckets: int, distinct: bool = False
    ) -> None:
        """``distinct``: no resource comes twice."""
        self.root, self.before, self.buckets, self.distinct = root, before, buckets, distinct
        self.scratch = scratch
        self.spools = Spools(scratch)
        self.version = before.version + 1 if before else 1
        self.schema = before.schema if before else 0
        self.types: dict[str, _Type] = {}

    def files(self, batches: Iterable[Batch], progress: Progress | None = None) -> dict[str, Kept]:
        """Write all rows; by type, the columns as they are now and the new files (as ``base``)."""
        count = told = 0
        for batch in batches:
            kind = self.types.get(batch.type)
            if kind is None:
                kind = self.types[batch.type] = _Type(self, batch.type)
            kind.add(batch)
            count += len(batch.lines)
            if progress and count - told >= 1000:
                progress(told := count)
        grew = [kind.finish() for kind in self.types.values()]
        if any(grew) or not self.schema:
            self.schema += 1
        kept = {name: self.types[name].write() for name in sorted(self.types)}
        if progress:
            progress(count)
        return kept


class _Type:
    """One resource type of a build."""

    def __init__(self, build: Build, name: str) -> None:
        self.build, self.name = build, name
        self.known = build.before.table(name) if build.before else None
        self.parser = Parser(name, self.known.columns if self.known else ())
        self.spools = [build.spools.spool(f"{name}-{number:03d}") for number in range(build.buckets)]
        self.lines: list[bytes] = []
        self.places: list[Place] = []
        self.size = 0
        self.rows = 0
        self.ids = Ids(build.scratch / f"{name}.ids", _ROW)
        self.grew = False

    @property
    def schema(self) -> int:
        """Which version of the columns new files have: the one of the files that are there, unless they grew."""
        former = self.build.before.types.get(self.name) if self.build.before and not self.grew else None
        return (
            max((file.schema for file in former.files), default=self.build.schema)
            if former
            else self.build.schema
        )

    def add(self, batch: Batch) -> None:
        """Take in."""
        self.lines += batch.lines
        self.places += batch.places
        self.size += sum(map(len, batch.lines))
        if self.size >= CHUNK_BYTES or len(self.lines) >= CHUNK_ROWS:
            self._flush()

    def _flush(self) -> None:
        found, self.lines, self.places, self.size = Lines(self.lines, self.places), [], [], 0
        for parsed in self.parser.parse(found) if found.lines else []:
            table, shards = flatten(parsed, self.name)
            rows = np.arange(self.rows, self.rows + table.num_rows, dtype=np.int64)
            self.rows += table.num_rows
            if not self.build.distinct:
                self.ids.add(table["id"].to_pylist(), table.num_rows)
            table = table.append_column(_ROW, pa.array(rows))
            for bucket, part in self._parted(table, shards):
                self.spools[bucket].add(part)

    def _parted(self, table: pa.Table, shards: npt.NDArray[np.int32]) -> Iterable[tuple[int, pa.Table]]:
        if self.build.buckets == 1:
            return [(0, table)]
        bucket = shards % self.build.buckets
        order = np.argsort(bucket, kind="stable")
        starts = np.searchsorted(bucket[order], np.arange(self.build.buckets + 1))
        table = table.combine_chunks().take(pa.array(order))
        return [
            (number, table.slice(start, end - start))
            for number, (start, end) in enumerate(pairwise(starts))
            if end > start
        ]

    def finish(self) -> bool:
        """Take in what waits; whether there are columns that the former version had not."""
        self._flush()
        self.grew = self.known is None or self.parser.shape.columns != self.known.columns
        return self.grew

    def write(self) -> Kept:
        """The files."""
        columns = self.parser.shape.columns
        schema = arrow.schema(columns).append(pa.field(_ROW, pa.int64()))
        superseded = self.ids.superseded(self.spools)
        directory = self.build.root / self.name
        directory.mkdir(exist_ok=True)
        files: list[File] = []
        for bucket, spool in enumerate(self.spools):
            for run in parquet.runs(spool.drain(), schema):
                if len(superseded):
                    run = run.filter(pc.invert(pc.is_in(run[_ROW], pa.array(superseded))))
                name = f"{self.build.version:06d}-{bucket:03d}-{len(files):04d}-{uuid4().hex[:8]}.parquet"
                size = parquet.write(directory / name, run.drop_columns(_ROW))
                files.append(File(f"{self.name}/{name}", run.num_rows, size, bucket, self.schema))
        manifest.sync_directory(directory)
        beyond = frozenset(self.parser.beyond) | (self.known.beyond if self.known else frozenset())
        table = Table(self.name, columns, beyond)
        return Kept(table.to_json(), sum(file.rows for file in files), tuple(files))
