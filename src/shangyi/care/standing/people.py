"""Residents by how they stand: lists with keyset paging, within a scope, on a day. What calls it decides who may."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from shangyi.care.standing.facts import ZONE
from shangyi.care.standing.facts import day as day_of
from shangyi.care.standing.rules import rules
from shangyi.care.standing.spans import months_after
from shangyi.errors import Invalid
from shangyi.store import everything, keys
from shangyi.store.codec import Codec
from shangyi.store.model import Scope, Version
from shangyi.store.search import cursor as cursors
from shangyi.store.types import NUMBERS

Sort = Literal["urgency", "name", "age", "visit"]
ORDERS = {
    "urgency": ("coalesce(a.grade, 9)", "coalesce(a.begins, 'infinity')"),
    "name": ("p.name",),
    "age": ("coalesce(p.born, 'infinity')",),
    "visit": ("coalesce(p.seen, '-infinity')",),
}
"""What each order compares by; the rid comes last. ``visit`` runs newest first, ``age`` oldest first."""


@dataclass(frozen=True, slots=True)
class Due:
    """A state that asks for something, or was asked for: the rule's id, since when, and its facts."""

    state: str
    grade: int
    begins: dt.date
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """A resident in a list."""

    rid: int
    born: dt.date | None
    seen: dt.date | None
    problems: Sequence[dict[str, Any]]
    allergies: Sequence[dict[str, Any]]
    due: Sequence[Due]


@dataclass(frozen=True, slots=True)
class Query:
    """``states``: all must hold on ``today``. ``kind``: only who is due for that. ``area``: first and last division."""

    today: dt.date
    states: tuple[str, ...] = ()
    due: bool = False
    kind: str = ""
    sex: str = ""
    born: tuple[dt.date, dt.date] | None = None
    area: tuple[int, int] | None = None
    seen: dt.date | None = None
    sort: Sort = "urgency"
    cursor: str = ""
    limit: int = 30


@dataclass(frozen=True, slots=True)
class Page:
    """People in order, the versions of their Patients, and the cursor of the next page."""

    people: Sequence[Person]
    versions: Sequence[Version]
    next: str = ""


def within(bounds: Scope) -> tuple[str, list[Any]]:
    """A condition on ``standing p`` for a scope."""
    parts, values = ["true"], []
    if bounds.area is not None:
        parts.append("p.area between %s and %s")
        values += list(bounds.area)
    if bounds.panel is not None:
        parts.append("p.doctors @> array[%s::bigint]")
        values.append(keys.token("Patient", "general-practitioner", bounds.panel))
    return " and ".join(parts), values


def asking(kind: str = "") -> list[str]:
    """Ids of the rules that ask for something, of one kind or all."""
    return [r.id for r in rules() if r.attention and kind in ("", r.attention.kind)]


def _condition(query: Query, bounds: Scope) -> tuple[str, list[Any]]:
    where, values = within(bounds)
    for state in query.states:
        where += (
            " and exists (select from standing_state t where t.shard = p.shard and t.rid = p.rid"
            " and t.state = %s and t.begins <= %s and %s < t.ends)"
        )
        values += [state, query.today, query.today]
    if query.sex:
        where, values = f"{where} and p.sex = %s", [*values, query.sex[:1]]
    if query.born:
        where, values = f"{where} and p.born between %s and %s", [*values, *query.born]
    if query.area:
        where, values = f"{where} and p.area between %s and %s", [*values, *query.area]
    if query.seen:
        where += " and exists (select from search v where v.patient = p.rid and v.type = %s and v.date >= %s and v.date < %s)"
        start = dt.datetime.combine(query.seen, dt.time(), ZONE)
        first = keys.microseconds(start)
        values += [NUMBERS["Encounter"], first, first + 86_400_000_000]
    return where, values


DUE = (
    "select t.shard, t.rid, min(t.grade) grade, (array_agg(t.begins order by t.grade, t.begins))[1] begins"
    " from standing_state t where t.grade > 0 and t.state = any(%s) and t.begins <= %s and %s < t.ends group by 1, 2"
)


def mark_of(query: Query) -> list[tuple[str, str]]:
    """What a cursor belongs to: the query without its page."""
    asked = (query.states, query.due, query.kind, query.sex, query.born, query.area, query.seen, query.sort)
    return [("query", repr(asked))]


def shown(
    connection: psycopg.Connection,
    codec: Codec,
    bounds: Scope,
    query: Query,
    rids: Sequence[int],
    more: bool,
) -> Page:
    """A page of these residents, in this order, as the record has them now; those who left it meanwhile are left out."""
    rows = connection.execute(
        "select rid, shard, born, seen, problems, allergies from standing where rid = any(%s) and shard = any(%s)",
        [list(rids), [keys.shard(rid, rid) for rid in rids]],
    ).fetchall()
    at = {rid: number for number, rid in enumerate(rids)}
    following = cursors.encode(mark_of(query), [rids[-1]]) if more else ""
    return _page(connection, codec, bounds, query, sorted(rows, key=lambda row: at[row[0]]), following)


def last_of(query: Query) -> int | None:
    """The rid of the last resident of the page before; None for the first page."""
    if not query.cursor:
        return None
    (rid,) = cursors.decode(mark_of(query), query.cursor, [int])
    return int(rid)


def find(connection: psycopg.Connection, codec: Codec, bounds: Scope, query: Query) -> Page:
    """One page of the residents that a query asks for."""
    where, values = _condition(query, bounds)
    due = [asking(query.kind), query.today, query.today]
    join = "join" if query.due or query.kind else "left join"
    descending = query.sort == "visit"
    expressions = ORDERS[query.sort]
    after = ""
    source = f"standing p {join} ({DUE}) a on a.shard = p.shard and a.rid = p.rid"
    if query.cursor:
        # The cursor stands in an address: it names the last row by its key, never by name or day of birth.
        last_rid = last_of(query)
        sign, row = "<" if descending else ">", f"{', '.join(expressions)}, p.rid"
        after = f" and coalesce(({row}) {sign} (select {row} from {source} where p.rid = %s), true)"
        values = [*values, *due, last_rid]
    direction = " desc" if descending else ""
    ordered = ", ".join(f"{e}{direction}" for e in (*expressions, "p.rid"))
    rows = connection.execute(
        f"select p.rid, p.shard, p.born, p.seen, p.problems, p.allergies from {source}"
        f" where {where}{after} order by {ordered} limit %s",
        [*due, *values, query.limit + 1],
    ).fetchall()
    page = rows[: query.limit]
    following = ""
    if len(rows) > query.limit:
        last = page[-1]
        following = cursors.encode(mark_of(query), [last[0]])
    return _page(connection, codec, bounds, query, page, following)


def _page(
    connection: psycopg.Connection,
    codec: Codec,
    bounds: Scope,
    query: Query,
    rows: Sequence[Any],
    following: str,
) -> Page:
    rids = [row[0] for row in rows]
    due = states_of(connection, rids, query.today, (*asking(), *query.states))
    people = [
        Person(rid, born, seen, problems, allergies, due.get(rid, []))
        for rid, _, born, seen, problems, allergies, *_ in rows
    ]
    versions = {keys.rid(v.type, v.id): v for v in everything.fetch(connection, codec, rids, bounds)}
    return Page(
        [person for person in people if person.rid in versions],
        [versions[person.rid] for person in people if person.rid in versions],
        following,
    )


def of(connection: psycopg.Connection, rids: Sequence[int], today: dt.date) -> dict[int, Person]:
    """How these residents stand, by rid; those who are in no list are left out."""
    rows = connection.execute(
        "select rid, born, seen, problems, allergies from standing where rid = any(%s) and shard = any(%s)",
        [list(rids), [keys.shard(rid, rid) for rid in rids]],
    ).fetchall()
    due = states_of(connection, rids, today, asking())
    return {
        rid: Person(rid, born, seen, problems, allergies, due.get(rid, []))
        for rid, born, seen, problems, allergies in rows
    }


def states_of(
    connection: psycopg.Connection, rids: Sequence[int], today: dt.date, states: Sequence[str]
) -> dict[int, list[Due]]:
    """Of these residents, the named states that hold today: the most urgent first."""
    rows = connection.execute(
        "select rid, state, grade, begins, facts from standing_state where rid = any(%s) and shard = any(%s)"
        " and state = any(%s) and begins <= %s and %s < ends order by case grade when 0 then 9 else grade end, begins",
        [list(rids), [keys.shard(rid, rid) for rid in rids], list(states), today, today],
    ).fetchall()
    found: dict[int, list[Due]] = defaultdict(list)
    for rid, state, grade, begins, facts in rows:
        found[rid].append(Due(state, grade, begins, facts))
    return found


def count(connection: psycopg.Connection, bounds: Scope, query: Query) -> int:
    """How many a query asks for, all pages together."""
    where, values = _condition(query, bounds)
    join, due = "", []
    if query.due or query.kind:
        join = f" join ({DUE}) a on a.shard = p.shard and a.rid = p.rid"
        due = [asking(query.kind), query.today, query.today]
    row = connection.execute(
        f"select count(*) from standing p{join} where {where}", [*due, *values]
    ).fetchone()
    return int(row[0]) if row else 0


def born_between(first_age: int, last_age: int | None, today: dt.date) -> tuple[dt.date, dt.date]:
    """Days of birth of those who are between these ages (years, inclusive) on a day."""
    latest = months_after(today, -12 * first_age)
    earliest = (
        dt.date(1800, 1, 1)
        if last_age is None
        else months_after(today, -12 * (last_age + 1)) + dt.timedelta(days=1)
    )
    return earliest, latest


def parse_day(text: str) -> dt.date | None:
    """A day in an address, None for nothing. Raises Invalid."""
    if not text:
        return None
    found = day_of(text)
    if found is None or len(text) != len("2026-10-20"):
        raise Invalid("{text} is not a day", text=text[:32])
    return found


def counts(connection: psycopg.Connection, bounds: Scope, today: dt.date) -> dict[str, int]:
    """How many residents are due for something, by kind, and all of them under ''."""
    where, values = within(bounds)
    kinds = {r.id: r.attention.kind for r in rules() if r.attention}
    rows = connection.execute(
        "select k.kind, count(distinct t.rid) from standing_state t"
        " join unnest(%s::text[], %s::text[]) k(state, kind) on k.state = t.state"
        " join standing p on p.shard = t.shard and p.rid = t.rid"
        f" where t.begins <= %s and %s < t.ends and {where} group by rollup (k.kind)",
        [list(kinds), list(kinds.values()), today, today, *values],
    ).fetchall()
    return {kind or "": number for kind, number in rows}
