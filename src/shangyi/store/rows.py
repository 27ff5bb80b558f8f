"""Rows of ``resource`` as versions."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import psycopg

from shangyi.store.body import join, unpack_id
from shangyi.store.codec import Codec
from shangyi.store.model import Method, Version
from shangyi.store.types import NAMES

COLUMNS = "r.type, r.id, r.version, r.updated, r.method, r.coding, r.body"
"""Of a query that calls the table ``r``, to be read by ``version``."""

METHODS = {"c": Method.CREATE, "u": Method.UPDATE, "d": Method.DELETE}
LETTERS = {method: letter for letter, method in METHODS.items()}


def version(codec: Codec, row: tuple[Any, ...]) -> Version:
    """The version in a row of COLUMNS; further columns are left alone."""
    type_, id_, number, updated, method, coding, packed = row[:7]
    name, id, when = NAMES[type_], unpack_id(id_), updated.astimezone(UTC)
    kind = METHODS[method.decode() if isinstance(method, bytes) else method]
    data = b"" if kind is Method.DELETE else join(name, id, number, when, codec.unpack(coding, packed))
    return Version(name, id, number, when, kind, data)


def versions(codec: Codec, connection: psycopg.Connection, rows: Iterable[tuple[Any, ...]]) -> list[Version]:
    """The versions in rows; dictionaries made by others meanwhile are learnt."""
    rows = list(rows)
    if not all(codec.knows(row[5]) for row in rows):
        codec.load(connection)
    return [version(codec, row) for row in rows]


def milliseconds(instant: datetime) -> datetime:
    """Cut to whole milliseconds."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
