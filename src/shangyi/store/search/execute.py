"""A search in SQL: which rows, in which order, one page.

Where tokens are asked, ``plan`` says which way; else PostgreSQL may choose.
"""

from collections.abc import Sequence
from typing import Any

import psycopg

from shangyi.errors import NotSupported
from shangyi.store import rows, scope
from shangyi.store.codec import Codec
from shangyi.store.model import EVERYTHING, Scope, SearchRequest, SearchResult, Version
from shangyi.store.search import cursor as cursors
from shangyi.store.search import includes
from shangyi.store.search.conditions import Condition
from shangyi.store.search.order import Key, after
from shangyi.store.search.plan import Part, Plan
from shangyi.store.search.query import Query, read
from shangyi.store.types import NUMBERS

MOST_TARGETS = 2000


def execute(
    connection: psycopg.Connection, codec: Codec, request: SearchRequest, bounds: Scope = EVERYTHING
) -> SearchResult:
    """One page of matches, with what is to be included, and the total where it was asked for."""

    def resolve(type: str, wanted: Condition) -> list[str]:
        where, values = scope.condition(bounds)
        found = connection.execute(
            f"select {rows.COLUMNS} from search s join resource r on r.rid = s.rid and r.version = s.version"
            f" where s.type = %s and {wanted.sql} and {where} limit {MOST_TARGETS + 1}",
            [NUMBERS[type], *wanted.values, *values],
        ).fetchall()
        if len(found) > MOST_TARGETS:
            raise NotSupported("A chain may lead over at most {n} resources; narrow it", n=MOST_TARGETS)
        return [version.reference for version in rows.versions(codec, connection, found)]

    query = read(request, resolve)
    total = count(connection, query, bounds) if query.total != "none" or query.summary == "count" else None
    if query.summary == "count" or query.count == 0:
        return SearchResult(
            (),
            total=total if total is not None else count(connection, query, bounds),
            applied=query.applied,
            issues=query.issues,
        )
    found = page(connection, query, bounds)
    limit = query.count
    following = None
    if len(found) > limit:
        last = found[limit - 1][8:]
        following = cursors.encode(query.applied, list(last))
    matches = rows.versions(codec, connection, [row[:7] for row in found[:limit]])
    included: Sequence[Version] = ()
    if query.includes:
        included = includes.include(connection, codec, matches, query.includes, bounds)
    return SearchResult(matches, included, total, following, query.applied, query.issues)


def _where(query: Query, bounds: Scope) -> tuple[str, list[Any]]:
    seen, values = scope.condition(bounds)
    parts = [c.sql for c in query.conditions]
    given: list[Any] = [value for c in query.conditions for value in c.values]
    if query.types:
        numbers = [NUMBERS[name] for name in query.types]
        parts.insert(0, "s.type = %s" if len(numbers) == 1 else "s.type = any(%s)")
        given.insert(0, numbers[0] if len(numbers) == 1 else numbers)
    if seen != "true":
        parts.append(seen)
        given += values
    return " and ".join(parts) or "true", given


def count(connection: psycopg.Connection, query: Query, bounds: Scope) -> int:
    """How many match."""
    where, values = _where(query, bounds)
    row = connection.execute(f"select count(*) from search s where {where}", values).fetchone()
    return int(row[0]) if row else 0


def page(connection: psycopg.Connection, query: Query, bounds: Scope) -> list[tuple[Any, ...]]:
    """One row more than the page has, behind the cursor: the columns of a version, rid, then the sort values."""
    where, values = _where(query, bounds)
    cursor: Part | None = None
    if query.cursor:
        last = cursors.decode(query.applied, query.cursor, [key.kind for key in query.keys])
        behind, more = after(query.keys, last)
        cursor = Part(behind, tuple(more))
        where, values = f"{where} and {behind}", [*values, *more]
    if len(query.types) == 1:
        plan = Plan(
            connection,
            query.types[0],
            query.conditions,
            Part(where, tuple(values)),
            query.keys,
            query.count + 1,
            cursor,
        )
        if (found := plan.rows()) is not None:
            return found
    return _select(connection, query.keys, where, values, query.count + 1)


def _select(
    connection: psycopg.Connection, keys: Sequence[Key], where: str, values: Sequence[Any], limit: int
) -> list[tuple[Any, ...]]:
    """The first rows in order; sort values are computed for candidates, bodies read for the page only."""
    columns = ", ".join(f"{key.sql} as k{i}" for i, key in enumerate(keys))
    sort = ", ".join(f"k{i}{' desc' if key.descending else ''}" for i, key in enumerate(keys))
    key_values = [value for key in keys for value in key.values]
    names = ", ".join(f"c.k{i}" for i in range(len(keys)))
    return connection.execute(
        f"with c as materialized (select s.rid, s.version, {columns} from search s where {where}"
        f" order by {sort} limit %s)"
        f" select {rows.COLUMNS}, c.rid, {names} from c join resource r on r.rid = c.rid and r.version = c.version"
        f" order by {sort.replace('k', 'c.k')}",
        [*key_values, *values, limit],
    ).fetchall()
