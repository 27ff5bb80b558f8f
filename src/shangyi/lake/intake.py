"""What is put into a lake, as lines: the files that ``shangyi load`` takes, or resources as dicts."""

import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from shangyi.errors import Invalid
from shangyi.fhir import json
from shangyi.fhir.definitions import is_resource_type
from shangyi.store.load import sources
from shangyi.store.load.split import Refused, split

Source = str | Path | Mapping[str, Any]
"""A file, a directory, ``-``, or a resource."""
_HEAD = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]+)"\s*,\s*"id"\s*:\s*"([A-Za-z0-9.-]+)"')


class Line(NamedTuple):
    """One resource: its type, its JSON without line feeds, and where it stands in the input."""

    type: str
    data: bytes
    place: str


class _Head(msgspec.Struct):
    resourceType: str = ""
    id: str | None = None


_head = msgspec.json.Decoder(_Head)


def lines(given: Iterable[Source]) -> Iterator[Line]:
    """The resources of all that is given; Invalid, with the place, where something cannot be read."""
    for source in given:
        if isinstance(source, Mapping):
            data = json.dumps(source)
            yield _line(f"{source.get('resourceType')}/{source.get('id')}", None, data)
        else:
            yield from _of_files(source)


def _of_files(path: str | Path) -> Iterator[Line]:
    for name, file, member in sources.walk([path]):
        try:
            with sources.opened(file, member) as stream:
                # A conditional reference needs a record to look in: here it stays as it is.
                for item in split(member or name, stream, lambda reference: reference):
                    place = f"{name}, {item.place}" if item.place else name
                    if isinstance(item, Refused):
                        raise Invalid(
                            "{place}: {reason}", place=place, reason=str(item.error)
                        ) from item.error
                    yield _line(place, item.id, item.data)
        except sources.DAMAGED as error:
            raise Invalid("{place}: {reason}", place=name, reason=str(error)) from error


def _line(place: str, given: str | None, data: bytes) -> Line:
    """A resource with its type and id known; one without an id gets that of ``shangyi load``."""
    match = _HEAD.match(data)
    if match is not None:
        type_, id_ = match[1].decode(), match[2].decode()
    else:
        type_, id_ = _named(data, place)
    if not is_resource_type(type_):
        raise Invalid("{place}: there is no resource type {type} in FHIR R4", place=place, type=type_[:64])
    wanted = given or id_ or blake2b(data, digest_size=12).hexdigest()
    if wanted != id_:
        data = _with_id(data, wanted, place)
    if b"\n" in data or b"\r" in data:  # between tokens only: within a text they are escaped
        data = msgspec.json.format(data, indent=-1)
    return Line(type_, data, place)


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
