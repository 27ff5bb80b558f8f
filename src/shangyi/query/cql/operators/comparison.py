"""``< <= > >=``, ``before``, ``after``, ``same … as`` of points
(https://cql.hl7.org/09-b-cqlreference.html#comparison-operators-4).

All answer None where an operand is null, units do not go together, or precision leaves the answer open; an
uncertainty compares by its bounds (https://cql.hl7.org/05-languagesemantics.html#uncertainty).
"""

from decimal import Decimal
from typing import Any

from shangyi.query import quantity
from shangyi.query.cql.operators import temporal
from shangyi.query.cql.values import Long, Quantity, Uncertainty
from shangyi.query.cql.values.uncertainty import bounds
from shangyi.query.errors import EvaluationError
from shangyi.query.temporal import Temporal
from shangyi.terminology.ucum import UcumError

_NUMBERS = frozenset({int, Long, Decimal})


def order(left: Any, right: Any, precision: str | None = None) -> int | None:
    """-1, 0 or 1 of two definite values."""
    kind, other = type(left), type(right)
    if (kind is other and kind is str) or (kind in _NUMBERS and other in _NUMBERS):
        return int(left > right) - int(left < right)
    if kind is Quantity or other is Quantity:
        return _quantities(left, right)
    if isinstance(left, Temporal) and isinstance(right, Temporal) and left.first == right.first:
        return temporal.compare(left, right, precision)
    raise EvaluationError("{left} and {right} have no order", left=kind.__name__, right=other.__name__)


def _quantities(left: Any, right: Any) -> int | None:
    one, other = (Quantity(Decimal(v)) if type(v) in _NUMBERS else v for v in (left, right))
    if type(one) is not Quantity or type(other) is not Quantity:
        raise EvaluationError(
            "{left} and {right} have no order", left=type(left).__name__, right=type(right).__name__
        )
    try:
        return quantity.compare(one, other)
    except (UcumError, ArithmeticError):
        return None


def less(left: Any, right: Any, precision: str | None = None) -> bool | None:
    """``<``, and ``before`` of points."""
    if left is None or right is None:
        return None
    if type(left) is Uncertainty or type(right) is Uncertainty:
        (a_low, a_high), (b_low, b_high) = bounds(left), bounds(right)
        if less(a_high, b_low, precision):
            return True
        return False if less(a_low, b_high, precision) is False else None
    found = order(left, right, precision)
    return None if found is None else found < 0


def less_or_equal(left: Any, right: Any, precision: str | None = None) -> bool | None:
    """``<=``, and ``same or before`` of points."""
    opposite = less(right, left, precision)
    return None if opposite is None else not opposite


def greater(left: Any, right: Any, precision: str | None = None) -> bool | None:
    """``>``, and ``after`` of points."""
    return less(right, left, precision)


def greater_or_equal(left: Any, right: Any, precision: str | None = None) -> bool | None:
    """``>=``, and ``same or after`` of points."""
    opposite = less(left, right, precision)
    return None if opposite is None else not opposite


def same(left: Any, right: Any, precision: str | None = None) -> bool | None:
    """Whether two points are equal, to a precision."""
    if left is None or right is None:
        return None
    if type(left) is Uncertainty or type(right) is Uncertainty:
        (a_low, a_high), (b_low, b_high) = bounds(left), bounds(right)
        apart = less(a_high, b_low, precision) or less(b_high, a_low, precision)
        return False if apart else None
    found = order(left, right, precision)
    return None if found is None else found == 0
