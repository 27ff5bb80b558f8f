"""The bytes of a version: what stands in columns (type, id, versionId, lastUpdated) is taken out and put back.

Kept: compact JSON of everything else, ``meta`` first. Given back: ``resourceType``, ``id``, ``meta``, then the rest
in the order in which it came.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from shangyi.errors import Invalid
from shangyi.fhir import json

Resource = dict[str, Any]
_META = b'{"meta":{'


def pack_id(id: str) -> bytes:
    """16 bytes for a UUID in its usual spelling, else the text behind a zero where it would be 16 bytes long."""
    if len(id) == 36 and id[8] == id[13] == id[18] == id[23] == "-":
        try:
            value = UUID(id)
        except ValueError:
            pass
        else:
            if str(value) == id:
                return value.bytes
    text = id.encode("utf-8")
    return b"\0" + text if len(text) == 16 else text


def unpack_id(data: bytes) -> str:
    """The id that ``pack_id`` made these bytes of."""
    if len(data) == 16:
        return str(UUID(bytes=bytes(data)))
    return bytes(data).removeprefix(b"\0").decode("utf-8")


def strip(resource: Resource) -> bytes:
    """The bytes to keep of a resource. Raises Invalid for text that PostgreSQL and XML cannot hold (U+0000)."""
    rest: Resource = {}
    meta = resource.get("meta")
    if isinstance(meta, dict):
        kept = {name: value for name, value in meta.items() if name not in ("versionId", "lastUpdated")}
        if kept:
            rest["meta"] = kept
    for name, value in resource.items():
        if name not in ("resourceType", "id", "meta"):
            rest[name] = value
    try:
        data = json.dumps(rest)
    except (RecursionError, UnicodeError, TypeError, ValueError) as error:
        raise Invalid(
            "The resource cannot be written as JSON: {reason}", reason=type(error).__name__
        ) from error
    if b"\\u0000" in data and b"\0" in data.replace(b"\\\\", b"").replace(b"\\u0000", b"\0"):
        raise Invalid("Text must not hold the character U+0000")
    return data


def stamp(updated: datetime) -> str:
    """The instant as it stands in meta.lastUpdated: UTC, milliseconds."""
    return f"{updated.isoformat(timespec='milliseconds')[:23]}Z"


def join(type: str, id: str, version: int, updated: datetime, rest: bytes) -> bytes:
    """The whole resource as JSON."""
    head = f'{{"resourceType":"{type}","id":"{id}","meta":{{"versionId":"{version}","lastUpdated":"{stamp(updated)}"'
    start = head.encode("utf-8")
    if rest.startswith(_META):
        return start + b"," + rest[len(_META) :]
    return start + (b"}" if rest == b"{}" else b"},") + rest[1:]
