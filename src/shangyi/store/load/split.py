"""Bytes to resources, without decoding them: Bundles into entries, NDJSON into lines.

An item is (place, id or None, JSON of one resource). References to entries of a Bundle are made literal here, on the
bytes; ids are the uuid of the ``fullUrl``, else the resource's own, else (by the worker) made of the content, so that
the same input always has the same ids.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple

import msgspec

from shangyi.errors import Invalid, ShangyiError, TooLarge

LARGEST_DOCUMENT = 256 << 20
SPLIT_TYPES = frozenset(
    "transaction batch collection searchset history transaction-response batch-response".split()
)
_REFERENCE = re.compile(rb'("reference"\s*:\s*")(urn:[^"\\]+|[A-Z][A-Za-z]+\?[^"\\]+|https?://[^"\\]+)"')
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


class _Entry(msgspec.Struct):
    fullUrl: str | None = None
    resource: msgspec.Raw = msgspec.Raw()
    request: dict[str, Any] | None = None


class _Bundle(msgspec.Struct):
    type: str = ""
    entry: list[_Entry] = []


_head = msgspec.json.Decoder(_Head)
_bundle = msgspec.json.Decoder(_Bundle)


def split(name: str, stream: BinaryIO, resolver: Resolver) -> Iterator[Item | Refused]:
    """The resources of a stream: NDJSON when its first line is a whole object, else one document."""
    if name.lower().removesuffix(".gz").endswith(".xml"):
        yield from _xml(stream)
        return
    first = stream.readline(LARGEST_DOCUMENT + 1)
    if first.startswith(b"\xef\xbb\xbf"):
        first = first[3:]
    if _is_object(first):
        number = 0
        line = first
        while line:
            number += 1
            if len(line) > LARGEST_DOCUMENT:
                yield Refused(f"line {number}", _too_large())
                return
            if line.strip():
                yield from _document(line.strip(), f"line {number}", resolver)
            line = stream.readline(LARGEST_DOCUMENT + 1)
        return
    data = first + stream.read(max(0, LARGEST_DOCUMENT + 1 - len(first)))
    if len(data) > LARGEST_DOCUMENT:
        yield Refused("", _too_large())
    elif data.strip():
        yield from _document(data, "", resolver)


def _too_large() -> TooLarge:
    return TooLarge(
        "A document of more than {mebibytes} MiB; give it as NDJSON", mebibytes=LARGEST_DOCUMENT >> 20
    )


def _is_object(line: bytes) -> bool:
    if not line.lstrip().startswith(b"{") or not line.rstrip().endswith(b"}"):
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


def _document(data: bytes, place: str, resolver: Resolver) -> Iterator[Item | Refused]:
    if b'"Bundle"' not in data:
        yield Item(place, None, data)
        return
    try:
        head = _head.decode(data)
        if head.resourceType != "Bundle" or head.type not in SPLIT_TYPES:
            yield Item(place, None, data)
            return
        bundle = _bundle.decode(data)
    except RecursionError:
        yield Refused(place, Invalid("The resource is nested too deeply"))
        return
    except (msgspec.DecodeError, UnicodeError) as error:
        yield Refused(place, Invalid("Not valid JSON: {reason}", reason=str(error)))
        return
    before = f"{place}, " if place else ""
    urls: dict[str, str] = {}
    ids: list[str | None] = []
    for entry in bundle.entry:
        id_ = None
        if bytes(entry.resource):
            try:
                inner = _head.decode(entry.resource)
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                inner = _Head()
            url = entry.fullUrl or ""
            id_ = url.removeprefix(_URN) if url.startswith(_URN) else inner.id
            if url and id_:
                urls[url] = f"{inner.resourceType}/{id_}"
        ids.append(id_)
    for number, (entry, id_) in enumerate(zip(bundle.entry, ids, strict=True)):
        where = f"{before}entry {number}"
        if not bytes(entry.resource):
            continue
        raw = bytes(entry.resource)
        try:
            yield Item(where, id_, _literal(raw, urls, resolver))
        except ShangyiError as error:
            yield Refused(where, error)


def _literal(raw: bytes, urls: dict[str, str], resolver: Resolver) -> bytes:
    def replace(match: "re.Match[bytes]") -> bytes:
        text = match[2].decode("utf-8", "replace")
        if text in urls:
            return match[1] + urls[text].encode() + b'"'
        if text.startswith(_URN):
            raise Invalid("The reference {reference} is to nothing in the Bundle", reference=text[:100])
        if "?" in text and not text.startswith("http"):
            return match[1] + resolver(text).encode() + b'"'
        return match[0]

    return _REFERENCE.sub(replace, raw)
