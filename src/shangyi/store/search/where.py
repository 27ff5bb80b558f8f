"""All conditions of a search, and what bounds the reader, as one condition in SQL."""

from collections.abc import Sequence
from typing import Any

from shangyi.store import scope
from shangyi.store.model import Scope
from shangyi.store.search.conditions import Condition
from shangyi.store.types import NUMBERS


def where_of(types: Sequence[str], conditions: Sequence[Condition], bounds: Scope) -> tuple[str, list[Any]]:
    """SQL on a row ``s`` of ``search``, ``true`` where there is nothing to hold, and its values."""
    seen, values = scope.condition(bounds)
    parts = [c.sql for c in conditions]
    given: list[Any] = [value for c in conditions for value in c.values]
    if types:
        numbers = [NUMBERS[name] for name in types]
        parts.insert(0, "s.type = %s" if len(numbers) == 1 else "s.type = any(%s)")
        given.insert(0, numbers[0] if len(numbers) == 1 else numbers)
    if seen != "true":
        parts.append(seen)
        given += values
    return " and ".join(parts) or "true", given
