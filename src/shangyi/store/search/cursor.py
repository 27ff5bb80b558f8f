"""Cursors: where the next page starts, bound to the query that made them."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from shangyi.errors import Invalid
from shangyi.store import keys


def encode(query: Sequence[tuple[str, str]], values: Sequence[Any]) -> str:
    """An opaque text of the sort values of the last row."""
    data = json.dumps([_mark(query), *values], separators=(",", ":")).encode()
    return urlsafe_b64encode(data).decode().rstrip("=")


def decode(query: Sequence[tuple[str, str]], text: str, types: Sequence[type]) -> list[Any]:
    """The sort values; Invalid for a cursor of another query or none of ours."""
    try:
        mark, *values = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError):
        mark, values = None, []
    if mark != _mark(query) or len(values) != len(types):
        raise Invalid("The cursor is not one of this search; start again from the first page")
    if not all(type(value) is kind for value, kind in zip(values, types, strict=True)):
        raise Invalid("The cursor is not one of this search; start again from the first page")
    return list(values)


def _mark(query: Sequence[tuple[str, str]]) -> int:
    return keys.key("&".join(f"{name}={value}" for name, value in query if name not in ("_cursor", "_count")))
