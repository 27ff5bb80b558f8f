"""A search in SQL: which rows, in which order, one page.

Where tokens are asked, ``plan`` says which way; else PostgreSQL may choose. Conditions that SQL cannot decide alone
are checked on the resources (``checked``).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import psycopg

from shangyi.errors import NotSupported
from shangyi.store import rows
from shangyi.store.codec import Codec
from shangyi.store.model import EVERYTHING, Scope, SearchRequest, SearchResult, Version
from shangyi.store.search import cursor as cursors
from shangyi.store.search import includes
from shangyi.store.search.alphabet import Walk
from shangyi.store.search.conditions.base import Narrow
from shangyi.store.search.linked import Linked, meeting
from shangyi.store.search.order import Key, after, ordered
from shangyi.store.search.plan import Plan
from shangyi.store.search.query import Query, read
from shangyi.store.search.where import Part, counted, where_of

BATCH, MOST_CHECKED, MOST_COUNTED = 500, 20_000, 200_000
"""Candidates read at a time, for one page, and for a total, where resources have to be read to decide."""

FIRST_CHECKED, FREQUENT = 2000, 5000
"""Candidates read before the narrow tables are asked after all; values in one of them that are worth it."""

Row = tuple[Any, ...]


def execute(
    connection: psycopg.Connection, codec: Codec, request: SearchRequest, bounds: Scope = EVERYTHING
) -> SearchResult:
    """One page of matches, with what is to be included, and the total where it was asked for."""
    query = read(request, Linked(connection, codec, bounds, request.base))
    if query.summary == "count" or query.count == 0:
        counted = count(connection, codec, query, bounds)
        return SearchResult((), total=counted, applied=query.applied, issues=query.issues)
    total = count(connection, codec, query, bounds) if query.total != "none" else None
    last = cursors.decode(query.applied, query.cursor, [k.kind for k in query.keys]) if query.cursor else None
    read_first = by_reading(connection, query)
    full = checked(connection, codec, read_first, bounds, last, FIRST_CHECKED) if read_first else None
    if full is not None:
        matches, behind = full
    elif any(condition.recheck for condition in query.conditions):
        matches, behind = checked(connection, codec, query, bounds, last) or ([], None)
    else:
        found = page(connection, codec, query, bounds, last, query.count + 1, read_first is not None)
        matches = rows.versions(codec, connection, [row[:7] for row in found[: query.count]])
        behind = found[query.count - 1][8:] if len(found) > query.count else None
    following = cursors.encode(query.applied, list(behind)) if behind else None
    included: Sequence[Version] = ()
    issues = list(query.issues)
    if query.includes:
        included, incomplete = includes.include(connection, codec, matches, query.includes, bounds)
        issues += incomplete
    return SearchResult(matches, included, total, following, query.applied, issues)


def by_reading(connection: psycopg.Connection, query: Query) -> Query | None:
    """The query with what is frequent in a narrow table read instead, where a walk by date gives the candidates.

    Millions of values above a bound are not gathered for the first twenty.
    """
    if [key.sql for key in query.keys] != ["s.date", "s.rid"] or len({k.descending for k in query.keys}) > 1:
        return None
    conditions = [
        condition.narrow.reading
        if condition.narrow is not None and _frequent(connection, condition.narrow)
        else condition
        for condition in query.conditions
    ]
    return replace(query, conditions=conditions) if conditions != query.conditions else None


def _frequent(connection: psycopg.Connection, narrow: Narrow) -> bool:
    row = connection.execute(
        f"select count(*) from ({narrow.rows} limit %s) x", [*narrow.values, FREQUENT]
    ).fetchone()
    return row == (FREQUENT,)


def checked(
    connection: psycopg.Connection,
    codec: Codec,
    query: Query,
    bounds: Scope,
    last: Sequence[Any] | None,
    give_up: int | None = None,
) -> tuple[list[Version], Sequence[Any] | None] | None:
    """A page of what meets the conditions that only the resources can tell, and the sort values that it ends at.

    No more than ``MOST_CHECKED`` candidates are read for a page, so it may be short and still have a next one; None
    where ``give_up`` of them were read in vain.
    """
    matches: list[Version] = []
    read = 0
    size = max(50, min(2 * query.count, BATCH))
    while True:
        found = page(connection, codec, query, bounds, last, size)
        versions = rows.versions(codec, connection, [row[:7] for row in found])
        kept = meeting(query.conditions, versions)
        for row, version, fits in zip(found, versions, kept, strict=True):
            if fits and len(matches) == query.count:
                return matches, last
            if fits:
                matches.append(version)
            last = row[8:]
        read += len(found)
        if len(found) < size:
            return matches, None
        if give_up is not None and read >= give_up:
            return None
        if read >= MOST_CHECKED:
            return matches, last
        size = BATCH


def count(connection: psycopg.Connection, codec: Codec, query: Query, bounds: Scope) -> int:
    """How many match."""
    if not any(condition.recheck for condition in query.conditions):
        ways = counted(query.types, query.conditions, bounds)
        sql = " + ".join(f"(select count(*) from search s where {where})" for where, _ in ways)
        values = [value for _, given in ways for value in given]
        row = connection.execute(f"select {sql}", values, prepare=False).fetchone()
        return int(row[0]) if row else 0
    where, values = where_of(query.types, query.conditions, bounds)
    found = read = 0
    for batch in rows.batches(connection, codec, where, values, BATCH, MOST_COUNTED + 1):
        found += sum(meeting(query.conditions, batch))
        read += len(batch)
        if read > MOST_COUNTED:
            raise NotSupported(
                "More than {n} resources would have to be read to count these; narrow the search",
                n=MOST_COUNTED,
            )
    return found


def page(
    connection: psycopg.Connection,
    codec: Codec,
    query: Query,
    bounds: Scope,
    last: Sequence[Any] | None,
    limit: int,
    frequent: bool = False,
) -> list[Row]:
    """At most so many rows behind ``last``: the columns of a version, rid, then the sort values. ``frequent``: as of a Plan."""
    cursor = None if last is None else after(query.keys, last)
    found: list[Row] | None = None
    if len(query.types) == 1:
        here = Scope(types=bounds.types)  # whom the reader may see is for the plan to ask in its time
        plan = Plan(
            connection,
            query.types[0],
            query.conditions,
            Part.of(where_of(query.types, query.conditions, here)),
            query.keys,
            limit,
            replace(bounds, types=None),
            cursor,
            last,
            frequent,
        )
        found = plan.rows()
    where = Part.of(where_of(query.types, query.conditions, bounds))
    first = query.keys[0]
    if found is None and first.walked and len(query.keys) == 2 and not query.conditions:
        found = Walk(connection, codec, first.walked, first.descending, where).rows(last, limit)
    return _select(connection, query.keys, where, cursor, limit) if found is None else found


def _select(
    connection: psycopg.Connection, keys: Sequence[Key], where: Part, cursor: Part | None, limit: int
) -> list[Row]:
    """The first rows in order; sort values are computed for candidates, bodies read for the page only."""
    sort = ", ".join(f"k{i}{' desc' if key.descending else ''}" for i, key in enumerate(keys))
    names = ", ".join(f"c.k{i}" for i in range(len(keys)))
    free = not any(key.join for key in keys)
    source = Part(f"select s.* from search s where {where.sql}{'' if free else ' offset 0'}", where.values)
    found = ordered(keys, source, cursor)
    sql = found.sql.removesuffix(" offset 0") if free else found.sql  # free to walk an index in this order
    return connection.execute(
        f"with c as materialized (select * from ({sql}) s order by {sort} limit %s)"
        f" select {rows.COLUMNS}, c.rid, {names} from c join resource r on r.rid = c.rid and r.version = c.version"
        f" order by {sort.replace('k', 'c.k')}",
        [*found.values, limit],
    ).fetchall()
