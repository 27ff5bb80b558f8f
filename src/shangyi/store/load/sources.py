"""Where bytes come from: paths to named streams, packed or not."""

import gzip
import io
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

from shangyi.errors import Invalid

SUFFIXES = (".json", ".ndjson", ".jsonl", ".xml")
STDIN = "-"
IN_MEMORY = 32 << 20
"""Unpacked bytes of a packed file that are kept when it is tested, instead of unpacking it twice."""
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile)
UNREADABLE = (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError)
"""What zipfile says of a broken, encrypted or unknown archive."""


def walk(paths: Iterable[str | Path]) -> Iterator[tuple[str, Path | None, str | None]]:
    """(name, path, member of a zip): directories in order of name, hidden files left out."""
    for given in paths:
        if str(given) == STDIN:
            yield ("stdin", None, None)
            continue
        path = Path(given)
        if path.is_dir():
            files = [p for p in path.rglob("*") if p.is_file() and _wanted(p.name)]
            yield from walk(sorted(p for p in files if not p.name.startswith(".")))
        elif not path.exists():
            raise Invalid("There is no file {path}", path=str(path))
        elif path.suffix.lower() == ".zip":
            try:
                with zipfile.ZipFile(path) as archive:
                    members = sorted(m.filename for m in archive.infolist() if not m.is_dir())
                    members = [m for m in members if _wanted(m) and not _hidden(m)]
            except (*UNREADABLE, OSError):
                members = [""]  # opened below, where the damage is reported
            for member in members:
                yield (f"{path}!{member}", path, member)
        else:
            yield (str(path), path, None)


def _wanted(name: str) -> bool:
    lower = name.lower().removesuffix(".gz")
    return lower.endswith(SUFFIXES) or lower.endswith(".zip")


def _hidden(name: str) -> bool:
    """What a file manager hides: ``.name`` anywhere in the path, and what macOS adds to archives."""
    parts = name.replace("\\", "/").split("/")
    return "__MACOSX" in parts or any(part.startswith(".") and part != ".." for part in parts)


@contextmanager
def opened(
    path: Path | None, member: str | None, tested: Callable[[int], None] = lambda _: None
) -> Iterator[BinaryIO]:
    """The unpacked bytes. A packed file is read once to its end first, so that a truncated one changes nothing.

    ``tested`` is told how many bytes have been read so.
    """
    if path is None:
        yield _piped(cast(io.BufferedReader, sys.stdin.buffer))
        return
    if member is not None:
        with _unzipped(path, member, tested) as stream:
            yield stream
        return
    if not path.is_file():  # a pipe, such as the shell makes of <(command): it can be read once only
        with path.open("rb") as pipe:
            yield _piped(pipe)
        return
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            file.seek(0)
            yield file
            return
    data: bytes | None = _unpacked_whole(path)
    if not data:
        with gzip.open(path) as check:
            data = _drain(cast(BinaryIO, check), tested)
    if data is not None:
        yield io.BytesIO(data)
        return
    with gzip.open(path) as packed_file:
        yield cast(BinaryIO, io.BufferedReader(packed_file, 1 << 20))


def _unpacked_whole(path: Path) -> bytes:
    """What zlib makes of a small file in one go, in half the time; nothing where there is more to it than one stream."""
    if path.stat().st_size > IN_MEMORY // 16:
        return b""
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        data = unpacker.decompress(path.read_bytes(), IN_MEMORY)
    except zlib.error:
        return b""
    return data if unpacker.eof and not unpacker.unused_data else b""


def _piped(stream: io.BufferedReader) -> BinaryIO:
    first = stream.peek(2)[:2] if hasattr(stream, "peek") else b""
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream) if first == b"\x1f\x8b" else stream)


@contextmanager
def _unzipped(path: Path, member: str, tested: Callable[[int], None]) -> Iterator[BinaryIO]:
    """A member, once all of it has been read without a fault."""
    if member.lower().endswith(".zip"):
        raise zipfile.BadZipFile("it is packed twice; unpack it first")

    def stream(raw: IO[bytes]) -> BinaryIO:
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw) if member.lower().endswith(".gz") else raw)

    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as raw:
            data = _drain(stream(raw), tested)
    except UNREADABLE as error:
        raise zipfile.BadZipFile(str(error)) from error
    except KeyError as error:
        raise zipfile.BadZipFile("there is nothing in it") from error
    if data is not None:
        yield io.BytesIO(data)
        return
    with zipfile.ZipFile(path) as archive, archive.open(member) as raw:
        yield cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, stream(raw)), 1 << 20))


def _drain(stream: BinaryIO, tested: Callable[[int], None]) -> bytes | None:
    """Read to the end; what was read where that is little enough to keep."""
    data: bytes | None = stream.read(IN_MEMORY + 1)
    if data is None or len(data) <= IN_MEMORY:
        return data or b""
    size, data = len(data), None
    while block := stream.read(1 << 20):
        size += len(block)
        tested(size)
    return None
