"""What is put into a lake, as lines: the files that ``shangyi load`` takes, or resources as dicts."""

import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from io import BytesIO
from itertools import repeat
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from shangyi.errors import Invalid
from shangyi.fhir import json
from shangyi.fhir.definitions import is_resource_type
from shangyi.lake.place import Place, told
from shangyi.store.load import sources
from shangyi.store.load.split import LARGEST_DOCUMENT, Item, Refused, split

Source = str | Path | Mapping[str, Any]
"""A file, a directory, ``-``, or a resource."""
BLOCK_BYTES = 4 << 20
_HEAD = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]+)"\s*,\s*"id"\s*:\s*"([A-Za-z0-9.-]+)"')


class Line(NamedTuple):
    """One resource: its type, its JSON without line feeds, and where it stands in the input."""

    type: str
    data: bytes
    place: str


class Batch(NamedTuple):
    """Resources of one type; ``places``: where each stands in the input."""

    type: str
    lines: list[bytes]
    places: list[Place]


class _Head(msgspec.Struct):
    resourceType: str = ""
    id: str | None = None


_head = msgspec.json.Decoder(_Head)


def lines(given: Iterable[Source]) -> Iterator[Line]:
    """The resources of all that is given; Invalid, with the place, where something cannot be read."""
    for batch in batches(given):
        for data, place in zip(batch.lines, batch.places, strict=True):
            yield Line(batch.type, data, told(place))


def batches(given: Iterable[Source]) -> Iterator[Batch]:
    """The same, many at a time where they come so."""
    for source in given:
        if isinstance(source, Mapping):
            data = json.dumps(source)
            yield _batch(_line(f"{source.get('resourceType')}/{source.get('id')}", None, data))
        else:
            yield from _of_files(source)


def _batch(line: Line) -> Batch:
    return Batch(line.type, [line.data], [line.place])


def _of_files(path: str | Path) -> Iterator[Batch]:
    for name, file, member in sources.walk([path]):
        try:
            with sources.opened(file, member) as stream:
                if _is_ndjson(stream):
                    yield from _of_ndjson(name, stream)
                    continue
                for item in split(member or name, stream, _unresolved):
                    yield _batch(_item(name, item))
        except sources.DAMAGED as error:
            raise Invalid("{place}: {reason}", place=name, reason=str(error)) from error


def _unresolved(reference: str) -> str:
    """A conditional reference needs a record to look in: here it stays as it is."""
    return reference


def _item(name: str, item: Item | Refused) -> Line:
    place = f"{name}, {item.place}" if item.place else name
    if isinstance(item, Refused):
        raise Invalid("{place}: {reason}", place=place, reason=str(item.error)) from item.error
    return _line(place, item.id, item.data)


def _is_ndjson(stream: BinaryIO) -> bool:
    """Whether the first line is a whole resource, as Bulk Data exports have it; else ``split`` tells."""
    if not stream.seekable():
        return False
    first = stream.readline(LARGEST_DOCUMENT)
    stream.seek(0)
    match = _HEAD.match(first)
    return match is not None and match[1] != b"Bundle" and first.rstrip().endswith(b"}")


def _of_ndjson(name: str, stream: BinaryIO) -> Iterator[Batch]:
    """Lines by the thousand, those of one type together."""
    read = 0
    while block := stream.read(BLOCK_BYTES):
        block += stream.readline()
        data = block.split(b"\n")
        if not data[-1]:  # the last line's feed
            data.pop()
        places: list[Place] = list(zip(repeat(name), range(read + 1, read + 1 + len(data)), strict=False))
        read += len(data)
        first = _HEAD.match(data[0])
        if first is not None and first[1] != b"Bundle":
            # The lines of an export begin alike, and what begins so has a type and an id.
            head = data[0][: first.start(2)]
            if block.count(b"\n" + head) == len(data) - 1:
                yield Batch(_known(first[1].decode(), places[0]), data, places)
                continue
        data = [line.strip() for line in data]
        heads = [match and match[1] for match in map(_HEAD.match, data)]
        yield from _mixed(data, heads, places)


def _mixed(data: list[bytes], heads: list[bytes | None], places: list[Place]) -> Iterator[Batch]:
    batches: dict[bytes, Batch] = {}
    for line, head, place in zip(data, heads, places, strict=True):
        if head is None or head == b"Bundle":
            yield from batches.values()  # in order: of a resource that comes twice the last counts
            batches = {}
            for item in split("line", BytesIO(line), _unresolved):
                yield _batch(_item(told(place), item))
            continue
        batch = batches.get(head)
        if batch is None:
            batch = batches[head] = Batch(_known(head.decode(), place), [], [])
        batch.lines.append(line)
        batch.places.append(place)
    yield from batches.values()


def _line(place: str, given: str | None, data: bytes) -> Line:
    """A resource with its type and id known; one without an id gets that of ``shangyi load``."""
    match = _HEAD.match(data)
    if match is not None:
        type_, id_ = match[1].decode(), match[2].decode()
    else:
        type_, id_ = _named(data, place)
    _known(type_, place)
    wanted = given or id_ or blake2b(data, digest_size=12).hexdigest()
    if wanted != id_:
        data = _with_id(data, wanted, place)
    if b"\n" in data or b"\r" in data:  # between tokens only: within a text they are escaped
        data = msgspec.json.format(data, indent=-1)
    return Line(type_, data, place)


def _known(type: str, place: Place) -> str:
    if not is_resource_type(type):
        raise Invalid(
            "{place}: there is no resource type {type} in FHIR R4", place=told(place), type=type[:64]
        )
    return type


def _named(data: bytes, place: str) -> tuple[str, str | None]:
    try:
        head = _head.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Invalid("{place}: not valid JSON: {reason}", place=place, reason=str(error)) from error
    return head.resourceType, head.id


def _with_id(data: bytes, id: str, place: str) -> bytes:
    try:
        members = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Invalid("{place}: not valid JSON: {reason}", place=place, reason=str(error)) from error
    kind = members.pop("resourceType")
    members.pop("id", None)
    return msgspec.json.encode({"resourceType": kind, "id": id, **members})
