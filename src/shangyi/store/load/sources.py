"""Where bytes come from: paths to named streams, packed or not."""

import gzip
import io
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from shangyi.errors import Invalid

SUFFIXES = (".json", ".ndjson", ".jsonl", ".xml")
STDIN = "-"
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile)


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
                    members = sorted(
                        m.filename for m in archive.infolist() if not m.is_dir() and _wanted(m.filename)
                    )
            except zipfile.BadZipFile:
                members = [""]  # opened below, where the damage is reported
            for member in members:
                yield (f"{path}!{member}", path, member)
        else:
            yield (str(path), path, None)


def _wanted(name: str) -> bool:
    lower = name.lower().removesuffix(".gz")
    return lower.endswith(SUFFIXES) or lower.endswith(".zip")


@contextmanager
def opened(path: Path | None, member: str | None) -> Iterator[BinaryIO]:
    """The unpacked bytes. A packed file is read once to its end first, so that a truncated one changes nothing."""
    if path is None:
        first = sys.stdin.buffer.peek(2)[:2] if hasattr(sys.stdin.buffer, "peek") else b""
        yield cast(
            BinaryIO, gzip.GzipFile(fileobj=sys.stdin.buffer) if first == b"\x1f\x8b" else sys.stdin.buffer
        )
        return
    if member is not None:
        with zipfile.ZipFile(path) as archive:
            for packed in (True, False):
                with archive.open(member) as raw:
                    stream = gzip.GzipFile(fileobj=raw) if member.lower().endswith(".gz") else raw
                    if packed:
                        _drain(cast(BinaryIO, stream))
                    else:
                        yield cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, stream), 1 << 20))
        return
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            file.seek(0)
            yield file
            return
    with gzip.open(path) as check:
        _drain(cast(BinaryIO, check))
    with gzip.open(path) as packed_file:
        yield cast(BinaryIO, io.BufferedReader(packed_file, 1 << 20))


def _drain(stream: BinaryIO) -> None:
    while stream.read(1 << 20):
        pass
