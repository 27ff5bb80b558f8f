"""Bytes to resources, without decoding them: Bundles into entries, NDJSON into lines.

An item is (place, id or None, JSON of one resource). References to entries of a Bundle are made literal here, on the
bytes; ids are the uuid of the ``fullUrl``, else the resource's own, else (by the worker) made of the content, so that
the same input always has the same ids.
"""

import codecs
import io
import os
import re
from collections.abc import Callable, Iterator
from mmap import ACCESS_READ, mmap
from typing import Any, BinaryIO, NamedTuple

import msgspec

from shangyi.errors import Invalid, ShangyiError, TooLarge

LARGEST_DOCUMENT = 256 << 20
MAPPED = 16 << 20
"""Files of at least so many bytes are mapped, not read."""
SPLIT_TYPES = frozenset(
    "transaction batch collection searchset history transaction-response batch-response".split()
)
_OBJECT = re.compile(rb"\s*\{.*\}\s*\Z", re.DOTALL)
_SOMETHING = re.compile(rb"\S")
_NAME = b'"reference"'
_NOT_LITERAL = re.compile(rb'(\s*:\s*")(urn:[^"\\]+|[A-Z][A-Za-z]+\?[^"\\]+|https?://[^"\\]+)"')
_TYPE = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]+)"')
_URN = "urn:uuid:"

Resolver = Callable[[str], str]
"""A conditional reference (``Practitioner?identifier=…``) to a literal one; raises Invalid."""


class Item(NamedTuple):
    """One resource to load."""

    place: str
    id: str | None
    data: bytes


class Refused(NamedTuple):
    """A place that cannot be read."""

    place: str
    error: ShangyiError


class _Head(msgspec.Struct):
    resourceType: str = ""
    id: str | None = None
    type: Any = None


class _Entry(msgspec.Struct, gc=False):
    fullUrl: str | None = None
    resource: msgspec.Raw = msgspec.Raw()


class _Bundle(msgspec.Struct):
    resourceType: str = ""
    type: str = ""
    entry: list[_Entry] = []


_head = msgspec.json.Decoder(_Head)
_bundle = msgspec.json.Decoder(_Bundle)


def split(name: str, stream: BinaryIO, resolver: Resolver) -> Iterator[Item | Refused]:
    """The resources of a stream: NDJSON when its first line is a whole object, else one document."""
    if name.lower().removesuffix(".gz").endswith(".xml"):
        yield from _xml(stream)
        return
    first = stream.readline(MAPPED)
    if len(first) >= MAPPED:
        data = _mapped(stream)
        if data is not None and _is_one_line(data):
            yield from _document(data, "", resolver)
            return
        if not first.endswith(b"\n"):
            first += stream.readline(LARGEST_DOCUMENT + 1 - len(first))
    if first.startswith(codecs.BOM_UTF8):
        first = first[3:]
    if _is_object(first):
        yield from _lines(first, stream, resolver)
        return
    if stream.seekable():  # one copy of a large document is enough
        del first
        stream.seek(0)
        whole = _mapped(stream) or stream.read(LARGEST_DOCUMENT + 1).removeprefix(codecs.BOM_UTF8)
    else:
        whole = first + stream.read(max(0, LARGEST_DOCUMENT + 1 - len(first)))
    if len(whole) > LARGEST_DOCUMENT:
        yield Refused("", _too_large())
    elif _SOMETHING.search(whole):
        yield from _document(whole, "", resolver)


def _mapped(stream: BinaryIO) -> mmap | None:
    """A large file as memory that the system can take back; None for what is small, packed, or begins with a mark.

    Who shortens the file meanwhile ends the process (SIGBUS), as a kill would: loaded again, it goes on.
    """
    if not isinstance(stream, io.BufferedReader) or not isinstance(stream.raw, io.FileIO):
        return None
    if os.fstat(stream.fileno()).st_size < MAPPED:
        return None
    data = mmap(stream.fileno(), 0, access=ACCESS_READ)
    return None if data[:3] == codecs.BOM_UTF8 else data


def _is_one_line(data: mmap) -> bool:
    """Whether this is one document that fills the file, and not the first of many lines."""
    begin = _SOMETHING.search(data)
    if begin is None:
        return False
    end = data.find(b"\n", begin.start())
    return len(data) <= LARGEST_DOCUMENT and (end < 0 or _SOMETHING.search(data, end) is None)


def _lines(line: bytes, stream: BinaryIO, resolver: Resolver) -> Iterator[Item | Refused]:
    number = 0
    while line:
        number += 1
        if len(line) > LARGEST_DOCUMENT:
            yield Refused(f"line {number}", _too_large())
            return
        line = line.strip()
        if line:
            yield from _document(line, f"line {number}", resolver)
        line = stream.readline(LARGEST_DOCUMENT + 1)


def _too_large() -> TooLarge:
    return TooLarge(
        "A document of more than {mebibytes} MiB; give it as NDJSON", mebibytes=LARGEST_DOCUMENT >> 20
    )


def _is_object(line: bytes) -> bool:
    if not _OBJECT.match(line):
        return False
    try:
        _head.decode(line)
    except RecursionError:
        return True
    except (msgspec.DecodeError, UnicodeError):
        # A line of NDJSON that is broken is still a line when another object follows it.
        return line.endswith(b"}\n") and b'"resourceType"' in line
    return True


def _xml(stream: BinaryIO) -> Iterator[Item | Refused]:
    from importlib import import_module

    from shangyi.fhir import json

    data = stream.read(LARGEST_DOCUMENT + 1)
    if len(data) > LARGEST_DOCUMENT:
        yield Refused("", _too_large())
        return
    try:
        resource = import_module("shangyi.fhir.xml").loads(data)
    except ShangyiError as error:
        yield Refused("", error)
        return
    yield from _document(json.dumps(resource), "", lambda text: text)


def _document(data: bytes | mmap, place: str, resolver: Resolver) -> Iterator[Item | Refused]:
    if data.find(b'"Bundle"') < 0:
        yield Item(place, None, bytes(data))
        return
    try:
        bundle = _bundle.decode(data)
        is_bundle = bundle.resourceType == "Bundle" and bundle.type in SPLIT_TYPES
    except RecursionError:
        yield Refused(place, Invalid("The resource is nested too deeply"))
        return
    except (msgspec.DecodeError, UnicodeError) as error:
        if _is_another(data):
            is_bundle = False
        else:
            yield Refused(place, Invalid("Not valid JSON: {reason}", reason=str(error)))
            return
    if not is_bundle:
        yield Item(place, None, bytes(data))
        return
    before = f"{place}, " if place else ""
    urls: dict[bytes, bytes] = {}
    ids = [_id(entry, urls) for entry in bundle.entry]
    for number, id_ in enumerate(ids):
        entry, bundle.entry[number] = bundle.entry[number], _NOTHING  # let go of it: memory
        raw = bytes(entry.resource)
        if not raw:
            continue
        where = f"{before}entry {number}"
        try:
            yield Item(where, id_, _literal(raw, urls, resolver))
        except ShangyiError as error:
            yield Refused(where, error)


_NOTHING = _Entry()


def _is_another(data: bytes | mmap) -> bool:
    """Whether this is JSON, yet not a Bundle that is taken apart."""
    try:
        head = _head.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return head.resourceType != "Bundle" or head.type not in SPLIT_TYPES


def _id(entry: _Entry, urls: dict[bytes, bytes]) -> str | None:
    """The id that an entry is to have, if it says so; ``urls`` gets its fullUrl with the literal reference to it."""
    raw = memoryview(entry.resource)
    if not len(raw):
        return None
    url = entry.fullUrl or ""
    match = _TYPE.match(raw)
    if url.startswith(_URN) and match is not None:
        type_, id_ = match[1].decode(), url.removeprefix(_URN)
    else:
        try:
            head = _head.decode(entry.resource)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            head = _Head()
        type_, id_ = head.resourceType, url.removeprefix(_URN) if url.startswith(_URN) else head.id or ""
    if url and id_:
        urls[url.encode()] = f"{type_}/{id_}".encode()
    return id_ or None


def _literal(raw: bytes, urls: dict[bytes, bytes], resolver: Resolver) -> bytes:
    """The resource with references to entries, and conditional ones, made literal."""
    parts = raw.split(_NAME)
    changed = False
    for number, part in enumerate(parts):
        match = _NOT_LITERAL.match(part) if number else None
        if match is None:
            continue
        wanted = match[2]
        found = urls.get(wanted)
        if found is None:
            text = wanted.decode("utf-8", "replace")
            if text.startswith(_URN):
                raise Invalid("The reference {reference} is to nothing in the Bundle", reference=text[:100])
            if "?" not in text or text.startswith("http"):
                continue
            found = resolver(text).encode()
        parts[number] = match[1] + found + part[match.end(2) :]
        changed = True
    return _NAME.join(parts) if changed else raw
