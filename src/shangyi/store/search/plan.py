"""Which way a page is found (docs/decisions/0005): the shape of each statement leaves PostgreSQL no bad choice.

- A walk goes along one btree in the order of the page, by code (code, date, rid) or by type (type, date, rid), and stops
  when the page is full. It is right where the answer is frequent, and by code always; it ends after ``LONG`` rows.
- A collection takes all rows that have the tokens, by GIN, and sorts them: right where some token is rare.
- For a reader of a small area: all that its residents have, where a walk met too little of theirs.
- By last update: along the versions of the type.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import psycopg

from shangyi.store import frequency, keys, rows
from shangyi.store.model import EVERYTHING, Scope
from shangyi.store.scope import PUBLIC
from shangyi.store.search import date
from shangyi.store.search.conditions import Condition
from shangyi.store.search.index import long
from shangyi.store.search.order import UPDATED, Key, ordered
from shangyi.store.search.seen import GATHERED, Seen, seen
from shangyi.store.search.where import Part, where_of
from shangyi.store.types import NUMBERS

SHORT, LONG = 3_000, 30_000
"""So many rows are walked at most; the greater number where a collection would cost more than it does."""
RARE, OFTEN = 4_000, 20_000
"""A token that RARE rows have is collected in about 10 ms; one that more than OFTEN have costs more than the long walk."""
PROBED = 500
"""So many rows are asked at most whether something refers to them: a resident's resources are looked through for it."""
OF_A_RESIDENT = 150
"""Resources of a type that a resident has, generously: what there is to collect of an area."""
BY_INDEX = 5
"""So many rows are walked in an index alone while one of the table is read."""

WALKED = "s.rid, s.version, s.date as k0, s.rid as k1"
NARROW = "s.rid in (select x."
"""How a condition by a narrow table begins."""

Row = tuple[Any, ...]


@dataclass
class Plan:
    """A page to find: rows of ``type`` that meet ``where`` (all conditions) within ``bounds``, in ``keys`` order.

    ``cursor`` says behind ``last``, the sort values of the row before the page. ``frequent``: many rows of a narrow table
    meet a condition, and the first candidates did not.
    """

    connection: psycopg.Connection
    type: str
    conditions: Sequence[Condition]
    where: Part
    keys: Sequence[Key]
    limit: int
    bounds: Scope
    cursor: Part | None = None
    last: Sequence[Any] | None = None
    frequent: bool = False

    @cached_property
    def seen(self) -> Seen:
        """What bounds the reader."""
        return seen(self.connection, self.bounds)

    @cached_property
    def _held(self) -> Part:
        """All that a row has to meet."""
        held = self.where & self.seen.row
        return held & self.cursor if self.cursor else held

    @cached_property
    def often(self) -> Mapping[int, int]:
        """How often the tokens are; those that are rare are not there."""
        tokens = [t for c in self.conditions for t in c.tokens]
        return frequency.estimate(self.connection, tokens) if tokens else {}

    @cached_property
    def coded(self) -> Condition | None:
        """The condition on the primary code."""
        return next((c for c in self.conditions if c.code), None)

    def rows(self) -> list[Row] | None:
        """The page, or None where PostgreSQL may choose: nothing that a plan could start from."""
        asked = self._probing()
        if self._nested and self._of_them() <= OFTEN:
            return (asked or self)._of_residents()
        if asked is not None and self._by_date and self._much_refers():
            found = asked._walk(PROBED)
            if found is not None:
                return found
        numbers = [self._number(c) for c in self.conditions if c.tokens]
        least = min(numbers, default=None)
        if least is not None and least <= RARE and not self._walks_code(numbers):
            return self._collect()
        found = self._along(least)
        if found is not None or self._nested:
            return found
        if self._fewer_of_residents(least):
            return self._of_residents()
        return self._collect() if least is not None else None

    def _probing(self) -> "Plan | None":
        """The plan with what refers to a row asked row by row."""
        probes = [c.probe for c in self.conditions if c.probe]
        tokens = [t for probe in probes for t in probe.tokens]
        if (
            not probes
            or not self._by_date
            or sum(frequency.estimate(self.connection, tokens).values()) <= RARE
        ):
            return None
        conditions = [Condition(c.probe.sql, c.probe.values) if c.probe else c for c in self.conditions]
        where = Part.of(where_of([self.type], conditions, EVERYTHING))
        return replace(self, conditions=conditions, where=where)

    def _much_refers(self) -> bool:
        """Whether there is too much of what refers to the rows to be gathered."""
        tokens = [t for c in self.conditions if c.probe for t in c.probe.tokens]
        return sum(frequency.estimate(self.connection, tokens).values()) > RARE

    def _walks_code(self, numbers: Sequence[int]) -> bool:
        """Whether the code is rarer than all else: then its btree is walked, and no more than the page is read."""
        if self.coded is None or not self._by_date or self._nested:
            return False
        own = self._number(self.coded)
        return min(numbers) == own and numbers.count(own) == 1

    @property
    def _nested(self) -> bool:
        """Whether a condition asks another table, or other rows."""
        return any("select" in c.sql for c in self.conditions)

    def _number(self, condition: Condition) -> int:
        return sum(self.often.get(token, 0) for token in condition.tokens)

    @property
    def _by_date(self) -> bool:
        """Whether the page is in an order that the btrees have."""
        return [key.sql for key in self.keys] == ["s.date", "s.rid"] and self._one_way

    @property
    def _one_way(self) -> bool:
        return len({key.descending for key in self.keys}) == 1

    def _along(self, least: int | None) -> list[Row] | None:
        """The page by a walk in its order; None where there is no such order, or the walk would be too long."""
        if any(c.sql.startswith("s.rid = ") for c in self.conditions):
            return None  # a few rows by their keys
        if any(
            c.sql.startswith(NARROW) for c in self.conditions
        ):  # few, by the narrow tables; else they are a filter
            return self._walk(LONG) if self.frequent and self._by_date else None
        if self._by_date:
            if self._nested:
                return self._walk(SHORT)
            alone = self.coded is not None and least == self._number(self.coded)
            return self._walk(LONG if alone or least is None or least > OFTEN else SHORT)
        if [key.sql for key in self.keys] == [UPDATED, "s.rid"] and self._one_way:
            return self._by_update()
        return None

    def _walk(self, length: int) -> list[Row] | None:
        """The page out of so many rows along (code, date, rid) or (type, date, rid); None where it takes more.

        Rows that have the code as a further coding have a token that says so, and rows whose main date is so long that
        it may start far before a searched range have one too: both are collected and merged in.
        """
        code = self.coded.code if self.coded else None
        base = Part("s.code = %s", (code[0],)) if code else Part("s.type = %s", (NUMBERS[self.type],))
        first, last = self._reach()
        bounds, apart = base, []
        if last < date.LAST:
            bounds &= Part("s.date <= %s", (last,))
        if first > date.FIRST:
            bounds &= Part("s.date >= %s", (first,))
            apart.append(
                Part("s.tokens @> array[%s::bigint] and s.date < %s", (long(self.type), first)) & base
            )
        if code:
            apart.append(Part("s.tokens @> array[%s::bigint]", (code[1],)))
        if self.cursor:
            bounds &= self.cursor
        if self.seen.first or self.frequent:
            length *= BY_INDEX
        found = self._walked(bounds, length, apart)
        walked = found[0][-1] if found else 0
        if walked < self.limit and not self._ends(bounds, length):
            return None
        return [row[:-1] for row in found]

    def _reach(self) -> tuple[int, int]:
        """Between which instants the main date of a row has to begin, but for long ones."""
        reach = [c.dates for c in self.conditions if c.dates]
        return max((d[0] for d in reach), default=date.FIRST), min((d[1] for d in reach), default=date.LAST)

    def _walked(self, bounds: Part, length: int, apart: Sequence[Part]) -> list[Row]:
        """The page out of the first ``length`` rows within ``bounds``, and how many of it the walk gave.

        What the index alone can tell is asked first, so that the rows of others are not read: whose a row is, and
        whether it is among those that a narrow table gives.
        """
        narrow = [c for c in self.conditions if c.sql.startswith(NARROW)]
        chosen = [
            Part(f"chosen{i} as materialized ({c.sql.removeprefix('s.rid in (')[:-1]})", c.values)
            for i, c in enumerate(narrow)
        ]
        tests = [
            Part(f"case when x.rid in (select rid from chosen{i}) then true end") for i in range(len(chosen))
        ]
        # what asks other rows must not be asked anew for each row of the walk
        if self.seen.resident and (chosen or not any(" in (select " in c.sql for c in self.conditions)):
            whose = self.seen.resident
            tests.append(Part(f"(x.patient = 0 or {whose.sql.format('x.patient')})", whose.values))
        held = self._held
        if chosen:
            others = [c for c in self.conditions if c not in narrow]
            held = Part.of(where_of([self.type], others, EVERYTHING)) & self.seen.row
        walk = self._by_index(bounds, length, held, tests) if tests else Part(
            f"select {WALKED} from (select s.* from search s where {bounds.sql}"
            f" order by {self._sort('s.date', 's.rid')} limit {length}) s where {held.sql}",
            (*bounds.values, *held.values),
        )  # fmt: skip
        among = "".join(f" and s.rid in (select rid from chosen{i})" for i in range(len(chosen)))
        merged, values = "", [*(v for c in chosen for v in c.values), *walk.values, self.limit]
        for part in apart:
            both = part & held
            both = both & self.cursor if self.cursor else both
            merged += f" union all select {WALKED} from search s where {both.sql}{among}"
            values += both.values
        return self._run(
            f"{''.join(f'{c.sql}, ' for c in chosen)}w as materialized ({walk.sql} order by {self._sort()} limit %s),"
            f" c as materialized (select * from w{merged} order by {self._sort()} limit %s)"
            f" select {rows.COLUMNS}, c.rid, c.k0, c.k1, (select count(*) from w) from c"
            f" join resource r on r.rid = c.rid and r.version = c.version order by {self._sort('c.k0', 'c.k1')}",
            [*values, self.limit],
        )

    def _by_index(self, bounds: Part, length: int, held: Part, tests: Sequence[Part]) -> Part:
        """The walk in the index alone, on columns of ``x``; only the rows that pass are read."""
        passing = tests[0]
        for test in tests[1:]:
            passing &= test
        return Part(
            f"select s.rid, s.version, x.date as k0, x.rid as k1 from (select s.rid, s.date, s.patient from search s"
            f" where {bounds.sql} order by {self._sort('s.date', 's.rid')} limit {length}) x"
            f" cross join lateral (select s.rid, s.version from search s where s.rid = x.rid and {held.sql} offset 0) s"
            f" where {passing.sql}",
            (*bounds.values, *held.values, *passing.values),
        )

    def _ends(self, bounds: Part, length: int) -> bool:
        """Whether the range within ``bounds`` has no more than ``length`` rows."""
        return not self._run(
            f"x as (select 1 from search s where {bounds.sql} order by {self._sort('s.date', 's.rid')}"
            f" offset {length} limit 1) select * from x",
            bounds.values,
        )

    def _by_update(self) -> list[Row] | None:
        """The page out of the versions of the type written last (or first), or None where it takes more of them."""
        down = self.keys[0].descending
        base = Part("r.type = %s", (NUMBERS[self.type],))
        if self.last:
            instant = keys.instant((self.last[0] + (1 if down else 0)) * 1000)
            base &= Part(f"r.updated {'<' if down else '>='} %s", (instant,))
        edge = self._run(
            f"x as (select r.updated from resource r where {base.sql} order by r.updated{' desc' if down else ''}"
            f" offset {SHORT} limit 1) select * from x",
            base.values,
        )
        if edge:  # and all that were written in the same instant
            base &= Part(f"r.updated {'>=' if down else '<='} %s", (edge[0][0],))
        # put in order before the rows of search are looked for: a load writes thousands in one instant
        written = UPDATED.replace("s.", "r.")
        held = self._held
        found = self._bodies(
            Part(
                f"select s.rid, s.version, r.k0, r.rid as k1 from (select r.rid, r.version, {written} as k0"
                f" from resource r where {base.sql} order by {self._sort('k0', 'r.rid')} offset 0) r"
                " cross join lateral (select s.rid, s.version from search s"
                f" where s.rid = r.rid and s.version = r.version and {held.sql} offset 0) s",
                (*base.values, *held.values),
            )
        )
        return found if len(found) >= self.limit or not edge else None

    def _collect(self) -> list[Row]:
        """The page out of all rows that have the rarest tokens, by GIN; what is frequent is looked at in the rows."""
        counts = [(self._number(c), c) for c in self.conditions if c.tokens]
        most = max(RARE // 10, 10 * min(n for n, _ in counts))
        rare = [c for n, c in counts if n <= most]
        return self._page(Part(
            f"select s.* from search s where {' and '.join(c.sql for c in rare)}",
            tuple(v for c in rare for v in c.values),
        ))  # fmt: skip

    def _fewer_of_residents(self, least: int | None) -> bool:
        """Whether the residents seen have less than there is with the rarest token."""
        number = self._of_them()
        return number < (sys.maxsize if least is None else least)

    def _of_them(self) -> int:
        """How many rows the residents seen may have, where they are few and what is of nobody has a place."""
        if self.seen.few is None or self.type in PUBLIC or self.type in self.bounds.shared:
            return sys.maxsize
        return self.seen.few * (1 if self.type == "Patient" else OF_A_RESIDENT)

    def _of_residents(self) -> list[Row]:
        """The page out of all that the residents seen have, and of what is of none but has its own area."""
        assert self.bounds.area is not None
        first, last = self._reach()
        short = Part("s.type = %s and s.date <= %s", (NUMBERS[self.type], last))
        if first > date.FIRST:
            short &= Part(
                "(s.date >= %s or s.date <> %s and s.tokens @> array[%s::bigint])",
                (first, keys.NO_DATE, long(self.type)),
            )
        none = Part("s.patient = 0 and s.area between %s and %s", self.bounds.area) & short
        return self._page(Part(
            f"select s.* from {GATHERED} p cross join lateral"
            f" (select s.* from search s where s.patient = p.rid and s.patient <> 0 and {short.sql} offset 0) s"
            f" union all select s.* from search s where {none.sql}",
            (*short.values, *none.values),
        ))  # fmt: skip

    def _page(self, source: Part) -> list[Row]:
        """The first of all rows of ``search`` in ``source`` that meet the conditions: put in order, then who may see
        them is asked until the page is full."""
        # offset 0: PostgreSQL must not guess that it finds the page sooner by walking some index in its order
        rows_ = Part(f"select s.* from ({source.sql} offset 0) s where {self.where.sql} offset 0",
                     (*source.values, *self.where.values))  # fmt: skip
        found = ordered(self.keys, rows_, self.cursor, ", s.patient, s.area, s.type")
        return self._bodies(Part(
            f"select s.rid, s.version, {self._names('s')} from (select * from ({found.sql}) s"
            f" order by {self._sort(*self._names().split(', '))} offset 0) s where {self.seen.row.sql}",
            (*found.values, *self.seen.row.values),
        ))  # fmt: skip

    def _bodies(self, found: Part) -> list[Row]:
        """The first of what is found (rid, version, and the sort values k0 …) in order: bodies are read for the page
        only."""
        names = self._names().split(", ")
        return self._run(
            f"c as materialized ({found.sql} order by {self._sort(*names)} limit %s)"
            f" select {rows.COLUMNS}, c.rid, {self._names('c')} from c"
            f" join resource r on r.rid = c.rid and r.version = c.version"
            f" order by {self._sort(*(f'c.{name}' for name in names))}",
            [*found.values, self.limit],
        )

    def _names(self, table: str = "") -> str:
        """``k0, k1 …``, of a table."""
        return ", ".join(f"{table}.k{i}" if table else f"k{i}" for i in range(len(self.keys)))

    def _sort(self, *columns: str) -> str:
        """``order by`` these columns, k0 and k1 where none are named, in the directions of the keys."""
        named = columns or ("k0", "k1")
        return ", ".join(
            f"{column}{' desc' if key.descending else ''}"
            for column, key in zip(named, self.keys, strict=True)
        )

    def _run(self, sql: str, values: Sequence[Any]) -> list[Row]:
        """A statement that begins with its common tables, before which the residents seen are gathered."""
        first = self.seen.first
        if first and GATHERED in sql:
            sql, values = f"{first.sql}, {sql}", [*first.values, *values]
        # never prepared: a plan made for any value would not know how frequent these are
        return self.connection.execute(f"with {sql}", values, prepare=False).fetchall()
