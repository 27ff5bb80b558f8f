"""Numbers and quantities: ranges by implicit precision, units compared through UCUM.

http://hl7.org/fhir/R4/search.html#number and #quantity: ``5.4`` searched means [5.35, 5.45).
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

from shangyi.errors import Invalid
from shangyi.store.keys import NONE, REMEMBERED_LENGTH, key

INFINITY = float("inf")
_NUMBER = re.compile(r"[+-]?\d{1,90}(\.\d{1,90})?([eE][+-]?\d{1,3})?", re.ASCII)
UCUM = "http://unitsofmeasure.org"

Range = tuple[float, float]
MOST_DIGITS = 100
"""Of a number in a query, its exponent included."""


def precision(text: str) -> tuple[Decimal, Decimal]:
    """The number searched and half of its last digit."""
    if not _NUMBER.fullmatch(text):
        raise Invalid("{value} is not a number", value=text[:MOST_DIGITS])
    value = Decimal(text)
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return value, Decimal(1).scaleb(exponent) / 2


def size(value: int | Decimal) -> float:
    """As a double; beyond its range the nearest that there is, so that it still sorts where it belongs."""
    try:
        return float(value)
    except OverflowError:
        return INFINITY if value > 0 else -INFINITY


def stored(value: Any) -> Range | None:
    """The range of a number, Quantity, Range or SampledData as it stands in a resource."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        return size(value), size(value)
    if not isinstance(value, dict):
        return None
    number = value.get("value")
    if number is not None and "comparator" not in value:
        point = size(number)
        return point, point
    if "low" in value or "high" in value:
        low = (value.get("low") or {}).get("value")
        high = (value.get("high") or {}).get("value")
        return (-INFINITY if low is None else size(low), INFINITY if high is None else size(high))
    if "lowerLimit" in value or "upperLimit" in value:
        low, high = value.get("lowerLimit"), value.get("upperLimit")
        return (-INFINITY if low is None else size(low), INFINITY if high is None else size(high))
    if number is None:
        return None
    point = size(number)
    match value["comparator"]:
        case "<" | "<=":
            return -INFINITY, point
        case ">" | ">=":
            return point, INFINITY
    return point, point


def unit(value: dict[str, Any]) -> tuple[str, str, str]:
    """System, code and unit text of a Quantity, of the ends of a Range, or of the origin of SampledData."""
    if "value" not in value:
        for inner in (value.get("low"), value.get("high"), value.get("origin")):
            if isinstance(inner, dict):
                value = inner
                break
    return value.get("system", ""), value.get("code", ""), value.get("unit", "")


@lru_cache(maxsize=4096)
def _unit_key(system: str, code: str) -> int:
    return key(f"{system}|{code}") if code else NONE


def unit_key(value: dict[str, Any]) -> int:
    """The key of the unit that a quantity is kept under: system and code, else the unit's text, else none."""
    system, code, text = unit(value)
    known = _unit_key if len(system) + len(code or text) <= REMEMBERED_LENGTH else _unit_key.__wrapped__
    return known(system, code) if code else known("", text)


def compare(prefix: str, low: float, high: float, wanted: Range) -> bool:
    """Whether a stored range fits ``prefix`` and the searched range [first, last).

    For gt, lt, ge, le the implicit precision is put aside (http://hl7.org/fhir/R4/search.html#number): ``wanted``
    is then the number itself twice.
    """
    first, last = wanted
    match prefix:
        case "eq":
            return first <= low and high < last
        case "ne":
            return not (first <= low and high < last)
        case "gt":
            return high > last
        case "lt":
            return low < first
        case "ge":
            return high >= last
        case "le":
            return low <= first
        case "sa":
            return low > last
        case "eb":
            return high < first
    return low <= last and high >= first


def searched(prefix: str, text: str) -> tuple[Decimal, Decimal]:
    """The range that a number in a query stands for under its prefix."""
    value, half = precision(text)
    if prefix in ("eq", "ne"):
        return value - half, value + half
    if prefix == "ap":
        slack = max(abs(value) / 10, half)
        return value - slack, value + slack
    return value, value
