"""Request bodies: read within a byte budget, unpacked within one, decoded into a resource."""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive

from shangyi.api.budget import Share
from shangyi.api.formats import read_xml
from shangyi.api.negotiation import Format, UnsupportedMediaType, body_format
from shangyi.errors import Invalid, ShangyiError, TooLarge
from shangyi.fhir import json

Resource = dict[str, Any]


class TooSlow(ShangyiError):
    """The request body did not arrive in time."""

    status, code = 408, "timeout"


class ClientGone(Exception):
    """The client closed the connection before its request was whole; there is nobody to answer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take: bytes of body (packed and unpacked), nesting, seconds to send it, seconds a read may take."""

    body_bytes: int = 64 * 1024 * 1024
    depth: int = 200
    body_seconds: float = 120.0
    read_seconds: float = 60.0


def declared_size(headers: Mapping[bytes, bytes]) -> int | None:
    """What Content-Length claims; None where it says nothing that can be used (a chunked body)."""
    declared = headers.get(b"content-length", b"")
    return int(declared) if declared.isdigit() and len(declared) < 20 else None


async def receive_body(
    receive: Receive, headers: Mapping[bytes, bytes], limits: Limits, share: Share
) -> bytes:
    """The whole body; TooLarge as soon as more arrives than allowed, whatever Content-Length claims."""
    declared = declared_size(headers)
    if declared is not None and declared > limits.body_bytes:
        raise _too_large(limits)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > limits.body_bytes:
                    raise _too_large(limits)
                share.take(len(chunk))
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
    except TimeoutError:
        raise TooSlow(
            "The request body did not arrive within {seconds} s", seconds=limits.body_seconds
        ) from None


def unpack(body: bytes, encoding: str | None, limits: Limits) -> bytes:
    """The body without its Content-Encoding; a gzip bomb is stopped at the budget, a truncated one refused."""
    name = (encoding or "identity").strip().lower()
    if name == "identity":
        return body
    if name not in ("gzip", "x-gzip"):
        raise UnsupportedMediaType(
            "The content encoding {encoding} is not read here; use gzip", encoding=name
        )
    chunks: list[bytes] = []
    size = 0
    try:
        while body:
            member = zlib.decompressobj(wbits=31)
            chunk = member.decompress(body, limits.body_bytes - size + 1)
            size += len(chunk)
            if size > limits.body_bytes:
                raise _too_large(limits)
            if not member.eof:
                raise Invalid("The gzip data ends too early")
            chunks.append(chunk)
            body = member.unused_data
    except zlib.error as error:
        raise Invalid("The body is not valid gzip data: {reason}", reason=str(error)) from error
    return b"".join(chunks)


def decode(body: bytes, content_type: str | None, limits: Limits) -> Resource:
    """The resource in a body; Invalid where it is none, TooLarge where it is nested beyond reason."""
    kind = body_format(content_type)
    if not body.strip():
        raise Invalid("The request needs a resource in its body")
    try:
        resource = read_xml(body) if kind is Format.XML else json.loads(body)
    except RecursionError:
        raise _too_deep(limits) from None
    if not isinstance(resource.get("resourceType"), str):
        raise Invalid("The body has no resourceType")
    if kind is Format.XML or limits.depth < json.DEEPEST:
        check_depth(resource, limits)
    return resource


def check_depth(value: object, limits: Limits) -> None:
    """TooLarge where objects and arrays are nested deeper than allowed; level by level, without recursion."""
    level = [value]
    for _ in range(limits.depth):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise _too_deep(limits)


def _too_large(limits: Limits) -> TooLarge:
    return TooLarge("The body is larger than {limit} bytes; load such data in bulk", limit=limits.body_bytes)


def _too_deep(limits: Limits) -> TooLarge:
    return TooLarge("The body is nested deeper than {limit} levels", limit=limits.depth)
