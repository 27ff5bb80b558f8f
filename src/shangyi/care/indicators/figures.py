"""Rates of a scope: now and at the ends of the quarters before, by place, sex and age. No person leaves here."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import psycopg

from shangyi.care.standing.people import within
from shangyi.store.model import Scope

By = Literal["town", "village", "sex", "age"]
AGES = (0, 7, 18, 35, 45, 55, 65, 75)
"""First years of the bands that rates are divided by."""
_BY = {
    "town": "p.area / 1000 * 1000",
    "village": "p.area",
    "sex": "p.sex::text",
    "age": "width_bucket(date_part('year', age(i.ends, p.born)), array[0,7,18,35,45,55,65,75]::float[])",
}


@dataclass(frozen=True, slots=True)
class Share:
    """``met`` of ``whole``."""

    met: int
    whole: int


def shares(connection: psycopg.Connection, bounds: Scope) -> dict[tuple[str, str], dict[dt.date, Share]]:
    """Every rate by the last day of its period."""
    where, values = within(bounds)
    rows = connection.execute(
        "select i.measure, i.part, i.ends, count(*) filter (where i.met), count(*) from indicator i"
        f" join standing p on p.shard = i.shard and p.rid = i.rid where {where} group by 1, 2, 3",
        values,
    ).fetchall()
    found: dict[tuple[str, str], dict[dt.date, Share]] = {}
    for measure, part, end, met, whole in rows:
        found.setdefault((measure, part), {})[end] = Share(met, whole)
    return found


def divided(
    connection: psycopg.Connection, bounds: Scope, key: tuple[str, str], end: dt.date, by: By
) -> list[tuple[str, Share]]:
    """One rate by what it is divided by: a division's code, ``m`` or ``f``, the first year of a band."""
    where, values = within(bounds)
    rows = connection.execute(
        f"select {_BY[by]}, count(*) filter (where i.met), count(*) from indicator i"
        " join standing p on p.shard = i.shard and p.rid = i.rid"
        f" where i.measure = %s and i.part = %s and i.ends = %s and {where} group by 1 order by 1",
        [*key, end, *values],
    ).fetchall()
    if by == "age":
        return [(str(AGES[int(band) - 1]), Share(met, whole)) for band, met, whole in rows if band]
    return [(str(value), Share(met, whole)) for value, met, whole in rows]


def gaps(connection: psycopg.Connection, bounds: Scope, end: dt.date) -> dict[tuple[str, str], int]:
    """How many residents have each gap open, and how many any, under ('', '')."""
    where, values = within(bounds)
    rows = connection.execute(
        "select i.measure, i.part, count(distinct i.rid) from indicator i"
        " join standing p on p.shard = i.shard and p.rid = i.rid"
        f" where i.ends = %s and i.grade > 0 and {where} group by grouping sets ((i.measure, i.part), ())",
        [end, *values],
    ).fetchall()
    return {(measure or "", part or ""): number for measure, part, number in rows}
