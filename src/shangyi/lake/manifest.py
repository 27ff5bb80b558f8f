"""The manifest: which files are the lake, in one file that is replaced atomically. Readers see a whole version or none.

``manifest.json`` names the current version's files; each version has a lease, a small file that its readers hold a
shared lock on. Files that the current version does not name are removed once no lease of an older version is held.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from shangyi.errors import Invalid, Misconfigured, NotFound, Unavailable
from shangyi.query.columns import Table


class Busy(Unavailable):
    """Another process is writing the lake."""


FORMAT = 1
"""Of the manifest and the layout; a lake of another format is built anew."""
NAME = "manifest.json"


class File(msgspec.Struct, frozen=True, omit_defaults=True):
    """A Parquet file. ``path`` from the lake's directory; ``bucket``: of the patients' hash; ``schema``: its version."""

    path: str
    rows: int
    bytes: int
    bucket: int
    schema: int


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """The files of a resource type.

    ``base``: written by a build. ``deltas``: what changed since, oldest first. ``deletions``: files of the row keys
    (``path`` and row number) that a delta or a deletion superseded; what they name is no longer there.
    """

    table: dict[str, Any]
    rows: int
    base: tuple[File, ...] = ()
    deltas: tuple[File, ...] = ()
    deletions: tuple[File, ...] = ()

    @property
    def files(self) -> tuple[File, ...]:
        """All of them."""
        return (*self.base, *self.deltas, *self.deletions)


class Materialised(msgspec.Struct, frozen=True, omit_defaults=True):
    """A view that is kept: its rows of each file of the lake, in a file of their own.

    ``definition``: the ViewDefinition, empty for one of the library. ``key``: what the rows were made by
    (``RowView.key``). ``files``: by the path of the file of the lake. ``failed``: files on which it cannot be computed, and why.
    """

    definition: dict[str, Any] = {}
    key: str = ""
    files: dict[str, File] = {}
    failed: dict[str, str] = {}


class Manifest(msgspec.Struct, frozen=True):
    """A version of the lake. ``source``: what it was made of (``import`` or ``store``), and for a store the cursor
    in its outbox up to which it is complete. ``schema``: counts the changes of the columns."""

    format: int
    version: int
    schema: int
    created: str
    buckets: int
    source: dict[str, str]
    types: dict[str, Kept]
    views: dict[str, Materialised] = {}

    def table(self, resource_type: str) -> Table | None:
        """The columns of a type, None where the lake holds none of it."""
        kept = self.types.get(resource_type)
        return Table.from_json(kept.table) if kept else None

    @property
    def paths(self) -> set[str]:
        """Every file of this version."""
        own = {file.path for kept in self.types.values() for file in kept.files}
        return own | {file.path for view in self.views.values() for file in view.files.values()}

    def with_types(self, version: int, types: dict[str, Kept]) -> "Manifest":
        """The next version, with other files: of the views, what was made of files that stay."""
        paths = {file.path for kept in types.values() for file in kept.files}
        views = {
            name: msgspec.structs.replace(
                view,
                files={path: file for path, file in view.files.items() if path in paths},
                failed={path: why for path, why in view.failed.items() if path in paths},
            )
            for name, view in self.views.items()
        }
        return msgspec.structs.replace(self, version=version, types=types, views=views)


_decoder = msgspec.json.Decoder(Manifest)


def now() -> str:
    """The instant as it stands in a manifest."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def read(directory: Path) -> Manifest | None:
    """The current version; None where there is no lake yet. Misconfigured where it cannot be read."""
    try:
        data = (directory / NAME).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(
            "The lake {path} cannot be read: {reason}",
            path=str(directory),
            reason=error.strerror or str(error),
        ) from error
    try:
        found = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Misconfigured(
            "The manifest {path} is damaged: {reason}. Build the lake again.",
            path=str(directory / NAME),
            reason=str(error),
        ) from error
    if found.format != FORMAT:
        raise Misconfigured(
            "The lake {path} has format {found}, this release reads {format}. Build the lake again.",
            path=str(directory),
            found=found.format,
            format=FORMAT,
        )
    return found


def replace(directory: Path, manifest: Manifest) -> None:
    """Make this the current version: written, on the disk, then renamed."""
    part = directory / (NAME + ".part")
    with part.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        file.flush()
        os.fsync(file.fileno())
    part.replace(directory / NAME)
    sync_directory(directory)


def sync_directory(directory: Path) -> None:
    """Bring the names in a directory to the disk, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _locked(file: BinaryIO, shared: bool) -> bool:
    """Whether the lock on the file could be taken; it goes with the file's closing."""
    try:
        if os.name == "posix":
            import fcntl

            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        elif not shared:  # an open file cannot be removed on Windows: readers need no lock there
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    except OSError:
        return False
    return True


@contextmanager
def writing(directory: Path, patience_s: float = 0) -> Iterator[None]:
    """Be the one writer of a lake; Unavailable while another is, for longer than ``patience_s``."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = (directory / "write.lock").open("ab")
    except OSError as error:
        raise Misconfigured(
            "The directory {path} cannot be used: {reason}.",
            path=str(directory),
            reason=error.strerror or str(error),
        ) from error
    with file:
        deadline = time.monotonic() + patience_s
        while not _locked(file, shared=False):
            if time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            raise Busy("Another process is writing the lake {path}", path=str(directory))
        yield


class Lease:
    """A reader's hold on a version: its files stay until ``close``."""

    def __init__(self, directory: Path) -> None:
        while True:
            manifest = read(directory)
            if manifest is None:
                raise NotFound("There is no lake in {path}", path=str(directory))
            path = _lease(directory, manifest.version)
            try:
                path.parent.mkdir(exist_ok=True)
                self._file: BinaryIO | None = path.open("ab")
            except OSError:  # a lake on a medium that cannot be written: nobody removes files of it either
                self._file = None
                self.manifest = manifest
                return
            # Held only if the version is still the current one, for only then nobody has begun to remove its files.
            if (
                _locked(self._file, shared=True)
                and _is_at(self._file, path)
                and _version(directory) == manifest.version
            ):
                self.manifest = manifest
                return
            self._file.close()

    def close(self) -> None:
        """Let go."""
        if self._file is not None:
            self._file.close()


def _version(directory: Path) -> int | None:
    manifest = read(directory)
    return manifest.version if manifest else None


def _lease(directory: Path, version: int) -> Path:
    return directory / "leases" / f"{version:08d}"


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def sweep(directory: Path, manifest: Manifest) -> int:
    """Remove the files that no reader can need any more; how many. Only for the writer."""
    free = True
    for path in sorted((directory / "leases").glob("*")):
        if path.name.isdigit() and int(path.name) != manifest.version:
            with path.open("ab") as file:
                if _locked(file, shared=False):
                    path.unlink(missing_ok=True)
                else:
                    free = False
    removed = 0
    if free:
        kept = manifest.paths
        for path in directory.glob("*/*.parquet"):
            if path.relative_to(directory).as_posix() not in kept:
                path.unlink(missing_ok=True)
                removed += 1
    return removed


def checked_type(manifest: Manifest, resource_type: str) -> Kept:
    """The files of a type; Invalid where the lake holds none of it."""
    kept = manifest.types.get(resource_type)
    if kept is None:
        raise Invalid("The lake holds no {type}", type=resource_type)
    return kept
