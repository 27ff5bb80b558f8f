"""Residents behind a rate, and residents with open gaps: lists with keyset paging, within a scope."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from shangyi.care.standing.people import within
from shangyi.store import everything, keys
from shangyi.store.codec import Codec
from shangyi.store.model import Scope, Version
from shangyi.store.search import cursor as cursors


@dataclass(frozen=True, slots=True)
class Open:
    """An open gap, and what it rests on."""

    measure: str
    part: str
    grade: int
    facts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Query:
    """Residents of one rate (``met``: in the numerator or not, None both), or with open gaps of a rate or of any.

    ``area``: first and last division; ``sex``: m, f; ``born``: first and last day.
    """

    end: dt.date
    key: tuple[str, str] | None = None
    met: bool | None = None
    gaps: bool = False
    area: tuple[int, int] | None = None
    sex: str = ""
    born: tuple[dt.date, dt.date] | None = None
    cursor: str = ""
    limit: int = 30


@dataclass(frozen=True, slots=True)
class Page:
    """Residents in order with their open gaps, the most urgent first, and the cursor of the next page."""

    open: Sequence[Sequence[Open]]
    versions: Sequence[Version]
    next: str = ""


def find(connection: psycopg.Connection, codec: Codec, bounds: Scope, query: Query) -> Page:
    """One page: by grade of the most urgent gap, then by how many are open, then by name."""
    where, values = within(bounds)
    asked: list[Any] = [query.end]
    inner = "i.ends = %s"
    if query.gaps:
        inner += " and i.grade > 0"
    if query.key is not None:
        chosen = "measure = %s and part = %s" + ("" if query.met is None else " and met = %s")
        values = [*values, query.end, *query.key, *([] if query.met is None else [query.met])]
        where += (
            " and exists (select from indicator k where k.shard = p.shard and k.rid = p.rid and k.ends = %s"
            f" and k.{chosen.replace(' and ', ' and k.')})"
        )
    if query.area:
        where, values = f"{where} and p.area between %s and %s", [*values, *query.area]
    if query.sex:
        where, values = f"{where} and p.sex = %s", [*values, query.sex[:1]]
    if query.born:
        where, values = f"{where} and p.born between %s and %s", [*values, *query.born]
    source = (
        "standing p join (select i.shard, i.rid, coalesce(min(i.grade) filter (where i.grade > 0), 9) grade,"
        f" count(*) filter (where i.grade > 0) number from indicator i where {inner} group by 1, 2) g"
        " on g.shard = p.shard and g.rid = p.rid"
    )
    order = "g.grade, -g.number, p.name, p.rid"
    after = ""
    mark = [("query", repr((query.end, query.key, query.met, query.gaps, query.area, query.sex, query.born)))]
    if query.cursor:
        # The cursor stands in an address: it names the last row by its key, never by name.
        (last,) = cursors.decode(mark, query.cursor, [int])
        after = f" and ({order}) > (select {order} from {source} where p.rid = %s)"
        values = [*values, *asked, int(last)]
    rows = connection.execute(
        f"select p.rid from {source} where {where}{after} order by {order} limit %s",
        [*asked, *values, query.limit + 1],
    ).fetchall()
    rids = [row[0] for row in rows[: query.limit]]
    following = cursors.encode(mark, [rids[-1]]) if len(rows) > query.limit else ""
    versions = {keys.rid(v.type, v.id): v for v in everything.fetch(connection, codec, rids, bounds)}
    opened = gaps_of(connection, rids, query.end)
    shown = [rid for rid in rids if rid in versions]
    return Page([opened.get(rid, []) for rid in shown], [versions[rid] for rid in shown], following)


def gaps_of(connection: psycopg.Connection, rids: Sequence[int], end: dt.date) -> dict[int, list[Open]]:
    """The open gaps of these residents, the most urgent first."""
    rows = connection.execute(
        "select rid, measure, part, grade, facts from indicator where rid = any(%s) and shard = any(%s)"
        " and ends = %s and grade > 0 order by grade, measure, part",
        [list(rids), [keys.shard(rid, rid) for rid in rids], end],
    ).fetchall()
    found: dict[int, list[Open]] = defaultdict(list)
    for rid, measure, part, grade, facts in rows:
        found[rid].append(Open(measure, part, grade, facts))
    return found


def of(connection: psycopg.Connection, rid: int, end: dt.date) -> dict[tuple[str, str], bool]:
    """The rates in whose denominator a resident is, and whether they reach it."""
    rows = connection.execute(
        "select measure, part, met from indicator where rid = %s and shard = %s and ends = %s",
        [rid, keys.shard(rid, rid), end],
    ).fetchall()
    return {(measure, part): met for measure, part, met in rows}
