"""History (http://hl7.org/fhir/R4/http.html#history) of a resource, a type, or everything, newest first by keyset."""

from datetime import datetime
from typing import Any

import psycopg

from shangyi.errors import Invalid
from shangyi.store import keys, rows, scope
from shangyi.store.codec import Codec
from shangyi.store.model import HistoryPage, Scope
from shangyi.store.types import NUMBERS

LARGEST = 1000


def visible(bounds: Scope) -> tuple[str, list[Any]]:
    """A condition on ``resource r``. What was deleted has no search row: only those who see all areas see it."""
    if bounds.area is None and bounds.panel is None:
        return scope.condition(bounds, "r")
    where, parameters = scope.condition(bounds, "s")
    return f"exists (select from search s where s.rid = r.rid and {where})", parameters


def page(
    connection: psycopg.Connection,
    codec: Codec,
    type: str | None,
    id: str | None,
    since: datetime | None,
    count: int,
    cursor: str | None,
    bounds: Scope,
    at: tuple[datetime, datetime] | None = None,
) -> HistoryPage:
    """One page; ``since`` is inclusive; ``at``: what was current at some instant between these two."""
    where, parameters = visible(bounds)
    limit = max(1, min(count, LARGEST))
    if since is not None:
        where, parameters = f"{where} and r.updated >= %s", [*parameters, since]
    if at is not None:
        where += (
            " and r.updated <= %s and not exists (select from resource n"
            " where n.rid = r.rid and n.version = r.version + 1 and n.updated <= %s)"
        )
        parameters = [*parameters, at[1], at[0]]
    if id is not None and type is not None:
        where, order = f"r.rid = %s and {where}", "r.version desc"
        parameters = [keys.rid(type, id), *parameters]
        if cursor:
            where, parameters = f"{where} and r.version < %s", [*parameters, _numbers(cursor, 1)[0]]
    else:
        order = "r.updated desc, r.rid desc, r.version desc"
        if type is not None:
            where, parameters = f"r.type = %s and {where}", [NUMBERS[type], *parameters]
        if cursor:
            where += " and r.updated <= %s and (r.updated, r.rid, r.version) < (%s, %s, %s)"
            when, rid, number = _numbers(cursor, 3)
            instant = keys.instant(when)
            parameters = [*parameters, instant, instant, rid, number]
    found = connection.execute(
        f"select {rows.COLUMNS}, r.rid from resource r where {where} order by {order} limit %s",
        [*parameters, limit + 1],
    ).fetchall()
    versions = rows.versions(codec, connection, found[:limit])
    following = None
    if len(found) > limit:
        last = found[limit - 1]
        following = str(last[2]) if id is not None else f"{keys.microseconds(last[3])}.{last[7]}.{last[2]}"
    return HistoryPage(versions, following)


def _numbers(cursor: str, wanted: int) -> list[int]:
    try:
        numbers = [int(part) for part in cursor.split(".")]
    except ValueError:
        numbers = []
    if len(numbers) != wanted or any(abs(number) >= 2**63 for number in numbers):
        raise Invalid("The cursor is not one of this server's")
    return numbers
