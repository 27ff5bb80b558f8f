"""The outbox: every version, in an order in which a reader misses nothing while others write.

Order: (xid, rid). Read only below ``pg_snapshot_xmin``: every transaction below it has ended, so nothing can still
appear there. Versions of one resource come in their order, for a writer holds its locks before it has an xid.
"""

from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from shangyi.errors import Invalid
from shangyi.store import rows
from shangyi.store.codec import Codec
from shangyi.store.model import Change
from shangyi.store.types import NUMBERS

START = "0.-9223372036854775808.0"


def changes(
    connection: psycopg.Connection, codec: Codec, cursor: str | None, limit: int, types: Sequence[str] | None
) -> tuple[list[Change], str]:
    """At most ``limit`` changes after ``cursor`` and the cursor to go on from; an empty list: nothing new now."""
    xid, rid, version = _parse(cursor or START)
    only, numbers = "", []
    if types is not None:
        only, numbers = "and r.type = any(%s)", [[NUMBERS[name] for name in types]]
    found = connection.execute(
        f"select {rows.COLUMNS}, r.xid::text, r.rid from resource r"
        " where r.xid >= %s::xid8 and (r.xid, r.rid, r.version) > (%s::xid8, %s, %s)"
        f" and r.xid < pg_snapshot_xmin(pg_current_snapshot()) {only}"
        " order by r.xid, r.rid, r.version limit %s",
        [xid, xid, rid, version, *numbers, limit],
    ).fetchall()
    versions = rows.versions(codec, connection, found)
    result = [Change(f"{row[7]}.{row[8]}.{row[2]}", item) for row, item in zip(found, versions, strict=True)]
    return result, result[-1].cursor if result else cursor or START


class Touched(NamedTuple):
    """Residents whose record changed, as ``rid`` and all their shards; the cursor to go on from, and whether more is there."""

    residents: list[int]
    shards: list[int]
    cursor: str
    more: bool


def touched(connection: psycopg.Connection, cursor: str, limit: int) -> Touched | None:
    """Whose record the next ``limit`` versions are of; None: nothing new now.

    A resource's shard is its resident's, also once it is deleted; one that was moved is of two.
    """
    xid, rid, version = _parse(cursor)
    versions = connection.execute(
        "select r.xid::text, r.rid, r.version, r.shard, b.shard from resource r"
        " left join resource b on b.rid = r.rid and b.version = r.version - 1"
        " where r.xid >= %s::xid8 and (r.xid, r.rid, r.version) > (%s::xid8, %s, %s)"
        " and r.xid < pg_snapshot_xmin(pg_current_snapshot()) order by r.xid, r.rid, r.version limit %s",
        [xid, xid, rid, version, limit],
    ).fetchall()
    if not versions:
        return None
    shards = sorted({shard for row in versions for shard in row[3:5] if shard is not None})
    found = connection.execute(
        "select rid from search where type = %s and shard = any(%s)", [NUMBERS["Patient"], shards]
    ).fetchall()
    return Touched(
        [row[0] for row in found], shards, ".".join(map(str, versions[-1][:3])), len(versions) == limit
    )


def _parse(cursor: str) -> tuple[str, int, int]:
    try:
        xid, rid, version = cursor.split(".")
        return str(int(xid)), int(rid), int(version)
    except ValueError as error:
        raise Invalid("The cursor is not one of this server's") from error


def position(connection: psycopg.Connection, name: str) -> str | None:
    """Where the reader of this name stands; None when it never read."""
    row = connection.execute("select cursor from outbox_cursor where name = %s", [name]).fetchone()
    return row[0] if row else None


def advance(connection: psycopg.Connection, name: str, cursor: str) -> None:
    """Remember where the reader stands, in the transaction in which it did its work."""
    _parse(cursor)
    connection.execute(
        "insert into outbox_cursor (name, cursor) values (%s, %s)"
        " on conflict (name) do update set cursor = excluded.cursor, updated = now()",
        [name, cursor],
    )
