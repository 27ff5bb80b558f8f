"""Formats of the primitive types (http://hl7.org/fhir/R4/datatypes.html#primitive)."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

YEAR = r"(?!0000)\d{4}"
DATE = rf"{YEAR}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?"
TIME = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
ZONE = r"(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))"
FULL_DATE = rf"{YEAR}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"

PATTERNS = {
    "base64Binary": r"[0-9a-zA-Z+/=\s]*",  # and four characters at a time
    "canonical": r"\S+",
    "code": r"[^\s]++(\s[^\s]++)*+",
    "date": DATE,
    "dateTime": rf"{DATE}|{FULL_DATE}T{TIME}{ZONE}",
    "id": r"[A-Za-z0-9\-.]{1,64}",
    "instant": rf"{FULL_DATE}T{TIME}{ZONE}",
    "markdown": r"[^\x00-\x08\x0b\x0c\x0e-\x1f]*\S[^\x00-\x08\x0b\x0c\x0e-\x1f]*",
    "oid": r"urn:oid:[0-2](\.(0|[1-9]\d*+))++",
    "string": r"[^\x00-\x08\x0b\x0c\x0e-\x1f]*\S[^\x00-\x08\x0b\x0c\x0e-\x1f]*",
    "time": TIME,
    "uri": r"\S+",
    "url": r"\S+",
    "uuid": r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
}
INTEGERS = {"integer": -(2**31), "unsignedInt": 0, "positiveInt": 1}
"""Least value of each; the greatest is 2 147 483 647."""

LONGEST_STRING = 1024 * 1024
MOST_DIGITS, LARGEST_EXPONENT = 800, 999
"""Of a decimal. The specification asks for 18 digits; beyond these bounds a number only serves to exhaust a machine."""

_CALENDAR = frozenset({"date", "dateTime", "instant"})


def _calendar(value: str) -> bool:
    if len(value) < 10:
        return True
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True


def _text(name: str) -> Callable[[Any], bool]:
    matches = re.compile(PATTERNS[name], re.DOTALL).fullmatch
    if name in _CALENDAR:
        return lambda value: type(value) is str and matches(value) is not None and _calendar(value)
    return lambda value: type(value) is str and len(value) <= LONGEST_STRING and matches(value) is not None


def _integer(least: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= 2**31 - 1


_BOUND: int = 10**MOST_DIGITS


def _decimal(value: Any) -> bool:
    if type(value) is int:
        return abs(value) < _BOUND
    if type(value) is not Decimal or not value.is_finite():
        return False
    if -60 < value.adjusted() < 60 and len(str(value)) < 60:
        return True  # within the bounds by far, as nearly all; as_tuple is ten times as slow
    _, digits, exponent = value.as_tuple()
    return len(digits) <= MOST_DIGITS and -MOST_DIGITS <= int(exponent) <= LARGEST_EXPONENT


_base64 = re.compile(PATTERNS["base64Binary"], re.ASCII).fullmatch
_BLANKS = " \t\n\r\f\v"


def _base64_binary(value: Any) -> bool:
    if type(value) is not str or _base64(value) is None:
        return False
    size = len(value) - sum(map(value.count, _BLANKS))
    return size % 4 == 0 and (size > 0 or not value)


CHECKS: dict[str, Callable[[Any], bool]] = {
    **{name: _text(name) for name in PATTERNS if name != "base64Binary"},
    "base64Binary": _base64_binary,
    **{name: _integer(least) for name, least in INTEGERS.items()},
    "decimal": _decimal,
    "boolean": lambda value: type(value) is bool,
    "xhtml": lambda value: type(value) is str,
}
"""By type: whether a JSON value is one."""
