"""Figures over the residents that a scope holds, by set-based SQL over the search rows; no row leaves here.

Bodies are read only where a figure needs an element that no search row holds, streamed in chunks.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from shangyi.store import keys, scope
from shangyi.store.codec import Codec
from shangyi.store.model import Scope
from shangyi.store.types import NUMBERS

CHUNK = 2000


def bodies(
    connection: psycopg.Connection, codec: Codec, where: str, values: Sequence[Any]
) -> Iterator[tuple[int, bytes]]:
    """(rid, JSON without type and id) of the current resources that a condition on ``search s`` finds."""
    with connection.cursor(name="statistics") as cursor:
        cursor.itersize = CHUNK
        cursor.execute(
            "select r.rid, r.coding, r.body from search s join resource r"
            f" on r.rid = s.rid and r.version = s.version and r.shard = s.shard where {where}",
            values,
        )
        for rid, coding, body in cursor:
            if not codec.knows(coding):
                codec.load(connection)
            yield rid, codec.unpack(coding, body)


def per_day(
    connection: psycopg.Connection, type: str, first: date, last: date, bounds: Scope
) -> list[tuple[date, int]]:
    """How many resources of a type have their main date on each day (UTC+8), days without any included."""
    where, values = scope.condition(bounds)
    start = keys.microseconds(datetime.fromisoformat(f"{first}T00:00:00+08:00"))
    day_us = 86_400_000_000
    rows = connection.execute(
        f"select (s.date - %s) / {day_us}, count(*) from search s"
        f" where s.type = %s and s.date >= %s and s.date < %s and {where} group by 1",
        [start, NUMBERS[type], start, start + ((last - first).days + 1) * day_us, *values],
    ).fetchall()
    counts = Counter({int(day): count for day, count in rows})
    return [(first + timedelta(days=i), counts[i]) for i in range((last - first).days + 1)]
