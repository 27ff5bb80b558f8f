"""Keeping views beside a lake: what is to be kept, and its rows of each file that the lake has now.

A step computes some files and replaces the manifest, so that it is short and can be killed; what a killed step wrote is
named nowhere, and removed by the next writer. Rows that are superseded already are left out: a file on which a view
fails for their sake is none.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import duckdb
import msgspec

from shangyi.errors import Conflict, Invalid, NotFound, NotSupported
from shangyi.fhir.definitions import resource_types
from shangyi.lake import library, manifest, relations, writer
from shangyi.lake.catalog import Lake
from shangyi.lake.manifest import File, Manifest, Materialised
from shangyi.lake.row_view import BESIDE, RowView
from shangyi.lake.type_files import SUPERSEDED, TypeFiles
from shangyi.query.columns import Table
from shangyi.query.views import ViewError, parse

DIRECTORY = "views"
STEP_BYTES = 64 << 20
"""Of files of the lake that one step computes, unless a single one is larger."""
ROW_GROUP = 65_536
MEMORY_MB = 1024
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Due(NamedTuple):
    """Files of the lake that a view is to be computed over."""

    name: str
    view: RowView
    files: tuple[File, ...]


def keep(directory: str | Path, views: Mapping[str, Mapping[str, Any]], patience_s: float = 0) -> Manifest:
    """Have views kept from now on, by name; an empty definition is that of the library. ``refresh`` computes them.

    Raises ViewError, Conflict where a name is taken, NotSupported where a view asks for the time; then nothing has changed.
    """
    root = Path(directory)
    with writer.rewriting(root, patience_s):
        before = _read(root)
        added = {name: _checked(before, name, definition) for name, definition in views.items()}
        return _replaced(root, before, {**before.views, **added})


def _checked(before: Manifest, name: str, definition: Mapping[str, Any]) -> Materialised:
    there = before.views.get(name)
    if name in library.names():
        if definition:
            raise Conflict("{name} is a view of the library", name=name)
        return there or Materialised()
    if not _NAME.fullmatch(name) or name in {type_.lower() for type_ in resource_types()}:
        raise Invalid(
            "{name} is no name for a view: small letters, digits and _, and no resource type", name=name
        )
    if there is not None and there.definition != dict(definition):
        raise Conflict("Another view {name} is kept: drop it first", name=name)
    view = RowView(definition, _table(before, parse(definition).resource))
    if not view.plan.view.timeless:
        raise NotSupported("The view {name} asks what time it is: its rows cannot be kept", name=name)
    return there or Materialised(dict(definition))


def drop(directory: str | Path, names: list[str], patience_s: float = 0) -> Manifest:
    """Keep these views no longer; who reads them goes on. NotFound where one is not kept."""
    root = Path(directory)
    with writer.rewriting(root, patience_s):
        before = _read(root)
        for name in names:
            if name not in before.views:
                raise NotFound("No view {name} is kept", name=name)
        left = {name: view for name, view in before.views.items() if name not in names}
        return _replaced(root, before, left)


def retry(directory: str | Path, patience_s: float = 0) -> Manifest:
    """Have ``refresh`` try again what failed."""
    root = Path(directory)
    with writer.rewriting(root, patience_s):
        before = _read(root)
        views = {name: msgspec.structs.replace(view, failed={}) for name, view in before.views.items()}
        return _replaced(root, before, views)


def refresh(
    directory: str | Path, patience_s: float = 0, memory_mb: int = MEMORY_MB, threads: int = 1
) -> Due | None:
    """One step; what was computed, None where all is. Raises as ``sync`` does."""
    root = Path(directory)
    with writer.rewriting(root, patience_s) as scratch:
        before = manifest.read(root)
        due = next(pending(before), None) if before and before.views else None
        if before is None or due is None:
            return None
        kept = before.views[due.name]
        if kept.key != due.view.key:
            kept = Materialised(kept.definition, due.view.key)
        made, failed = dict(kept.files), dict(kept.failed)
        version = before.version + 1
        (root / DIRECTORY).mkdir(exist_ok=True)
        with (
            Lake(root) as lake,
            _computing(lake, due.view, scratch, memory_mb, threads) as (connection, files),
        ):
            for file in due.files:
                target = f"{DIRECTORY}/{version:06d}-{due.name}-{file.bucket:03d}-{uuid4().hex[:8]}.parquet"
                try:
                    made[file.path] = _computed(connection, due.view, files, file, root, target)
                except duckdb.IOException as error:
                    raise OSError(str(error).partition("\n")[0]) from error
                except duckdb.Error as error:
                    failed[file.path] = str(error).strip().partition("\n")[0]
        manifest.sync_directory(root / DIRECTORY)
        kept = msgspec.structs.replace(kept, files=made, failed=failed)
        _replaced(root, before, {**before.views, due.name: kept})
        return due


def pending(current: Manifest) -> Iterator[Due]:
    """What is to be computed: of each view that this lake can give, files of which nothing is kept."""
    for name, kept in current.views.items():
        type_ = (kept.definition or library.definition(name))["resource"]
        files = current.types.get(type_)
        if files is None:
            continue
        try:
            view = relations.compiled(name, kept.definition, _table(current, type_))
        except ViewError:  # the lake holds what has no column: the view is unavailable, kept or not
            continue
        same = kept.key == view.key
        left = {*kept.files, *kept.failed} if same else set()
        chosen, size = list[File](), 0
        for file in (*files.base, *files.deltas):
            if file.path in left:
                continue
            size += file.bytes
            if chosen and size > STEP_BYTES:
                break
            chosen.append(file)
        if chosen:
            yield Due(name, view, tuple(chosen))


class Standing(NamedTuple):
    """How far a view is kept at a version of the lake: of ``files`` that there are of its type, the ``kept`` ones.

    The others are computed when it is read, so that its rows are always those of the lake's version. ``unavailable``,
    ``failed``: why it cannot be given, or computed over some file; else empty.
    """

    name: str
    version: int
    files: int
    kept: int
    rows: int
    bytes: int
    unavailable: str = ""
    failed: str = ""


def standings(current: Manifest) -> list[Standing]:
    """Of every view that is to be kept."""
    return [_standing(current, name, kept) for name, kept in sorted(current.views.items())]


def _standing(current: Manifest, name: str, kept: Materialised) -> Standing:
    type_ = (kept.definition or library.definition(name))["resource"]
    files = current.types.get(type_)
    count = len(files.base) + len(files.deltas) if files else 0
    try:
        view = relations.compiled(name, kept.definition, _table(current, type_))
    except ViewError as error:
        return Standing(name, current.version, count, 0, 0, 0, unavailable=str(error))
    made = list(kept.files.values()) if kept.key == view.key else []
    rows, size = sum(file.rows for file in made), sum(file.bytes for file in made)
    failed = next(iter(kept.failed.values()), "")
    return Standing(name, current.version, count, len(made), rows, size, failed=failed)


@contextmanager
def _computing(
    lake: Lake, view: RowView, scratch: Path, memory_mb: int, threads: int
) -> Iterator[tuple[duckdb.DuckDBPyConnection, TypeFiles]]:
    config: dict[str, Any] = {
        "memory_limit": f"{memory_mb}MiB",
        "threads": threads,
        "temp_directory": str(scratch),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    files = TypeFiles(lake, view.type, scratch)
    with duckdb.connect(config=config) as connection:
        connection.execute(f"create schema {SUPERSEDED}; set TimeZone = 'UTC'")
        for statement in files.setup():
            connection.execute(statement)
        yield connection, files


def _computed(
    connection: duckdb.DuckDBPyConnection, view: RowView, files: TypeFiles, file: File, root: Path, path: str
) -> File:
    target = root / path
    source = view.beside(files.relation([root.absolute() / file.path], numbered=True))
    text = str(target).replace("'", "''")
    [(rows,)] = connection.execute(
        f"copy ({view.sql(source, BESIDE)}) to '{text}'"
        f" (format parquet, compression zstd, compression_level 1, row_group_size {ROW_GROUP})"
    ).fetchall()
    with target.open("rb") as written:
        os.fsync(written.fileno())
    return File(path, rows, target.stat().st_size, file.bucket, file.schema)


def _read(root: Path) -> Manifest:
    found = manifest.read(root)
    if found is None:
        raise NotFound("There is no lake in {path}", path=str(root))
    return found


def _table(current: Manifest, type_: str) -> Table:
    return current.table(type_) or Table(type_, ())


def _replaced(root: Path, before: Manifest, views: dict[str, Materialised]) -> Manifest:
    if views == before.views:
        return before
    after = msgspec.structs.replace(before, version=before.version + 1, views=views)
    manifest.replace(root, after)
    manifest.sweep(root, after)
    return after
