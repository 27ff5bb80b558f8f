"""Which types operators take, and what they give (http://hl7.org/fhirpath/N1/#operations)."""

from shangyi.query import types
from shangyi.query.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    QUANTITY,
    STRING,
    TIME,
    ItemType,
    Type,
)

NUMERIC = frozenset({INTEGER, DECIMAL})
MEASURE = frozenset({INTEGER, DECIMAL, QUANTITY})
CALENDAR = frozenset({DATE, DATETIME})
_COMPARED = (MEASURE, CALENDAR, frozenset({TIME}), frozenset({STRING}))

Kinds = frozenset[ItemType] | None
"""System types that operands can have, None where that is open."""


def comparable(left: Kinds, right: Kinds) -> bool:
    """Whether some pair of these types has an order."""
    if left is None or right is None:
        return True
    return any(left & group and right & group for group in _COMPARED)


def arithmetic(operator: str, left: Kinds, right: Kinds) -> frozenset[ItemType] | None:
    """The types of the result; empty where no pair goes together, None where it is open."""
    if left is None or right is None:
        return None
    found: set[ItemType] = set()
    for a in left:
        for b in right:
            found |= _result(operator, a, b)
    return frozenset(found)


def _result(operator: str, left: ItemType, right: ItemType) -> set[ItemType]:
    if left in NUMERIC and right in NUMERIC:
        if operator == "/":
            return {DECIMAL}
        if operator == "div":
            return {INTEGER}
        return {DECIMAL} if DECIMAL in (left, right) else {INTEGER}
    if left in MEASURE and right in MEASURE:
        return {QUANTITY} if operator not in ("div", "mod") else set()
    if operator == "+" and left == right == STRING:
        return {STRING}
    if operator in "+-" and right == QUANTITY and (left in CALENDAR or left == TIME):
        return {left}
    return set()


def boolean(left: Type, right: Type) -> Type:
    """A Boolean, empty where an operand is."""
    return Type((BOOLEAN,), min(left.min, right.min, 1), 1)


def of(kinds: frozenset[ItemType] | None) -> Type:
    """One value or none of these types."""
    if kinds is None:
        return Type(None, 0, 1)
    return Type(tuple(sorted(kinds, key=str)), 0, 1)


def united(left: Type, right: Type, distinct_constants: int) -> Type:
    """``|``: without duplicates, so at least the larger of one and the constants that differ."""
    least = max(min(1, max(left.min, right.min)), distinct_constants)
    alone = left.max == 0 or right.max == 0
    return Type(types.merge((left, right)), least, types.plus(left.max, right.max), alone)
