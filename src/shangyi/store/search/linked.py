"""What a condition asks of the record while it is made: linked resources, units in use, value sets."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any

import psycopg

from shangyi.errors import NotSupported
from shangyi.store import keys, rows
from shangyi.store.codec import Codec
from shangyi.store.model import Scope, Version
from shangyi.store.search import units, value_sets
from shangyi.store.search.conditions import Condition, any_token
from shangyi.store.search.units import Unit
from shangyi.store.search.where import where_of

BATCH, MOST = 500, 200_000
"""Resources read at a time, and in all where each has to be read to decide."""


def meeting(conditions: Sequence[Condition], versions: Sequence[Version]) -> list[bool]:
    """Which of these, found by SQL, meet all conditions that only the resources can tell."""
    kept = [True] * len(versions)
    for condition in conditions:
        if condition.recheck is not None and any(kept):
            kept = [a and b for a, b in zip(kept, condition.recheck(versions), strict=True)]
    return kept


class Linked:
    """The context of conditions (``conditions.Context``) on one connection, within what a reader may see."""

    def __init__(
        self, connection: psycopg.Connection, codec: Codec, bounds: Scope, base: str | None = None
    ) -> None:
        self.connection, self.codec, self.bounds, self.base = connection, codec, bounds, base
        self._units: dict[tuple[int, ...], Sequence[Unit]] = {}

    def each(self, type: str, wanted: Condition, most: int | None = None) -> Iterator[Version]:
        """All resources of a type that meet a condition, or at most so many."""
        where, values = where_of([type], [wanted], self.bounds)
        candidates = MOST + 1 if most is None or wanted.recheck else most
        read = 0
        for batch in rows.batches(self.connection, self.codec, where, values, BATCH, candidates):
            read += len(batch)
            if read > MOST:
                raise NotSupported(
                    "More than {n} linked resources would have to be read; narrow them", n=MOST
                )
            yield from (v for v, fits in zip(batch, meeting([wanted], batch), strict=True) if fits)

    def few(self, type: str, wanted: Condition, most: int) -> list[Version] | None:
        """All of them, or None where there are more than ``most``: then none is read."""
        if wanted.recheck is None:
            where, values = where_of([type], [wanted], self.bounds)
            row = self.connection.execute(
                f"select count(*) from (select from search s where {where} limit %s) x", [*values, most + 1]
            ).fetchone()
            if row is not None and row[0] > most:
                return None
        found = list(islice(self.each(type, wanted, most + 1), most + 1))
        return found if len(found) <= most else None

    def meeting(self, type: str, wanted: Condition, references: Collection[str]) -> set[str]:
        """Those of these resources that meet a condition."""
        rids = [keys.key(reference) for reference in references]
        if not rids:
            return set()
        both = Condition(f"s.rid = any(%s) and {wanted.sql}", (rids, *wanted.values), recheck=wanted.recheck)
        return {version.reference for version in self.each(type, both)}

    def may_see(self, type: str) -> bool:
        """Whether the reader may see resources of a type at all."""
        return self.bounds.types is None or type in self.bounds.types

    def units(self, parameters: Sequence[int]) -> Sequence[Unit]:
        """The units that the values of these parameters have."""
        known = self._units.get(tuple(parameters))
        if known is None:
            known = self._units[tuple(parameters)] = units.in_use(self.connection, self.codec, parameters)
        return known

    def codes(self, value_set: str) -> Collection[tuple[str, str]]:
        """The codes of a value set, R4's or a stored one."""
        return value_sets.expand(value_set, self._value_set)

    def _value_set(self, canonical: str) -> dict[str, Any] | None:
        url, _, version = canonical.partition("|")
        wanted = any_token([keys.token("ValueSet", "url", url)])
        found = [v for v in self.each("ValueSet", wanted) if version in ("", v.resource.get("version"))]
        return max(found, key=lambda v: v.updated).resource if found else None
