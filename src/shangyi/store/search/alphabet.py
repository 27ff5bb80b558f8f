"""Pages in order of residents' names, along the strings themselves: what is read grows with the page, not with the record.

Of several strings of a resident the least counts in ascending order, the greatest in descending order: the first that the
walk meets. On a later page it may have been met before; whether it was is told by the resource itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from shangyi.store import keys, rows
from shangyi.store.codec import Codec
from shangyi.store.model import Version
from shangyi.store.search import values
from shangyi.store.search.catalogue import catalogue
from shangyi.store.search.path import values as at
from shangyi.store.search.where import Part

WALKED = {("Patient", "name"): "s.type = 103 and (s.tokens[1] & 4194304) = 0"}
"""What may be walked so, and what lacks it: in an index of its own (migration 0005), since it comes first or last."""

MOST = 2_000
"""Strings looked at for a page: where so many are not enough, all are put in order."""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk along the strings of ``asked`` (type and parameter, one of ``WALKED``), past what ``where`` on ``s`` leaves out."""

    connection: psycopg.Connection
    codec: Codec
    asked: tuple[str, str]
    descending: bool
    where: Part

    def rows(self, last: Sequence[Any] | None, limit: int) -> list[Row] | None:
        """The first rows behind ``last`` (string, rid), as ``execute.page`` gives them; None where it would take too long."""
        lacking = last is not None and last[0] == ""
        found: list[Row] = []
        if not self.descending and (last is None or lacking):
            found = self._without(last, limit)
            last = None
        if len(found) < limit and not (self.descending and lacking):
            named = self._named(last, limit - len(found))
            if named is None:
                return None
            found += named
        if self.descending and len(found) < limit:
            found += self._without(last if lacking else None, limit - len(found))
        return found

    def _without(self, last: Sequence[Any] | None, limit: int) -> list[Row]:
        """Those that lack the value, by rid."""
        beyond = "<" if self.descending else ">"
        held = self.where & Part(f"s.rid {beyond} %s", (last[1],)) if last else self.where
        way = "desc" if self.descending else "asc"
        return self.connection.execute(
            f"with c as materialized (select s.rid, s.version from search s where {WALKED[self.asked]} and {held.sql}"
            f" order by s.rid {way} limit %s)"
            f" select {rows.COLUMNS}, c.rid, '', c.rid from c"
            f" join resource r on r.rid = c.rid and r.version = c.version order by c.rid {way}",
            [*held.values, limit],
            prepare=False,
        ).fetchall()

    def _named(self, last: Sequence[Any] | None, limit: int) -> list[Row] | None:
        """Those that have it, by string and rid; None where ``MOST`` strings did not fill the page."""
        found: list[Row] = []
        met: set[int] = set()
        later, size, looked = last is not None, 8 * limit, 0
        while len(found) < limit:
            if looked >= MOST:
                return None
            batch, number, last = self._strings(last, size)
            looked += number
            fresh = []
            for row in batch:
                if row[7] not in met:
                    met.add(row[7])
                    fresh.append(row)
            if later:
                versions = rows.versions(self.codec, self.connection, fresh)
                fresh = [r for r, v in zip(fresh, versions, strict=True) if self._first(v) == r[8]]
            found += fresh
            if number < size:
                break
        return found[:limit]

    def _strings(self, last: Sequence[Any] | None, size: int) -> tuple[list[Row], int, Sequence[Any] | None]:
        """Rows along so many strings; how many there were, and the last of them."""
        way = " desc" if self.descending else ""
        [home] = catalogue(self.asked[0])[self.asked[1]].homes
        walked = Part("x.parameter = %s", (keys.parameter(self.asked[0], home),))
        if last:
            walked &= Part(f"(x.value, x.rid) {'<' if self.descending else '>'} (%s, %s)", tuple(last))
        found = self.connection.execute(
            f"with x as materialized (select x.rid, x.value from search_string x where {walked.sql}"
            f" order by x.value{way}, x.rid{way} limit {size})"
            f" select {rows.COLUMNS}, x.rid, x.value, x.rid from x left join lateral"
            f" (select s.rid, s.version from search s where s.rid = x.rid and {self.where.sql} offset 0) s"
            " on true left join resource r on r.rid = s.rid and r.version = s.version"
            f" order by x.value{way}, x.rid{way}",
            [*walked.values, *self.where.values],
            prepare=False,
        ).fetchall()
        return [row for row in found if row[0] is not None], len(found), found[-1][8:] if found else last

    def _first(self, version: Version) -> str | None:
        """The string that a resource is put in order by."""
        strings = [
            text
            for path in catalogue(self.asked[0])[self.asked[1]].paths
            for value in at(path, version.resource)
            for text in values.strings(value, path.type, path.steps[-1][0])
        ]
        return (max if self.descending else min)(strings, default=None)
