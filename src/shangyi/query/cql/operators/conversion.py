"""Conversions (https://cql.hl7.org/09-b-cqlreference.html#type-operators-1): None where there is none."""

import re
from decimal import Decimal
from typing import Any

from shangyi.query import quantity, temporal
from shangyi.query.cql.operators.temporal import date_from, to_milliseconds
from shangyi.query.cql.values import Code, Concept, Date, DateTime, Long, Quantity, Ratio, Time
from shangyi.query.cql.values.numbers import decimal, integer, long
from shangyi.query.parser import CALENDAR
from shangyi.query.quantity import CALENDAR_TO_UCUM
from shangyi.terminology import ucum

_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,80})?")
_QUANTITY = re.compile(r"\s*([+-]?[0-9]{1,40}(?:\.[0-9]{1,80})?)\s*(?:'([^']*)'|([a-z]+))?\s*")
_ZONE = re.compile(r"(Z|[+-]\d\d:\d\d)$")


def to_boolean(value: Any) -> bool | None:
    """From a String, or a number that is 1 or 0."""
    if type(value) is str:
        folded = value.lower()
        return True if folded in _TRUE else False if folded in _FALSE else None
    if type(value) is bool or value is None:
        return value
    return True if value == 1 else False if value == 0 else None


def to_integer(value: Any) -> int | None:
    """From a String, Long or Boolean."""
    return integer(int(value)) if _is_whole(value) else None


def to_long(value: Any) -> Long | None:
    """From a String, Integer or Boolean."""
    return long(int(value)) if _is_whole(value) else None


def _is_whole(value: Any) -> bool:
    return type(value) in (int, bool, Long) or (type(value) is str and _WHOLE.fullmatch(value) is not None)


def to_decimal(value: Any) -> Decimal | None:
    """From a String, whole number or Boolean."""
    if type(value) is bool:
        return Decimal("1.0") if value else Decimal("0.0")
    if type(value) in (int, Long, Decimal) or (type(value) is str and _DECIMAL.fullmatch(value)):
        return decimal(Decimal(value))
    return None


def to_string(value: Any, offset: int | None = None) -> str | None:
    """As CQL writes it; a DateTime without its offset where that is ``offset``, that of the evaluation request."""
    kind = type(value)
    if value is None or isinstance(value, str):
        return value
    if kind is bool:
        return "true" if value else "false"
    if kind is Decimal:
        return _decimal_text(value)
    if kind is Quantity:
        return _quantity_text(value)
    if kind is Ratio:
        return f"{_quantity_text(value.numerator)}:{_quantity_text(value.denominator)}"
    if kind is Long:
        return str(int(value))
    if kind is DateTime and (value.offset == offset or len(value.parts) < 4):
        return str(DateTime(value.parts))
    return re.sub("Z$", "+00:00", str(value)) if kind is DateTime else str(value)


def _decimal_text(value: Decimal) -> str:
    text = format(value, "f")
    return text if "." in text else text + ".0"


def _quantity_text(value: Quantity) -> str:
    number = format(value.value, "f")
    if value.calendar:
        return f"{number} {value.unit}{'' if value.value == 1 else 's'}"
    return f"{number} '{value.unit}'"


def to_date(value: Any) -> Date | None:
    """From a String, of which a time is ignored, or a DateTime."""
    if type(value) is str:
        value = temporal.parse("DateTime", value)
    return None if value is None else date_from(value)


def to_datetime(value: Any, offset: int) -> DateTime | None:
    """From a String or Date; ``offset`` (minutes) where it has none."""
    if type(value) is str:
        value = temporal.parse("DateTime", value)
    if value is None:
        return None
    known = to_milliseconds(value)
    return DateTime(known.parts, offset if known.offset is None else known.offset)


def to_time(value: Any) -> Time | None:
    """From a String, with or without a T before; an offset is ignored."""
    if type(value) is str:
        text = _ZONE.sub("", value.removeprefix("T"))
        found = temporal.parse("Time", text)
        return None if found is None else Time(to_milliseconds(found).parts)
    return value if type(value) is Time else None


def to_quantity(value: Any) -> Quantity | None:
    """From a String such as ``5.5 'cm'`` or ``4 days``, a number, or a Ratio by division."""
    if type(value) is Ratio:
        return quantity.divide(value.numerator, value.denominator)
    if type(value) is str:
        return _parsed_quantity(value)
    if type(value) in (int, Long, Decimal):
        number = decimal(Decimal(value))
        return None if number is None else Quantity(number)
    return value if type(value) is Quantity else None


def _parsed_quantity(text: str) -> Quantity | None:
    match = _QUANTITY.fullmatch(text)
    number = decimal(Decimal(match[1])) if match else None
    if match is None or number is None:
        return None
    if match[3]:
        return Quantity(number, CALENDAR[match[3]], True) if match[3] in CALENDAR else None
    unit = match[2] or "1"
    return Quantity(number, unit) if ucum.comparable(unit, unit) else None


def to_ratio(value: Any) -> Ratio | None:
    """From a String: two quantities and a colon."""
    if type(value) is not str:
        return value if type(value) is Ratio else None
    parts = value.split(":")
    found = [_parsed_quantity(part) for part in parts] if len(parts) == 2 else []
    return Ratio(found[0], found[1]) if len(found) == 2 and found[0] and found[1] else None


def to_concept(value: Any) -> Concept | None:
    """From a Code, whose display it takes, or a list of them."""
    if type(value) is list:
        return Concept(tuple(value))
    return Concept((value,), value.display) if type(value) is Code else value


def to_list(value: Any) -> list[Any]:
    """A list of the value; an empty one of null."""
    return [] if value is None else [value]


def to_chars(value: str | None) -> list[str] | None:
    """The characters of a string."""
    return None if value is None else list(value)


def quantity_of(value: Any, unit: str | None, calendar: bool | None = None) -> Quantity:
    """A quantity of a number and a unit, which may be a calendar word in singular or plural."""
    name = unit or "1"
    word = name in CALENDAR if calendar is None else calendar
    return Quantity(Decimal(value), CALENDAR[name] if word else name, word)


def convert_quantity(value: Quantity | None, unit: str | None) -> Quantity | None:
    """``ConvertQuantity``."""
    if value is None or unit is None:
        return None
    target = quantity_of(0, unit)
    if (value.unit, value.calendar) == (target.unit, target.calendar):
        return value
    try:
        goal = CALENDAR_TO_UCUM[target.unit] if target.calendar else target.unit
        number = decimal(ucum.convert(value.value, value.ucum, goal))
    except ucum.UcumError:
        return None
    return None if number is None else Quantity(number, target.unit, target.calendar)


def can_convert_quantity(value: Quantity | None, unit: str | None) -> bool | None:
    """``CanConvertQuantity``."""
    return None if value is None or unit is None else convert_quantity(value, unit) is not None
