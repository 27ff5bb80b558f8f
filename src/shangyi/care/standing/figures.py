"""Figures over the standing of a scope: how many hold a state on which day, by place, by age. No person leaves here."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from shangyi.care.standing.people import within
from shangyi.store import keys
from shangyi.store.codec import Codec
from shangyi.store.model import Scope
from shangyi.store.statistics import bodies
from shangyi.store.types import NUMBERS

BAND_YEARS, LAST_BAND = 5, 85
COUNTY, TOWN, VILLAGE = 10**6, 10**3, 1
"""What a 12-digit division code is divided by to cut it to 6, 9 or 12 digits."""


@dataclass(frozen=True, slots=True)
class Place:
    """A division with its residents, and how many of them hold each state."""

    code: int
    residents: int
    holding: dict[str, int]


def residents(connection: psycopg.Connection, bounds: Scope) -> int:
    """How many living residents."""
    where, values = within(bounds)
    row = connection.execute(f"select count(*) from standing p where {where}", values).fetchone()
    return int(row[0]) if row else 0


def pyramid(connection: psycopg.Connection, bounds: Scope, today: dt.date) -> list[tuple[int, int, int]]:
    """(first age of the band, male, female), youngest first; the last band is open."""
    where, values = within(bounds)
    rows = connection.execute(
        f"select least(date_part('year', age(%s::date, p.born))::int / {BAND_YEARS} * {BAND_YEARS}, {LAST_BAND}), p.sex::text, count(*)"
        f" from standing p where p.born <= %s and {where} group by 1, 2",
        [today, today, *values],
    ).fetchall()
    counts = {(band, sex): number for band, sex, number in rows}
    bands = range(0, LAST_BAND + 1, BAND_YEARS)
    return [(band, counts.get((band, "m"), 0), counts.get((band, "f"), 0)) for band in bands]


def holding(
    connection: psycopg.Connection, bounds: Scope, states: Sequence[str], days: Sequence[dt.date]
) -> dict[str, list[int]]:
    """Residents who hold each state, on each of these days."""
    where, values = within(bounds)
    rows = connection.execute(
        "select t.state, d.day, count(distinct t.rid) from standing_state t"
        " join standing p on p.shard = t.shard and p.rid = t.rid"
        " join unnest(%s::date[]) d(day) on t.begins <= d.day and d.day < t.ends"
        f" where t.state = any(%s) and t.ends > %s and {where} group by 1, 2",
        [list(days), list(states), min(days), *values],
    ).fetchall()
    found = {state: [0] * len(days) for state in states}
    at = {day: number for number, day in enumerate(days)}
    for state, day, number in rows:
        found[state][at[day]] = number
    return found


def by_place(
    connection: psycopg.Connection, bounds: Scope, states: Sequence[str], today: dt.date, unit: int
) -> list[Place]:
    """Residents and holders of each state by division (``TOWN`` or ``VILLAGE``), by code."""
    where, values = within(bounds)
    people = connection.execute(
        f"select p.area / {unit}, count(*) from standing p where p.area > 0 and {where} group by 1 order by 1",
        values,
    ).fetchall()
    rows = connection.execute(
        f"select p.area / {unit}, t.state, count(distinct t.rid) from standing_state t"
        " join standing p on p.shard = t.shard and p.rid = t.rid"
        f" where t.state = any(%s) and t.begins <= %s and %s < t.ends and p.area > 0 and {where} group by 1, 2",
        [list(states), today, today, *values],
    ).fetchall()
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for code, state, number in rows:
        found[code][state] = number
    return [Place(code * unit, number, {s: found[code].get(s, 0) for s in states}) for code, number in people]


def commonest(
    connection: psycopg.Connection, bounds: Scope, prefix: str, today: dt.date, most: int
) -> list[tuple[str, dict[str, str], int]]:
    """(state, coding, residents) of the commonest states that begin so (``problem:``, ``illness:``)."""
    where, values = within(bounds)
    return connection.execute(
        "select t.state, min(t.facts::text)::jsonb, count(distinct t.rid) from standing_state t"
        " join standing p on p.shard = t.shard and p.rid = t.rid"
        " where t.state >= %s and t.state < %s and t.begins <= %s and %s < t.ends"
        f" and {where} group by t.state order by 3 desc, 1 limit %s",
        [prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1), today, today, *values, most],
    ).fetchall()


@dataclass(frozen=True, slots=True)
class Reports:
    """Notifiable-case reports of one disease: ``weeks`` counts, oldest first; ``year_ago``: the same weeks a year before."""

    code: str
    display: str
    weeks: list[int]
    year_ago: list[int]


CASE = keys.token(
    "Condition", "category", "https://shangyi.dev/fhir/CodeSystem/condition-category|notifiable-case"
)
WEEK_US = 7 * 86_400_000_000


def reports(
    connection: psycopg.Connection, codec: Codec, bounds: Scope, until: dt.datetime, weeks: int
) -> list[Reports]:
    """Reports by disease in the ``weeks`` before ``until`` (by the day of diagnosis), the most first."""
    import msgspec

    from shangyi.store import scope

    where, values = scope.condition(bounds)
    end = keys.microseconds(until)
    year = 52 * WEEK_US
    rows = connection.execute(
        f"select s.code, (%s - s.date) / {WEEK_US}, count(*), min(s.rid) from search s"
        " where s.type = %s and s.code <> 0 and s.tokens @> array[%s::bigint] and s.date < %s"
        f" and (s.date >= %s or (s.date >= %s and s.date < %s)) and {where} group by 1, 2",
        [
            end - 1, NUMBERS["Condition"], CASE, end, end - weeks * WEEK_US,
            end - year - weeks * WEEK_US, end - year, *values,
        ],
    ).fetchall()  # fmt: skip
    counts: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([0] * weeks, [0] * weeks))
    sample: dict[int, int] = {}
    for code, back, number, rid in rows:
        now, before = counts[code]
        if back < weeks:
            now[weeks - 1 - back] = number
        elif 0 <= weeks - 1 - (back - 52) < weeks:
            before[weeks - 1 - (back - 52)] = number
        sample[code] = rid
    words = {
        rid: msgspec.json.decode(body).get("code", {})
        for rid, body in bodies(connection, codec, "s.rid = any(%s)", [list(sample.values())])
    }
    found = []
    for code, (now, before) in counts.items():
        concept = words.get(sample[code], {})
        coding: dict[str, str] = next(iter(concept.get("coding", ())), {})
        found.append(
            Reports(coding.get("code", ""), concept.get("text") or coding.get("display", ""), now, before)
        )
    return sorted(found, key=lambda r: (-sum(r.weeks), r.code))
