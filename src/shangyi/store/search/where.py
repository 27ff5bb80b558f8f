"""All conditions of a search, and what bounds the reader, as one condition in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from shangyi.store import scope
from shangyi.store.model import Scope
from shangyi.store.search.conditions import Condition
from shangyi.store.types import NUMBERS


@dataclass(frozen=True, slots=True)
class Part:
    """A condition in SQL with its values."""

    sql: str
    values: tuple[Any, ...] = ()

    @classmethod
    def of(cls, made: tuple[str, Sequence[Any]]) -> "Part":
        """Of SQL and its values."""
        return cls(made[0], tuple(made[1]))

    def __and__(self, other: "Part") -> "Part":
        return Part(f"{self.sql} and {other.sql}", (*self.values, *other.values))


def where_of(types: Sequence[str], conditions: Sequence[Condition], bounds: Scope) -> tuple[str, list[Any]]:
    """SQL on a row ``s`` of ``search``, ``true`` where there is nothing to hold, and its values.

    Of one type: tokens and codes carry their type already, and whether the reader may see it is decided here, so that
    an index alone can answer.
    """
    if len(types) == 1 and bounds.types is not None:
        if types[0] not in bounds.types:
            return "false", []
        bounds = replace(bounds, types=None)
    seen, values = scope.condition(bounds, many=True)
    parts = [c.sql for c in conditions]
    given: list[Any] = [value for c in conditions for value in c.values]
    if types and not (len(types) == 1 and any(c.tokens or c.code for c in conditions)):
        numbers = [NUMBERS[name] for name in types]
        parts.insert(0, "s.type = %s" if len(numbers) == 1 else "s.type = any(%s)")
        given.insert(0, numbers[0] if len(numbers) == 1 else numbers)
    if seen != "true":
        parts.append(seen)
        given += values
    return " and ".join(parts) or "true", given


def counted(
    types: Sequence[str], conditions: Sequence[Condition], bounds: Scope
) -> list[tuple[str, list[Any]]]:
    """Conditions that together find each match once, for counting: by the btree of codes where that may do it."""
    coded = next((c for c in conditions if c.code), None)
    if coded is None or coded.code is None:
        return [where_of(types, conditions, bounds)]
    ways = (
        Condition("s.code = %s", (coded.code[0],), code=coded.code),
        Condition("s.tokens @> array[%s::bigint]", (coded.code[1],), (coded.code[1],)),
    )
    return [where_of(types, [way if c is coded else c for c in conditions], bounds) for way in ways]
