"""Arithmetic (https://cql.hl7.org/09-b-cqlreference.html#arithmetic-operators-4).

What cannot be represented, and division by zero, is None (null). Decimals are computed exactly and rounded once, to
8 places. Only a date moved out of the years 1 to 9999 is an error (05, Date and Time Arithmetic).
"""

import operator
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from shangyi.query import quantity
from shangyi.query.closures.arithmetic import moved
from shangyi.query.cql.operators.temporal import to_milliseconds
from shangyi.query.cql.values import Long, Quantity, Uncertainty
from shangyi.query.cql.values.numbers import CONTEXT, decimal, integer, long
from shangyi.query.cql.values.uncertainty import bounds
from shangyi.query.errors import EvaluationError
from shangyi.query.temporal import Temporal
from shangyi.terminology import ucum
from shangyi.terminology.ucum import UcumError

Number = int | Decimal
_WIDEST_POWER = 64


def number(value: Any, *like: Any) -> Number | None:
    """A result in the widest type of the operands, None where it does not fit."""
    kinds = {type(operand) for operand in like}
    if Decimal in kinds or type(value) is Decimal:
        return decimal(Decimal(value))
    return long(value) if Long in kinds else integer(value)


def _calculate(
    name: str, compute: Callable[[Any, Any], Number], left: Any, right: Any, on_quantities: Callable[..., Any]
) -> Any:
    if left is None or right is None:
        return None
    if type(left) is int and type(right) is int:
        found = compute(left, right)
        return None if found is None else integer(found)  # type: ignore[arg-type]
    try:
        if _is_number(left) and _is_number(right):
            if type(left) is Decimal or type(right) is Decimal:
                left, right = Decimal(left), Decimal(right)
            found = compute(left, right)
            return None if found is None else number(found, left, right)
        one, other = as_quantity(left), as_quantity(right)
        if one is not None and other is not None:
            return _limited(on_quantities(one, other))
    except (ArithmeticError, UcumError):
        return None
    raise EvaluationError(
        "{operator} does not go between {left} and {right}",
        operator=name,
        left=type(left).__name__,
        right=type(right).__name__,
    )


def _is_number(value: Any) -> bool:
    return type(value) in (int, Decimal, Long)


def as_quantity(value: Any) -> Quantity | None:
    """A number as a quantity of unit 1; None of what is neither."""
    if type(value) is Quantity:
        return value
    return Quantity(Decimal(value)) if _is_number(value) else None


def _limited(value: Quantity | None) -> Quantity | None:
    if value is None:
        return None
    found = decimal(value.value)
    return None if found is None else Quantity(found, value.unit, value.calendar)


def _uncertain(compute: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    found = [compute(a, b) for a in bounds(left) for b in bounds(right)]
    return None if None in found else Uncertainty.between(min(found), max(found))


def add(left: Any, right: Any) -> Any:
    """``+`` of numbers and quantities, a quantity added to a date or time, strings put together."""
    if type(left) is Uncertainty or type(right) is Uncertainty:
        return _uncertain(add, left, right)
    if isinstance(left, Temporal):
        return _move(left, right, 1)
    if type(left) is str and type(right) is str:
        return left + right
    return _calculate(
        "+", lambda a, b: CONTEXT.add(a, b) if type(a) is Decimal else a + b, left, right, quantity.add
    )


def subtract(left: Any, right: Any) -> Any:
    """``-``."""
    if type(left) is Uncertainty or type(right) is Uncertainty:
        return _uncertain(subtract, left, right)
    if isinstance(left, Temporal):
        return _move(left, right, -1)
    return _calculate(
        "-",
        lambda a, b: CONTEXT.subtract(a, b) if type(a) is Decimal else a - b,
        left,
        right,
        lambda a, b: quantity.add(a, _negative(b)),
    )


def _negative(value: Quantity) -> Quantity:
    return Quantity(-value.value, value.unit, value.calendar)


def _move(value: Temporal, by: Quantity | None, sign: int) -> Temporal | None:
    if by is None:
        return None
    if type(by) is not Quantity:
        raise EvaluationError("{type} cannot be added to a {kind}", type=type(by).__name__, kind=value.kind)
    try:
        found = moved(value, by if sign > 0 else _negative(by))
    except (OverflowError, ValueError):
        raise EvaluationError(
            "{value} moved by {quantity} lies outside of the years 1 to 9999",
            value=str(value),
            quantity=str(by),
        ) from None
    return to_milliseconds(found)


def multiply(left: Any, right: Any) -> Any:
    """``*``."""
    if type(left) is Uncertainty or type(right) is Uncertainty:
        return _uncertain(multiply, left, right)
    return _calculate(
        "*",
        lambda a, b: CONTEXT.multiply(a, b) if type(a) is Decimal else a * b,
        left,
        right,
        quantity.multiply,
    )


def divide(left: Any, right: Any) -> Any:
    """``/``: always a Decimal or a quantity."""
    if type(left) in (int, Long):
        left = Decimal(left)
    return _calculate("/", _quotient, left, right, quantity.divide)


def _quotient(left: Decimal, right: Decimal) -> Any:
    return CONTEXT.divide(left, right) if right else None


def truncated_divide(left: Any, right: Any) -> Any:
    """``div``: the whole part of the quotient; of quantities in the unit of the left one."""
    return _calculate(
        "div", _whole_quotient, left, right, lambda a, b: _in_unit_of_left(_whole_quotient, a, b)
    )


def _whole_quotient(left: Any, right: Any) -> Any:
    if not right:
        return None
    if type(left) is Decimal:
        return CONTEXT.divide_int(left, right)
    found = abs(left) // abs(right)
    return found if (left < 0) is (right < 0) else -found


def modulo(left: Any, right: Any) -> Any:
    """``mod``: what ``div`` leaves, with the sign of the left."""
    return _calculate("mod", _remainder, left, right, lambda a, b: _in_unit_of_left(_remainder, a, b))


def _remainder(left: Any, right: Any) -> Any:
    if not right:
        return None
    if type(left) is Decimal:
        return CONTEXT.remainder(left, right)
    found = abs(left) % abs(right)
    return -found if left < 0 else found


def _in_unit_of_left(compute: Callable[[Any, Any], Any], left: Quantity, right: Quantity) -> Quantity | None:
    other = right.value if left.ucum == right.ucum else ucum.convert(right.value, right.ucum, left.ucum)
    found = compute(left.value, other)
    return None if found is None else Quantity(found, left.unit, left.calendar)


def power(left: Any, right: Any) -> Any:
    """``^``: of whole numbers whole, unless the exponent is negative."""
    return _calculate("^", _power, left, right, _no_power)


def _power(left: Any, right: Any) -> Any:
    if type(left) is not Decimal and right >= 0:
        return left**right if abs(left) <= 1 or right <= _WIDEST_POWER else None
    if not left and not right:
        return Decimal(1)
    found = CONTEXT.power(Decimal(left), Decimal(right))
    return found if found.is_finite() else None


def _no_power(left: Quantity, right: Quantity) -> None:
    raise EvaluationError("{operator} does not go between quantities", operator="^")


def negate(value: Any) -> Any:
    """``-x``."""
    if type(value) is Uncertainty:
        return Uncertainty(negate(value.high), negate(value.low))
    return _each(operator.neg, value)


def absolute(value: Any) -> Any:
    """``Abs``."""
    return _each(abs, value)


def _each(compute: Callable[[Any], Any], value: Any) -> Any:
    if type(value) is Quantity:
        return Quantity(compute(value.value), value.unit, value.calendar)
    return None if value is None else number(compute(_definite(value)), value)


def _definite(value: Any) -> Any:
    if not _is_number(value):
        raise EvaluationError("A number is needed here, not {type}", type=type(value).__name__)
    return value


def ceiling(value: Number | None) -> int | None:
    """The least Integer not below."""
    return _whole(value, ROUND_CEILING)


def floor(value: Number | None) -> int | None:
    """The greatest Integer not above."""
    return _whole(value, ROUND_FLOOR)


def truncate(value: Number | None) -> int | None:
    """The Integer without the fraction."""
    return _whole(value, ROUND_DOWN)


def _whole(value: Number | None, rounding: str) -> int | None:
    return None if value is None else integer(int(Decimal(_definite(value)).to_integral_value(rounding)))


def round_to(value: Number | None, places: int | None = 0) -> Decimal | None:
    """``Round``: halves go away from zero."""
    if value is None:
        return None
    found = Decimal(_definite(value))
    wanted = min(max(places or 0, -28), 8)
    return decimal(found.quantize(Decimal(1).scaleb(-wanted), ROUND_HALF_UP, CONTEXT))


def exponential(value: Number | None) -> Decimal | None:
    """``Exp``."""
    return _function(CONTEXT.exp, value)


def natural_logarithm(value: Number | None) -> Decimal | None:
    """``Ln``; None of what is not positive."""
    return _function(CONTEXT.ln, value) if value is not None and value > 0 else None


def logarithm(value: Number | None, base: Number | None) -> Decimal | None:
    """``Log(value, base)``."""
    if value is None or base is None or value <= 0 or base <= 0 or base == 1:
        return None
    return _function(lambda v: CONTEXT.divide(CONTEXT.ln(v), CONTEXT.ln(Decimal(base))), value)


def _function(compute: Callable[[Decimal], Decimal], value: Number | None) -> Decimal | None:
    if value is None:
        return None
    try:
        return decimal(compute(Decimal(_definite(value))))
    except ArithmeticError:
        return None
