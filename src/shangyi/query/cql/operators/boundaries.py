"""Least and greatest values, successor and predecessor, precision and its boundaries."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from shangyi.query import temporal
from shangyi.query.cql.operators.temporal import step
from shangyi.query.cql.values import Date, DateTime, Long, Quantity, Time
from shangyi.query.cql.values.numbers import (
    CONTEXT,
    DECIMAL_MAX,
    INTEGER_MAX,
    INTEGER_MIN,
    LONG_MAX,
    LONG_MIN,
    PLACES,
    STEP,
    decimal,
    integer,
    long,
)
from shangyi.query.errors import EvaluationError
from shangyi.query.temporal import Temporal

_LAST_TIME: tuple[int | Decimal, ...] = (23, 59, Decimal("59.999"))
_FIRST_TIME: tuple[int | Decimal, ...] = (0, 0, Decimal("0.000"))
MINIMUM: dict[str, Any] = {
    "Integer": INTEGER_MIN,
    "Long": Long(LONG_MIN),
    "Decimal": -DECIMAL_MAX,
    "Quantity": Quantity(-DECIMAL_MAX),
    "Date": Date((1, 1, 1)),
    "DateTime": DateTime((1, 1, 1, *_FIRST_TIME), 0),
    "Time": Time(_FIRST_TIME),
}
MAXIMUM: dict[str, Any] = {
    "Integer": INTEGER_MAX,
    "Long": Long(LONG_MAX),
    "Decimal": DECIMAL_MAX,
    "Quantity": Quantity(DECIMAL_MAX),
    "Date": Date((9999, 12, 31)),
    "DateTime": DateTime((9999, 12, 31, *_LAST_TIME), 0),
    "Time": Time(_LAST_TIME),
}


def minimum(type_name: str, like: Any = None) -> Any:
    """``minimum T``; of Quantity in the unit of ``like``, of DateTime in its offset, so that the two compare."""
    return _limit(MINIMUM, type_name, like)


def maximum(type_name: str, like: Any = None) -> Any:
    """``maximum T``."""
    return _limit(MAXIMUM, type_name, like)


def _limit(limits: dict[str, Any], type_name: str, like: Any) -> Any:
    if type_name not in limits:
        raise EvaluationError("{type} has no least and no greatest value", type=type_name)
    found = limits[type_name]
    if type(like) is Quantity:
        return Quantity(found.value, like.unit, like.calendar)
    return DateTime(found.parts, like.offset) if type(like) is DateTime else found


def successor(value: Any) -> Any:
    """The next value of the type; None after the last."""
    return _next(value, 1)


def predecessor(value: Any) -> Any:
    """The value before; None before the first."""
    return _next(value, -1)


def _next(value: Any, sign: int) -> Any:
    kind = type(value)
    if value is None:
        return None
    if kind is int:
        return integer(value + sign)
    if kind is Long:
        return long(value + sign)
    if kind is Decimal:
        return decimal(CONTEXT.add(value, STEP * sign))
    if kind is Quantity:
        number = decimal(CONTEXT.add(value.value, STEP * sign))
        return None if number is None else Quantity(number, value.unit, value.calendar)
    if isinstance(value, Temporal):
        return step(value, sign)
    raise EvaluationError("{type} has no successor or predecessor", type=kind.__name__)


def precision(value: Any) -> int | None:
    """The number of digits: after the point of a Decimal, all of a date or time."""
    if value is None:
        return None
    if isinstance(value, Temporal):
        return value.digits
    exponent = Decimal(value).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else None


_DIGITS = {"Date": (4, 6, 8), "DateTime": (4, 6, 8, 10, 12, 14, 17), "Time": (2, 4, 6, 9)}


def low_boundary(value: Any, digits: int | None = None) -> Any:
    """The least value that ``value`` can stand for, to so many digits; None where the type has not so many."""
    return _boundary(value, digits, temporal.lowest, ROUND_FLOOR)


def high_boundary(value: Any, digits: int | None = None) -> Any:
    """The greatest value that ``value`` can stand for."""
    return _boundary(value, digits, temporal.highest, ROUND_CEILING)


def _boundary(value: Any, digits: int | None, complete: Any, rounding: str) -> Any:
    if value is None:
        return None
    if isinstance(value, Temporal):
        allowed = _DIGITS[value.kind]
        wanted = allowed[-1] if digits is None else digits
        if wanted not in allowed:
            return None
        parts = complete(value)
        if rounding == ROUND_CEILING and value.precision == "second" and not value.has_fraction:
            parts = (*parts[:-1], parts[-1] + Decimal("0.999"))
        return _cut(value, parts, allowed.index(wanted))
    wanted = PLACES if digits is None else digits
    return _decimal_boundary(Decimal(value), wanted, rounding) if 0 <= wanted <= PLACES else None


def _decimal_boundary(value: Decimal, digits: int, rounding: str) -> Decimal | None:
    given = precision(value) or 0
    step_wanted = Decimal(1).scaleb(-digits)
    if digits <= given:
        return decimal(value.quantize(step_wanted, ROUND_FLOOR, CONTEXT))
    beyond = Decimal(1).scaleb(-given) - step_wanted  # the digits that are not known, all nines
    towards_zero = (rounding == ROUND_FLOOR) is (value >= 0)
    found = value if towards_zero else value + beyond.copy_sign(value)
    return decimal(found.quantize(step_wanted, rounding, CONTEXT))


def _cut(value: Temporal, parts: tuple[int | Decimal, ...], index: int) -> Temporal:
    kept = parts[: index + 1]
    if index + value.first >= 5 and len(kept) == 6 - value.first:
        seconds = Decimal(kept[-1])
        whole = index + value.first == 5
        kept = (*kept[:-1], Decimal(int(seconds)) if whole else seconds.quantize(Decimal("0.001")))
    return type(value)(kept, value.offset)
