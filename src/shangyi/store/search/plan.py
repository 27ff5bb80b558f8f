"""Which way a page is found: never left to PostgreSQL where a token or a code is asked (docs/decisions/0005).

Each way is a statement of its own under planner settings that leave no other choice:

- a walk of one btree in the order of the page, by code (code, date, rid) or by type (type, date, rid), over at
  most ``WALK`` rows: right where the answer is frequent, and by code always;
- a collection by GIN, sorted afterwards: right where some token is rare.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from shangyi.store import frequency, rows
from shangyi.store.search import date
from shangyi.store.search.conditions import Condition
from shangyi.store.search.index import long
from shangyi.store.search.order import Key, joins
from shangyi.store.types import NUMBERS

WALK = 3000
RARE = 4000
"""A token that so many rows have is collected by GIN within a few milliseconds."""

Row = tuple[Any, ...]
OFF = {"walk": ("bitmapscan", "seqscan"), "collect": ("indexscan", "indexonlyscan", "seqscan")}


@dataclass(frozen=True, slots=True)
class Part:
    """A condition in SQL with its values."""

    sql: str
    values: tuple[Any, ...] = ()

    def __and__(self, other: "Part") -> "Part":
        return Part(f"{self.sql} and {other.sql}", (*self.values, *other.values))


@dataclass(slots=True)
class Plan:
    """A page to find: rows of ``type`` that meet ``where`` (all conditions, scope and cursor), in ``keys`` order."""

    connection: psycopg.Connection
    type: str
    conditions: Sequence[Condition]
    where: Part
    keys: Sequence[Key]
    limit: int
    cursor: Part | None = None

    def rows(self) -> list[Row] | None:
        """The page, or None where PostgreSQL may choose: no token, or an order that no btree has."""
        if not any(c.tokens for c in self.conditions) or any("select" in c.sql for c in self.conditions):
            return None
        often = frequency.estimate(self.connection, [t for c in self.conditions for t in c.tokens])
        walkable = [key.sql for key in self.keys] == ["s.date", "s.rid"] and len(
            {k.descending for k in self.keys}
        ) == 1
        coded = next((c for c in self.conditions if c.code), None) if walkable else None
        others = [c for c in self.conditions if c.tokens and c is not coded]
        least = min((sum(often.get(t, 0) for t in c.tokens) for c in others), default=None)
        if coded is not None and coded.code and (least is None or least > RARE):
            found = self._walk(Part("s.code = %s", (coded.code[0],)))
            if found is not None:
                return self._merge(
                    found, self._collect(Part("s.tokens @> array[%s::bigint]", (coded.code[1],)))
                )
        elif walkable and least is not None and least > RARE:
            found = self._walk(Part("s.type = %s", (NUMBERS[self.type],)))
            if found is not None:
                return found
        return self._collect()

    def _walk(self, base: Part) -> list[Row] | None:
        """The page out of the first ``WALK`` rows of a btree; None where it takes more of them.

        Rows whose main date is very long may start far before a searched range: they are collected apart.
        """
        reach = [c.dates for c in self.conditions if c.dates]
        first, last = (
            max((d[0] for d in reach), default=date.FIRST),
            min((d[1] for d in reach), default=date.LAST),
        )
        bounds = base
        if last < date.LAST:
            bounds &= Part("s.date <= %s", (last,))
        if first > date.FIRST:
            bounds &= Part("s.date >= %s", (first,))
        bounds = bounds & self.cursor if self.cursor else bounds
        columns, sort, out = self._columns(), self._sort(), self._sort("c.")
        found = self._run(
            "walk",
            f"with w as materialized (select s.* from search s where {bounds.sql}"
            f" order by {sort.replace('k0', 's.date').replace('k1', 's.rid')} limit {WALK}),"
            f" c as materialized (select s.rid, s.version, {columns} from w s where {self.where.sql}"
            f" order by {sort} limit %s)"
            f" select {rows.COLUMNS}, c.rid, c.k0, c.k1, (select count(*) from w) from c"
            f" join resource r on r.rid = c.rid and r.version = c.version order by {out}",
            [*bounds.values, *self.where.values, self.limit],
        )
        if len(found) < self.limit and self._more(bounds):
            return None
        found = [row[:-1] for row in found]
        if first > date.FIRST:
            early = Part("s.tokens @> array[%s::bigint] and s.date < %s", (long(self.type), first)) & base
            found = self._merge(found, self._collect(early))
        return found

    def _more(self, bounds: Part) -> bool:
        """Whether the walk stopped before the end of its range."""
        row = self._run(
            "walk", f"select 1 from search s where {bounds.sql} offset {WALK} limit 1", list(bounds.values)
        )
        return bool(row)

    def _collect(self, further: Part | None = None) -> list[Row]:
        """The page out of all rows that have the tokens, by GIN."""
        where = further & self.where if further else self.where
        joined, join_values = joins(self.keys)
        return self._run(
            "collect",
            f"with c as materialized (select s.rid, s.version, {self._columns()} from search s {joined}"
            f" where {where.sql} order by {self._sort()} limit %s)"
            f" select {rows.COLUMNS}, c.rid, {', '.join(f'c.k{i}' for i in range(len(self.keys)))} from c"
            f" join resource r on r.rid = c.rid and r.version = c.version order by {self._sort('c.')}",
            [*join_values, *where.values, self.limit],
        )

    def _columns(self) -> str:
        return ", ".join(f"{key.sql} as k{i}" for i, key in enumerate(self.keys))

    def _sort(self, prefix: str = "") -> str:
        return ", ".join(
            f"{prefix}k{i}{' desc' if key.descending else ''}" for i, key in enumerate(self.keys)
        )

    def _merge(self, one: list[Row], other: list[Row]) -> list[Row]:
        """Two pages in the order of date and rid as one, each row once."""
        if not other:
            return one
        unique = {row[7]: row for row in (*one, *other)}
        down = self.keys[0].descending
        return sorted(unique.values(), key=lambda row: row[8:10], reverse=down)[: self.limit]

    def _run(self, way: str, sql: str, values: Sequence[Any]) -> list[Row]:
        self._planner(way, "off")
        found = self.connection.execute(sql, values).fetchall()
        self._planner(way, "on")
        return found

    def _planner(self, way: str, state: str) -> None:
        settings = ", ".join(f"set_config('enable_{name}', '{state}', true)" for name in OFF[way])
        self.connection.execute(f"select {settings}")
