"""``+ - * / div mod &`` and ``-x`` (http://hl7.org/fhirpath/N1/#math-2); overflow and division by zero give empty."""

import operator as python
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

from shangyi.query import quantity, temporal
from shangyi.query.closures.equality import as_quantity
from shangyi.query.closures.values import Collection, Item, single_value, type_of
from shangyi.query.errors import EvaluationError
from shangyi.query.quantity import CALENDAR_TO_UCUM, UCUM_TO_CALENDAR, Quantity
from shangyi.query.temporal import Temporal

CONTEXT = Context(prec=34)
_INTEGERS = range(-(2**31), 2**31)
_TIME_UNITS = frozenset({"hour", "minute", "second", "millisecond"})
_EXACT: dict[str, Callable[[Any, Any], Any]] = {"+": python.add, "-": python.sub, "*": python.mul}
_DECIMAL: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": CONTEXT.add,
    "-": CONTEXT.subtract,
    "*": CONTEXT.multiply,
    "/": CONTEXT.divide,
    "div": CONTEXT.divide_int,
    "mod": CONTEXT.remainder,
}


def calculate(operator: str, left: Collection, right: Collection) -> Collection:
    """The result of an operator between two collections."""
    a, b = single_value(left), single_value(right)
    if operator == "&":
        return [_text(a) + _text(b)]
    if a is None or b is None:
        return []
    try:
        found = _values(operator, a, b)
    except (ArithmeticError, ValueError):
        return []
    return [] if found is None else [found]


def _text(value: Item) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise EvaluationError("& needs a String, not {type}", type=str(type_of(value)))
    return value


def _values(operator: str, a: Item, b: Item) -> Item | None:
    if isinstance(a, str) and isinstance(b, str) and operator == "+":
        return a + b
    if isinstance(a, Temporal) and isinstance(b, Quantity) and operator in "+-":
        return moved(a, b if operator == "+" else Quantity(-b.value, b.unit, b.calendar))
    one, other = as_quantity(a), as_quantity(b)
    if one is None or other is None:
        raise EvaluationError(
            "{operator} does not go between {left} and {right}",
            operator=operator,
            left=str(type_of(a)),
            right=str(type_of(b)),
        )
    if isinstance(a, Quantity) or isinstance(b, Quantity):
        return _quantities(operator, one, other)
    return _numbers(operator, a, b)


def _numbers(operator: str, a: int | Decimal, b: int | Decimal) -> int | Decimal | None:
    if operator in ("/", "div", "mod") and b == 0:
        return None
    if type(a) is int and type(b) is int and operator in _EXACT:
        return _integer(_EXACT[operator](a, b))
    found = _DECIMAL[operator](Decimal(a), Decimal(b))
    if operator == "div" or (operator == "mod" and type(a) is int and type(b) is int):
        return _integer(int(found))
    return found


def _integer(value: int) -> int | None:
    return value if value in _INTEGERS else None


def _quantities(operator: str, a: Quantity, b: Quantity) -> Quantity | None:
    match operator:
        case "+":
            return quantity.add(a, b)
        case "-":
            return quantity.add(a, Quantity(-b.value, b.unit, b.calendar))
        case "*":
            return quantity.multiply(a, b)
        case "/":
            return quantity.divide(a, b)
    raise EvaluationError("{operator} does not go between quantities", operator=operator)


def moved(value: Temporal, by: Quantity) -> Temporal:
    """A date or time moved by a quantity (http://hl7.org/fhirpath/N1/#datetime-arithmetic)."""
    unit = by.unit if by.calendar else UCUM_TO_CALENDAR.get(by.unit)
    if unit is None and by.unit in CALENDAR_TO_UCUM:  # the word in quotes: 1 'month'
        unit = by.unit
    if unit is None or (value.first and unit not in _TIME_UNITS):
        raise EvaluationError("{unit} cannot be added to a {kind}", unit=by.unit, kind=value.kind)
    return temporal.add(value, by.value, unit)


def negative(items: Collection) -> Collection:
    """``-x``."""
    value = single_value(items)
    if value is None:
        return []
    if isinstance(value, Quantity):
        return [Quantity(-value.value, value.unit, value.calendar)]
    if type(value) is int or type(value) is Decimal:
        return [-value]
    raise EvaluationError("- needs a number, not {type}", type=str(type_of(value)))
