"""What bounds the reader, as the plans of a search need it: apart from the conditions, and with few residents gathered.

Most of what is in order is not the reader's where the area is small: a walk has to ask of thousands of rows whose they
are. Of few residents that is asked of a hash table, which a statement makes once; of many, row by row, since then the
page is soon full.
"""

from dataclasses import dataclass, replace
from typing import Any

import psycopg

from shangyi.store import scope
from shangyi.store.model import Scope
from shangyi.store.search.where import Part

FEW = 2_000
"""So many residents are gathered in a millisecond; each asked about singly takes 2.5 µs."""

GATHERED = "residents"


@dataclass(frozen=True, slots=True)
class Seen:
    """``row``: the bounds on a row ``s`` of ``search``; ``resident``: those on a resident's rid, where there is one.

    ``first``: what the statement must begin with (``with residents as …``), empty where nothing is gathered.
    ``few``: how many residents were found to be few.
    """

    row: Part
    resident: Part | None = None
    first: Part | None = None
    few: int | None = None


def seen(connection: psycopg.Connection, bounds: Scope) -> Seen:
    """The bounds of area and panel; what types may be seen is decided before."""
    bounds = replace(bounds, types=None)
    if bounds.area is None or bounds.panel is not None:
        return Seen(Part.of(scope.condition(bounds)))
    number = _number(connection, bounds.area)
    if number <= FEW:
        first = f"{GATHERED} as materialized (select p.rid from search p where p.area between %s and %s)"
        return Seen(
            *_asked(bounds, Part(f"{{}} in (select rid from {GATHERED})")), Part(first, bounds.area), number
        )
    # offset 0: PostgreSQL must not gather them after all
    singly = "exists (select from search p where p.rid = {} and p.area between %s and %s offset 0)"
    return Seen(*_asked(bounds, Part(singly, bounds.area)))


def _asked(bounds: Scope, resident: Part) -> tuple[Part, Part]:
    return Part.of(scope.condition(bounds, resident=(resident.sql, list(resident.values)))), resident


def _number(connection: psycopg.Connection, area: tuple[int, int]) -> int:
    """How many live there, or one more than few."""
    row: tuple[Any, ...] | None = connection.execute(
        "select count(*) from (select from search p where p.area between %s and %s limit %s) x",
        [*area, FEW + 1],
    ).fetchone()
    return row[0] if row else 0
