"""What an answer is when only the names of the elements that are present are known: often that is enough.

Whether ``value.empty() or system.exists()`` holds is decided by the shape of an object, the names of its members,
and need not be tested again on the next object of that shape. ``decide`` evaluates a typed tree abstractly: an element
of the context is present or absent, all deeper ones are unknown.
"""

import operator as python
from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from shangyi.query import typed
from shangyi.query.closures.logic import OPERATORS


@dataclass(frozen=True, slots=True)
class _Mark:
    name: str


EMPTY: Final = _Mark("empty")
PRESENT: Final = _Mark("present")
UNKNOWN: Final = _Mark("unknown")
Knowledge = bool | int | _Mark
"""A Boolean or Integer that is certain; or a collection that is empty, is not, or may be either."""

_OF_EMPTY: dict[str, Knowledge] = {
    "empty": True,
    "exists": False,
    "all": True,
    "allTrue": True,
    "anyTrue": False,
    "allFalse": True,
    "anyFalse": False,
    "isDistinct": True,
    "subsetOf": True,
    "count": 0,
    "hasValue": False,
    "htmlChecks": True,
}
"""What functions give for an empty input; the others, but for those below, give nothing."""
_NOT_EMPTY_OF_EMPTY = frozenset(
    {"iif", "coalesce", "union", "combine", "supersetOf", "now", "today", "timeOfDay", "aggregate", "slice"}
)
_SAME_PRESENCE = frozenset({"trace", "first", "last", "distinct"})
_COMPARE = {
    "=": python.eq,
    "!=": python.ne,
    "<": python.lt,
    "<=": python.le,
    ">": python.gt,
    ">=": python.ge,
}


def decide(node: typed.Node, present: Set[str]) -> bool | None:
    """Whether a rule holds for a context that has these elements and no others; None where that must be tested.

    An empty answer is no: a rule holds when it is true.
    """
    known = _known(node, present)
    if known is EMPTY:
        return False
    return known if isinstance(known, bool) else None


def _known(node: typed.Node, present: Set[str]) -> Knowledge:
    match node:
        case typed.Constant():
            return node.value if isinstance(node.value, bool | int) else PRESENT
        case typed.Empty():
            return EMPTY
        case typed.Field(source=typed.Local(name="this")):
            return PRESENT if node.name in present else EMPTY
        case typed.Field() | typed.TypeOperation() | typed.At():
            return EMPTY if _known(node.source, present) is EMPTY else UNKNOWN
        case typed.Call():
            return _call(node, present)
        case typed.Operation():
            return _operation(node, present)
    return UNKNOWN


def _call(node: typed.Call, present: Set[str]) -> Knowledge:
    source, name = _known(node.source, present), node.function
    if source is EMPTY and name not in _NOT_EMPTY_OF_EMPTY:
        return _OF_EMPTY.get(name, EMPTY)
    if name == "not" and isinstance(source, bool):
        return not source
    if source is not PRESENT:
        return UNKNOWN
    if name in _SAME_PRESENCE:
        return PRESENT
    if name == "count":
        return 1 if node.source.type.max == 1 else UNKNOWN
    return UNKNOWN if node.arguments else {"empty": False, "exists": True}.get(name, UNKNOWN)


def _operation(node: typed.Operation, present: Set[str]) -> Knowledge:
    left, right = _known(node.left, present), _known(node.right, present)
    operator = node.operator
    if operator in OPERATORS:
        return _logic(operator, left, right)
    match operator:
        case "|":
            if left is EMPTY and right is EMPTY:
                return EMPTY
            return PRESENT if PRESENT in (left, right) else UNKNOWN
        case "~" | "!~" | "&":
            return UNKNOWN
        case "in" | "contains":
            item = left if operator == "in" else right
            return EMPTY if item is EMPTY else UNKNOWN
    if left is EMPTY or right is EMPTY:
        return EMPTY
    if (
        isinstance(left, _Mark)
        or isinstance(right, _Mark)
        or isinstance(left, bool) is not isinstance(right, bool)
    ):
        return UNKNOWN
    if operator in _COMPARE and (not isinstance(left, bool) or operator in ("=", "!=")):
        return bool(_COMPARE[operator](left, right))
    return left + right if operator == "+" and not isinstance(left, bool) else UNKNOWN


def _logic(operator: str, left: Knowledge, right: Knowledge) -> Knowledge:
    """Certain where every value of what is unknown gives the same."""
    results = {OPERATORS[operator](a, b) for a in _answers(left) for b in _answers(right)}
    if len(results) > 1:
        return UNKNOWN
    result = results.pop()
    return EMPTY if result is None else result


def _answers(value: Knowledge) -> tuple[bool | None, ...]:
    if isinstance(value, bool):
        return (value,)
    return (None,) if value is EMPTY else (True, False, None)
