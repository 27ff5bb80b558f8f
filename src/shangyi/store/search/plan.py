"""Which way a page is found (docs/decisions/0005): the shape of each statement leaves PostgreSQL no bad choice.

- A walk goes along one btree in the order of the page, by code (code, date, rid) or by type (type, date, rid), and stops
  when the page is full. It is right where the answer is frequent, and by code always; it ends after ``LONG`` rows.
- A collection takes all rows that have the tokens, by GIN, and sorts them: right where some token is rare.
- By last update: along the versions of the type.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from shangyi.store import frequency, keys, rows
from shangyi.store.search import date
from shangyi.store.search.conditions import Condition
from shangyi.store.search.index import long
from shangyi.store.search.order import UPDATED, Key, joins
from shangyi.store.types import NUMBERS

SHORT, LONG = 3_000, 30_000
"""So many rows are walked at most; the greater number where a collection would cost more than it does."""
RARE, OFTEN = 4_000, 20_000
"""A token that RARE rows have is collected in about 10 ms; one that more than OFTEN have costs more than the long walk."""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A condition in SQL with its values."""

    sql: str
    values: tuple[Any, ...] = ()

    def __and__(self, other: "Part") -> "Part":
        return Part(f"{self.sql} and {other.sql}", (*self.values, *other.values))


@dataclass(slots=True)
class Plan:
    """A page to find: rows of ``type`` that meet ``where`` (all conditions, scope and cursor), in ``keys`` order.

    ``cursor`` is the part of ``where`` that says behind ``last``, the sort values of the row before the page.
    """

    connection: psycopg.Connection
    type: str
    conditions: Sequence[Condition]
    where: Part
    keys: Sequence[Key]
    limit: int
    cursor: Part | None = None
    last: Sequence[Any] | None = None

    def rows(self) -> list[Row] | None:
        """The page, or None where PostgreSQL may choose: nothing that a plan could start from."""
        tokens = [t for c in self.conditions for t in c.tokens]
        often = frequency.estimate(self.connection, tokens) if tokens else {}
        least = min(
            (sum(often.get(t, 0) for t in c.tokens) for c in self.conditions if c.tokens), default=None
        )
        if least is not None and least <= RARE:
            return self._collect(often)
        found = self._along(least)
        if found is None and least is not None and not any("select" in c.sql for c in self.conditions):
            found = self._collect(often)
        return found

    def _along(self, least: int | None) -> list[Row] | None:
        """The page by a walk in its order; None where there is no such order, or the walk would be too long."""
        if any(c.sql.startswith(("s.rid = ", "s.rid in (select x.")) for c in self.conditions):
            return None  # a few rows by their keys, or by the narrow tables
        order = [key.sql for key in self.keys]
        if len({key.descending for key in self.keys}) > 1:
            return None
        if order == ["s.date", "s.rid"]:
            longer = least is None or least > OFTEN
            return self._walk(
                LONG if longer and not any("select" in c.sql for c in self.conditions) else SHORT
            )
        if order == [UPDATED, "s.rid"]:
            return self._by_update()
        return None

    def _walk(self, length: int) -> list[Row] | None:
        """The page out of so many rows along (code, date, rid) or (type, date, rid); None where it takes more.

        Rows that have the code as a further coding have a token that says so, and rows whose main date is so long that
        it may start far before a searched range have one too: both are collected and merged in.
        """
        coded = next((c.code for c in self.conditions if c.code), None)
        base = Part("s.code = %s", (coded[0],)) if coded else Part("s.type = %s", (NUMBERS[self.type],))
        reach = [c.dates for c in self.conditions if c.dates]
        first = max((d[0] for d in reach), default=date.FIRST)
        last = min((d[1] for d in reach), default=date.LAST)
        bounds, apart = base, []
        if last < date.LAST:
            bounds &= Part("s.date <= %s", (last,))
        if first > date.FIRST:
            bounds &= Part("s.date >= %s", (first,))
            apart.append(
                Part("s.tokens @> array[%s::bigint] and s.date < %s", (long(self.type), first)) & base
            )
        if coded:
            apart.append(Part("s.tokens @> array[%s::bigint]", (coded[1],)))
        if self.cursor:
            bounds &= self.cursor
        found = self._walked(bounds, length, apart)
        walked = found[0][-1] if found else 0
        if walked < self.limit and not self._ends(bounds, length):
            return None
        return [row[:-1] for row in found]

    def _walked(self, bounds: Part, length: int, apart: Sequence[Part]) -> list[Row]:
        """The page out of the first ``length`` rows within ``bounds``, and how many of it the walk gave."""
        columns, sort = "s.rid, s.version, s.date as k0, s.rid as k1", self._sort("s.date", "s.rid")
        walk = (
            f"select {columns} from (select s.* from search s where {bounds.sql} order by {sort} limit {length}) s"
            f" where {self.where.sql} order by {sort} limit %s"
        )
        values = [*bounds.values, *self.where.values, self.limit]
        others = ""
        for part in apart:
            both = part & self.where
            others += f" union all select {columns} from search s where {both.sql}"
            values += both.values
        sql = (
            f"with w as materialized ({walk}),"
            f" c as materialized (select * from w{others} order by {self._sort()} limit %s)"
            f" select {rows.COLUMNS}, c.rid, c.k0, c.k1, (select count(*) from w) from c"
            f" join resource r on r.rid = c.rid and r.version = c.version order by {self._sort('c.k0', 'c.k1')}"
        )
        return self._run(sql, [*values, self.limit])

    def _ends(self, bounds: Part, length: int) -> bool:
        """Whether the range within ``bounds`` has no more than ``length`` rows."""
        sort = self._sort("s.date", "s.rid")
        sql = f"select 1 from search s where {bounds.sql} order by {sort} offset {length} limit 1"
        return not self._run(sql, bounds.values)

    def _by_update(self) -> list[Row] | None:
        """The page out of the versions of the type written last (or first), or None where it takes more of them."""
        down = self.keys[0].descending
        base = Part("r.type = %s", (NUMBERS[self.type],))
        if self.last:
            instant = keys.instant((self.last[0] + (1 if down else 0)) * 1000)
            base &= Part(f"r.updated {'<' if down else '>='} %s", (instant,))
        edge = self._run(
            f"select r.updated from resource r where {base.sql} order by r.updated{' desc' if down else ''}"
            f" offset {SHORT} limit 1",
            base.values,
        )
        if edge:  # and all that were written in the same instant
            base &= Part(f"r.updated {'>=' if down else '<='} %s", (edge[0][0],))
        found = self._page(
            "resource r join search s on s.rid = r.rid and s.version = r.version",
            base & self.where,
            [],
            self.keys,
        )
        return found if len(found) >= self.limit or not edge else None

    def _collect(self, often: Mapping[int, int]) -> list[Row]:
        """The page out of all rows that have the rarest tokens, by GIN; what is frequent is looked at in the rows."""
        counts = [(sum(often.get(t, 0) for t in c.tokens), c) for c in self.conditions if c.tokens]
        most = max(RARE // 10, 10 * min(n for n, _ in counts))
        rare = [c for n, c in counts if n <= most]
        start = Part(" and ".join(c.sql for c in rare), tuple(v for c in rare for v in c.values))
        joined, values = joins(self.keys)
        source = f"(select s.* from search s where {start.sql} offset 0) s {joined}"
        return self._page(source, self.where, [*start.values, *values], self.keys)

    def _page(self, source: str, where: Part, join_values: Sequence[Any], keys_: Sequence[Key]) -> list[Row]:
        """The first rows of all that a condition finds: found first, then sorted, bodies read for the page only."""
        columns = ", ".join(f"{key.sql} as k{i}" for i, key in enumerate(keys_))
        names = [f"k{i}" for i in range(len(keys_))]
        # offset 0: PostgreSQL must not guess that it finds the page sooner by walking some index in its order
        return self._run(
            f"with c as materialized (select * from (select s.rid, s.version, {columns} from {source}"
            f" where {where.sql} offset 0) s order by {self._sort(*names)} limit %s)"
            f" select {rows.COLUMNS}, c.rid, {', '.join(f'c.{name}' for name in names)} from c"
            f" join resource r on r.rid = c.rid and r.version = c.version"
            f" order by {self._sort(*(f'c.{name}' for name in names))}",
            [*join_values, *where.values, self.limit],
        )

    def _sort(self, *columns: str) -> str:
        """``order by`` these columns, k0 and k1 where none are named, in the directions of the keys."""
        named = columns or ("k0", "k1")
        return ", ".join(
            f"{column}{' desc' if key.descending else ''}"
            for column, key in zip(named, self.keys, strict=True)
        )

    def _run(self, sql: str, values: Sequence[Any]) -> list[Row]:
        # never prepared: a plan made for any value would not know how frequent these are
        return self.connection.execute(sql, values, prepare=False).fetchall()
