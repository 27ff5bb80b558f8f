"""Rows in the binary format of COPY, in the order of ``TABLES``.

A row of ``resource`` and of ``search`` begins with what is only known when it is written (version, instant, method),
so that it can be made before: ``version_head`` and ``search_head`` go before each.
"""

import struct
from bisect import bisect_left
from collections.abc import Callable, Collection
from functools import cache
from typing import Any

from shangyi.store import keys
from shangyi.store.search.extract import Extracted

HEADER = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
TRAILER = b"\xff\xff"
TABLES = {
    "resource": "resource (updated, version, method, rid, shard, type, coding, id, body)",
    "search": "search (updated, version, rid, patient, area, date, date_end, shard, type, code, tokens)",
    "dates": "search_date (rid, shard, parameter, low, high)",
    "numbers": "search_number (rid, shard, parameter, unit, low, high)",
    "strings": "search_string (rid, shard, parameter, value)",
}
_POSTGRES_EPOCH_US = 946_684_800_000_000
_VERSION_HEAD = struct.Struct(">hiqiii1s")
_VERSION = struct.Struct(">iqihihihi")
_SEARCH_HEAD = struct.Struct(">hiqii")
_SEARCH = struct.Struct(">iqiqiqiqiqihihi8s")
_ARRAY = struct.Struct(">iiiiii")
_EIGHT, _INT8 = b"\0\0\0\x08", 20
_NO_TOKENS = struct.pack(">iiii", 12, 0, 0, _INT8)
_DATE = struct.Struct(">hiqihiiiqiq")
_NUMBER = struct.Struct(">hiqihiiiqidid")
_STRING = struct.Struct(">hiqihiii")


def version_head(updated_us: int, version: int, method: bytes) -> bytes:
    """What goes before a row of ``resource``. Microseconds since 1970."""
    return _VERSION_HEAD.pack(9, 8, updated_us - _POSTGRES_EPOCH_US, 4, version, 1, method)


def version_row(rid: int, shard: int, type: int, coding: int, id: bytes, body: bytes) -> bytes:
    """The rest of a row of ``resource``."""
    return b"%b%b%b%b" % (
        _VERSION.pack(8, rid, 2, shard, 2, type, 2, coding, len(id)), id, len(body).to_bytes(4, "big"), body
    )  # fmt: skip


def packed_body(row: bytes) -> tuple[int, bytes]:
    """Coding and packed body of what ``version_row`` made."""
    *_, coding, length = _VERSION.unpack_from(row)
    return coding, row[_VERSION.size + length + 4 :]


def search_head(updated_us: int, version: int) -> bytes:
    """What goes before a row of ``search``."""
    return _SEARCH_HEAD.pack(11, 8, updated_us - _POSTGRES_EPOCH_US, 4, version)


def search_row(rid: int, shard: int, type: int, found: Extracted, area: int) -> bytes:
    """The rest of a row of ``search``."""
    low, high = found.date or (keys.NO_DATE, keys.NO_DATE)
    row = _SEARCH.pack(
        8, rid, 8, found.patient, 8, area, 8, low, 8, high, 2, shard, 2, type, 8, found.code
    )  # fmt: skip
    tokens = found.tokens
    if not tokens:
        return row + _NO_TOKENS
    ordered = sorted(tokens)
    first = bisect_left(ordered, b"\x80")  # from here on they are negative: before the others
    return row + _array_head(len(tokens)) + _EIGHT.join([b"", *ordered[first:], *ordered[:first]])


@cache
def _array_head(length: int) -> bytes:
    return _ARRAY.pack(20 + 12 * length, 1, 0, _INT8, length, 1)


def narrow_rows(row: Callable[..., bytes], rid: int, shard: int, values: Collection[Any]) -> bytes:
    """The rows of a resource in one of the narrow tables: most have none in most."""
    return b"".join([row(rid, shard, *value) for value in sorted(values)]) if values else b""


def date_row(rid: int, shard: int, parameter: int, low: int, high: int) -> bytes:
    """A whole row of ``search_date``."""
    return _DATE.pack(5, 8, rid, 2, shard, 4, parameter, 8, low, 8, high)


def number_row(rid: int, shard: int, parameter: int, unit: int, low: float, high: float) -> bytes:
    """A whole row of ``search_number``."""
    return _NUMBER.pack(6, 8, rid, 2, shard, 4, parameter, 8, unit, 8, low, 8, high)


def string_row(rid: int, shard: int, parameter: int, value: str) -> bytes:
    """A whole row of ``search_string``."""
    text = value.replace("\0", "").encode("utf-8")
    return _STRING.pack(4, 8, rid, 2, shard, 4, parameter, len(text)) + text
