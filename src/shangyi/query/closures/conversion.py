"""http://hl7.org/fhirpath/N1/#conversion"""

import re
from collections.abc import Callable
from decimal import Decimal

from shangyi.query import temporal, typed
from shangyi.query.closures.adapters import Builder, Compile, criterion, on_value
from shangyi.query.closures.evaluation import Closure, Scope
from shangyi.query.closures.values import Collection, Element, Item, single
from shangyi.query.parser import CALENDAR
from shangyi.query.quantity import CALENDAR_TO_UCUM, Quantity
from shangyi.query.temporal import Date, DateTime, Temporal, Time
from shangyi.terminology import ucum

_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})
_INTEGER = re.compile(r"[+-]?\d+")
_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?")
_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(?:'([^']+)'|([a-zA-Z]+))?")


def _iif(call: typed.Call, compile_: Compile) -> Closure:
    """Only the branch that is chosen is evaluated."""
    source, test = compile_(call.source), criterion(call, compile_)
    yes = compile_(call.arguments[1])
    no = compile_(call.arguments[2]) if len(call.arguments) > 2 else lambda scope: []

    def run(scope: Scope) -> Collection:
        items = source(scope)
        single(items)
        inner = Scope(scope.at, items, scope.index, scope.total)
        return yes(inner) if test(inner) is True else no(inner)

    return run


def _to_boolean(value: Item) -> bool | None:
    if type(value) is bool:
        return value
    if isinstance(value, str):
        folded = value.lower()
        return True if folded in _TRUE else False if folded in _FALSE else None
    if type(value) is int or type(value) is Decimal:
        return True if value == 1 else False if value == 0 else None
    return None


def _to_integer(value: Item) -> int | None:
    if type(value) is bool:
        return int(value)
    if isinstance(value, str):
        value = int(value) if _INTEGER.fullmatch(value) else None
    return value if type(value) is int and -(2**31) <= value < 2**31 else None


def _to_decimal(value: Item) -> Decimal | None:
    if type(value) is bool or type(value) is int or type(value) is Decimal:
        return Decimal(value)
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    return None


def to_string(value: Item) -> str | None:
    """A System value as text."""
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is Decimal:
        return format(value, "f")
    return None if isinstance(value, Element) else str(value)


def _to_date(value: Item) -> Date | None:
    if isinstance(value, DateTime):
        return Date(value.parts[:3])
    if isinstance(value, str):
        found = temporal.parse("DateTime", value)
        return Date(found.parts[:3]) if found else None
    return value if isinstance(value, Date) else None


def _to_datetime(value: Item) -> Temporal | None:
    if isinstance(value, str):
        return temporal.parse("DateTime", value)
    return temporal.as_datetime(value) if isinstance(value, Date | DateTime) else None


def _to_time(value: Item) -> Temporal | None:
    if isinstance(value, str):
        return temporal.parse("Time", value.removeprefix("T"))
    return value if isinstance(value, Time) else None


def _to_quantity(value: Item, unit: str | None = None) -> Quantity | None:
    found = _quantity(value)
    if found is None or unit is None:
        return found
    calendar = unit in CALENDAR
    target = CALENDAR.get(unit, unit)
    if found.unit == target and found.calendar == calendar:
        return found
    try:
        number = ucum.convert(found.value, found.ucum, CALENDAR_TO_UCUM[target] if calendar else target)
    except ucum.UcumError:
        return None
    return Quantity(number, target, calendar)


def _quantity(value: Item) -> Quantity | None:
    if isinstance(value, Quantity):
        return value
    if type(value) is bool:
        return Quantity(Decimal("1.0") if value else Decimal("0.0"))
    if type(value) is int or type(value) is Decimal:
        return Quantity(Decimal(value))
    match = _QUANTITY.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    number, unit, word = match.groups()
    if word:
        return Quantity(Decimal(number), CALENDAR[word], True) if word in CALENDAR else None
    return Quantity(Decimal(number), unit or "1")


def _convertible(convert: Callable[..., Item | None]) -> Callable[..., bool]:
    return lambda value, *arguments: convert(value, *arguments) is not None


_CONVERSIONS: dict[str, Callable[..., Item | None]] = {
    "Boolean": _to_boolean,
    "Integer": _to_integer,
    "Decimal": _to_decimal,
    "String": to_string,
    "Date": _to_date,
    "DateTime": _to_datetime,
    "Time": _to_time,
    "Quantity": _to_quantity,
}
FUNCTIONS: dict[str, Builder] = {
    "iif": _iif,
    **{f"to{name}": on_value(convert) for name, convert in _CONVERSIONS.items()},
    **{f"convertsTo{name}": on_value(_convertible(convert)) for name, convert in _CONVERSIONS.items()},
}
