"""``=`` and ``~`` of all types, and membership by them
(https://cql.hl7.org/09-b-cqlreference.html#equal, #equivalent)."""

import re
from collections.abc import Hashable, Iterable
from decimal import Decimal
from typing import Any

from shangyi.query import quantity
from shangyi.query.closures import equality as fhir
from shangyi.query.closures.values import Element
from shangyi.query.cql.operators.comparison import same
from shangyi.query.cql.operators.ends import end, start
from shangyi.query.cql.values import (
    Code,
    CodeSystem,
    Concept,
    Interval,
    Long,
    Quantity,
    Ratio,
    Tuple,
    Uncertainty,
    ValueSet,
)
from shangyi.query.temporal import Temporal
from shangyi.terminology.ucum import UcumError

_SPACE = re.compile(r"\s")
_NUMBERS = frozenset({int, Long, Decimal})
_FIELDS: dict[type, tuple[str, ...]] = {
    Code: ("code", "system", "version", "display"),
    Concept: ("codes", "display"),
    Ratio: ("numerator", "denominator"),
    ValueSet: ("id", "version"),
    CodeSystem: ("id", "version"),
}


def every(answers: Iterable[bool | None]) -> bool | None:
    """The conjunction of many."""
    known: bool | None = True
    for answer in answers:
        if answer is False:
            return False
        if answer is None:
            known = None
    return known


def equal(left: Any, right: Any) -> bool | None:
    """``left = right``; None where one is null or precision leaves it open."""
    if left is None or right is None:
        return None
    a, b = type(left), type(right)
    if a is b and (a is str or a is int or a is bool):
        return bool(left == right)
    if a in _NUMBERS and b in _NUMBERS:
        return bool(left == right)
    family = _family(left)
    if family is not None:
        return same(left, right) if family == _family(right) else False
    if a is not b:
        return False
    return _structures(left, right)


def _family(value: Any) -> str | None:
    """What a point can be compared with: numbers and quantities, dates, times."""
    if type(value) is Uncertainty:
        value = value.low
    if isinstance(value, Temporal):
        return "Time" if value.first else "Date"
    return "Number" if type(value) is Quantity or type(value) in _NUMBERS else None


def _structures(left: Any, right: Any) -> bool | None:
    kind = type(left)
    if kind is list:
        if len(left) != len(right):
            return False
        return every(equal_or_both_null(a, b) for a, b in zip(left, right, strict=True))
    if kind is Tuple:
        if left.elements.keys() != right.elements.keys():
            return False
        return every(equal_or_both_null(value, right.elements[name]) for name, value in left.elements.items())
    if kind is Interval:
        return every((equal(start(left), start(right)), equal(end(left), end(right))))
    if kind is Element:
        return fhir.same(left, right)
    if kind in _FIELDS:
        pairs = ((getattr(left, name), getattr(right, name)) for name in _FIELDS[kind])
        return every(equal_or_both_null(_listed(a), _listed(b)) for a, b in pairs)
    return bool(left == right)


def _listed(value: Any) -> Any:
    return list(value) if type(value) is tuple else value


def equal_or_both_null(left: Any, right: Any) -> bool | None:
    """Equality as members of lists and tuples have it: two nulls are equal."""
    return True if left is None and right is None else equal(left, right)


def not_equal(left: Any, right: Any) -> bool | None:
    """``!=``."""
    found = equal(left, right)
    return None if found is None else not found


def equivalent(left: Any, right: Any) -> bool:
    """``left ~ right``: always true or false; two nulls are equivalent."""
    if left is None or right is None:
        return left is right
    a, b = type(left), type(right)
    if a is str and b is str:
        return _folded(left) == _folded(right)
    if a in _NUMBERS and b in _NUMBERS:
        return quantity.decimals_equivalent(Decimal(left), Decimal(right))
    if a is Quantity and b is Quantity:
        return _equivalent_quantities(left, right)
    if isinstance(left, Temporal) and isinstance(right, Temporal):
        return equal(left, right) is True
    return a is b and _equivalent_structures(left, right)


def _equivalent_quantities(left: Quantity, right: Quantity) -> bool:
    try:
        return quantity.equivalent(left, right)
    except (UcumError, ArithmeticError):
        return False


def _equivalent_structures(left: Any, right: Any) -> bool:
    kind = type(left)
    if kind is list:
        return len(left) == len(right) and all(map(equivalent, left, right))
    if kind is Tuple:
        return left.elements.keys() == right.elements.keys() and all(
            equivalent(value, right.elements[name]) for name, value in left.elements.items()
        )
    if kind is Interval:
        return equivalent(start(left), start(right)) and equivalent(end(left), end(right))
    if kind is Code:
        return bool(left.code == right.code and left.system == right.system)
    if kind is Concept:
        return any(equivalent(a, b) for a in left.codes for b in right.codes if a is not None)
    if kind is Ratio:
        return _equivalent_ratios(left, right)
    if kind is Element:
        return fhir.equivalent([left], [right])
    return equal(left, right) is True


def _equivalent_ratios(left: Ratio, right: Ratio) -> bool:
    """The same relation: a:b is c:d where a/b is c/d."""
    try:
        one = quantity.divide(left.numerator, left.denominator)
        other = quantity.divide(right.numerator, right.denominator)
        return one is not None and other is not None and quantity.compare(one, other) == 0
    except (UcumError, ArithmeticError):
        return False


def _folded(text: str) -> str:
    """Without case, and every white space a blank."""
    return _SPACE.sub(" ", text.casefold())


def not_equivalent(left: Any, right: Any) -> bool:
    """``!~``."""
    return not equivalent(left, right)


def key(value: Any) -> Hashable | None:
    """What two equal values share, and unequal ones do not, where that can be told of each alone; else None."""
    kind = type(value)
    if kind is str or kind is bool:
        return (kind, value)
    if kind in _NUMBERS:
        return (int, value)
    if kind is Code:
        return (Code, value)
    return ("null",) if value is None else None


class Members:
    """A set by CQL's equality, in which nulls are equal; items stay in order.

    Values that have a key are found by it; dates, quantities and structures by comparing.
    """

    __slots__ = ("items", "keys", "others")

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self.items: list[Any] = []
        self.keys: set[Hashable] = set()
        self.others: list[Any] = []
        for item in items:
            self.add(item)

    def find(self, item: Any) -> bool | None:
        """Whether an equal one is in it; None where some may be equal, but none is known to be."""
        found = key(item)
        if found is not None:
            return found in self.keys
        answer: bool | None = False
        for other in self.others:
            same_as = equal(item, other)
            if same_as:
                return True
            if same_as is None:
                answer = None
        return answer

    def add(self, item: Any) -> bool:
        """Whether the item is new; it is kept then."""
        found = key(item)
        if found is not None:
            if found in self.keys:
                return False
            self.keys.add(found)
        elif self.find(item):
            return False
        else:
            self.others.append(item)
        self.items.append(item)
        return True
