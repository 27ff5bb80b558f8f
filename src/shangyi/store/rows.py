"""Rows of ``resource`` as versions."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from shangyi.store.body import join, joiner, unpack_id
from shangyi.store.codec import Codec
from shangyi.store.model import Method, Version
from shangyi.store.types import NAMES

COLUMNS = "r.type, r.id, r.version, r.updated, r.method, r.coding, r.body"
"""Of a query that calls the table ``r``, to be read by ``version``."""

METHODS = {"c": Method.CREATE, "u": Method.UPDATE, "d": Method.DELETE}
_BY_BYTE = {letter.encode(): method for letter, method in METHODS.items()}
LETTERS = {method: letter for letter, method in METHODS.items()}


def version(codec: Codec, row: tuple[Any, ...]) -> Version:
    """The version in a row of COLUMNS; further columns are left alone."""
    type_, id_, number, updated, method, coding, packed = row[:7]
    name, id = NAMES[type_], unpack_id(id_)
    when = updated if updated.tzinfo is UTC else updated.astimezone(UTC)
    kind = _BY_BYTE[method] if isinstance(method, bytes) else METHODS[method]
    data = b"" if kind is Method.DELETE else join(name, id, number, when, codec.unpack(coding, packed))
    return Version(name, id, number, when, kind, data)


def versions(codec: Codec, connection: psycopg.Connection, rows: Iterable[tuple[Any, ...]]) -> list[Version]:
    """The versions in rows; dictionaries made by others meanwhile are learnt. What many have in common is done once."""
    rows = list(rows)
    codings = {row[5] for row in rows}
    if not all(map(codec.knows, codings)):
        codec.load(connection)
    unpack = {coding: codec.unpacker(coding) for coding in codings}
    joining = {type_: joiner(NAMES[type_]) for type_ in {row[0] for row in rows}}
    found = []
    for type_, id_, number, updated, method, coding, packed, *_ in rows:
        id = unpack_id(id_)
        when = updated if updated.tzinfo is UTC else updated.astimezone(UTC)
        kind = _BY_BYTE[method] if isinstance(method, bytes) else METHODS[method]
        deleted = kind is Method.DELETE
        data = b"" if deleted else joining[type_](id, number, when, unpack[coding](packed))
        found.append(Version(NAMES[type_], id, number, when, kind, data))
    return found


_SMALL, _INTEGER, _LONG = struct.Struct(">h"), struct.Struct(">i"), struct.Struct(">q")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""From where PostgreSQL counts microseconds."""


def unpacked(row: Sequence[Any]) -> tuple[Any, ...]:
    """A row of COLUMNS in PostgreSQL's binary format as the values that ``version`` reads; none of them is null."""
    type_, id_, number, updated, method, coding, packed = row[:7]
    return (
        _SMALL.unpack(type_)[0],
        id_,
        _INTEGER.unpack(number)[0],
        _EPOCH + timedelta(microseconds=_LONG.unpack(updated)[0]),
        method,
        _SMALL.unpack(coding)[0],
        packed,
    )


def milliseconds(instant: datetime) -> datetime:
    """Cut to whole milliseconds."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def batches(
    connection: psycopg.Connection, codec: Codec, where: str, values: list[Any], size: int, most: int
) -> Iterator[list[Version]]:
    """The current versions whose row ``s`` of ``search`` meets a condition, so many at a time, at most ``most``."""
    found = connection.execute(
        f"select s.rid, s.version from search s where {where} limit %s", [*values, most]
    ).fetchall()
    for start in range(0, len(found), size):
        chosen = found[start : start + size]
        read = connection.execute(
            f"select {COLUMNS} from unnest(%s::bigint[], %s::int[]) c (rid, version)"
            " join resource r on r.rid = c.rid and r.version = c.version",
            [[row[0] for row in chosen], [row[1] for row in chosen]],
        ).fetchall()
        yield versions(codec, connection, read)
