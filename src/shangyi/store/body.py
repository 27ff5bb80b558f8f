"""The bytes of a version: what stands in columns (type, id, versionId, lastUpdated) is taken out and put back.

Kept: compact JSON of everything else, ``meta`` first. Given back: ``resourceType``, ``id``, ``meta``, then the rest
in the order in which it came.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from shangyi.errors import Invalid
from shangyi.fhir import json

Resource = dict[str, Any]
_APART = ("resourceType", "id", "meta")
_META = b'{"meta":{'


def pack_id(id: str) -> bytes:
    """16 bytes for a UUID in its usual spelling, else the text behind a zero where it would be 16 bytes long."""
    if len(id) == 36 and id[8] == id[13] == id[18] == id[23] == "-" and id == id.lower():
        try:
            value = bytes.fromhex(id.replace("-", ""))
        except ValueError:
            pass
        else:
            if len(value) == 16:
                return value
    text = id.encode("utf-8")
    return b"\0" + text if len(text) == 16 else text


def unpack_id(data: bytes) -> str:
    """The id that ``pack_id`` made these bytes of."""
    if len(data) == 16:
        digits = data.hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    text = bytes(data).decode("utf-8")
    return text[1:] if text[:1] == "\0" else text


def strip(resource: Resource) -> bytes:
    """The bytes to keep of a resource. Raises Invalid for text that PostgreSQL and XML cannot hold (U+0000)."""
    rest = dict(resource)
    for name in _APART:
        rest.pop(name, None)
    meta = resource.get("meta")
    if isinstance(meta, dict):
        kept = {name: value for name, value in meta.items() if name not in ("versionId", "lastUpdated")}
        if kept:
            rest = {"meta": kept, **rest}
    try:
        data = json.dumps(rest)
    except (RecursionError, UnicodeError, TypeError, ValueError) as error:
        raise Invalid(
            "The resource cannot be written as JSON: {reason}", reason=type(error).__name__
        ) from error
    if json.holds_nul(data):
        raise Invalid("A text must not hold the character NUL")
    return data


def left_out(resource: Resource) -> int:
    """How many quotation marks ``strip`` leaves out of a resource, where those members are well-formed."""
    count = 4 * (("resourceType" in resource) + ("id" in resource))
    meta = resource.get("meta")
    if isinstance(meta, dict) and meta:
        out = ("versionId" in meta) + ("lastUpdated" in meta)
        count += 4 * out + 2 * (out == len(meta))
    return count


def stamp(updated: datetime) -> str:
    """The instant as it stands in meta.lastUpdated: UTC, milliseconds."""
    return f"{updated.isoformat(timespec='milliseconds')[:23]}Z"


@cache
def joiner(type: str) -> Callable[[str, int, datetime, bytes], bytes]:
    """``join`` for many resources of a type."""
    head = f'{{"resourceType":"{type}","id":"'.encode()

    def whole(id: str, version: int, updated: datetime, rest: bytes) -> bytes:
        start = head + id.encode() + _meta(version, updated)
        if rest.startswith(_META):
            return start + b"," + rest[len(_META) :]
        return start + (b"}" if rest == b"{}" else b"},") + rest[1:]

    return whole


@lru_cache(maxsize=1024)
def _meta(version: int, updated: datetime) -> bytes:
    """What many have in common that were written in one transaction."""
    return f'","meta":{{"versionId":"{version}","lastUpdated":"{stamp(updated)}"'.encode()


def join(type: str, id: str, version: int, updated: datetime, rest: bytes) -> bytes:
    """The whole resource as JSON."""
    head = f'{{"resourceType":"{type}","id":"{id}","meta":{{"versionId":"{version}","lastUpdated":"{stamp(updated)}"'
    start = head.encode("utf-8")
    if rest.startswith(_META):
        return start + b"," + rest[len(_META) :]
    return start + (b"}" if rest == b"{}" else b"},") + rest[1:]
