"""FHIRHelpers 4.0.1: the conversions from FHIR to System types that every library over FHIR relies on.

They behave as the published library does: a quantity with a comparator becomes an interval only where it is asked
for one; a period's null end is closed (it goes on), its null start is open (not known).
"""

from collections.abc import Callable
from typing import Any

from shangyi.query.closures.values import Element
from shangyi.query.cql.closures.fhir import element_property, primitive
from shangyi.query.cql.operators.conversion import quantity_of
from shangyi.query.cql.operators.intervals import make
from shangyi.query.cql.values import Code, Concept, Interval, Quantity, Ratio, ValueSet
from shangyi.query.errors import EvaluationError

Function = Callable[..., Any]
_CALENDAR = {
    "s": "second",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "wk": "week",
    "mo": "month",
    "a": "year",
    "ms": "millisecond",
}
_COMPARATORS = {
    "<": (None, True, False),
    "<=": (None, True, True),
    ">=": (True, True, True),
    ">": (True, False, True),
}


def _value(element: Element, name: str, offset: int) -> Any:
    found = element_property(element, name, offset)
    return primitive(found, offset) if type(found) is Element else found


def to_system(value: Any, offset: int) -> Any:
    """``ToString``, ``ToInteger``, ``ToDateTime`` …: the System value of a primitive."""
    return primitive(value, offset) if type(value) is Element else value


def to_quantity(value: Any, offset: int) -> Quantity | None:
    """``ToQuantity``; EvaluationError where there is a comparator, which a single value would hide."""
    found = _quantity(value, offset)
    if found is not None and _value(value, "comparator", offset) is not None:
        raise EvaluationError("A quantity with a comparator is no single value")
    return found


def _quantity(value: Any, offset: int) -> Quantity | None:
    if type(value) is not Element:
        return value if type(value) is Quantity else None
    number = _value(value, "value", offset)
    if number is None:
        return None
    code, unit = _value(value, "code", offset), _value(value, "unit", offset)
    system = _value(value, "system", offset)
    if system is not None and system not in (
        "http://unitsofmeasure.org",
        "http://hl7.org/fhirpath/CodeSystem/calendar-units",
    ):
        raise EvaluationError("{system} is no system of units that CQL knows", system=system)
    name = code or unit or "1"
    return quantity_of(number, _CALENDAR.get(name, name))


def to_interval(value: Any, offset: int) -> Interval | None:
    """``ToInterval`` of a Period, a Range, or a Quantity with a comparator."""
    if type(value) is not Element:
        return value if type(value) is Interval else None
    if value.type == "Period":
        return _period(_value(value, "start", offset), _value(value, "end", offset))
    if value.type == "Range":
        low, high = (_part(value, name, offset) for name in ("low", "high"))
        return None if low is None and high is None else make(low, high)
    return _compared(value, offset)


def _period(start: Any, end: Any) -> Interval:
    return make(start, end, start is not None, True, "DateTime")


def _part(value: Element, name: str, offset: int) -> Quantity | None:
    return _quantity(element_property(value, name, offset), offset)


def _compared(value: Element, offset: int) -> Interval | None:
    number = _quantity(value, offset)
    if number is None:
        return None
    comparator = _value(value, "comparator", offset)
    if comparator is None:
        return Interval(number, number)
    low, low_closed, high_closed = _COMPARATORS[comparator]
    if low is None:
        return Interval(None, number, low_closed, high_closed)
    return Interval(number, None, low_closed, high_closed)


def to_ratio(value: Any, offset: int) -> Ratio | None:
    """``ToRatio``."""
    if type(value) is not Element:
        return value if type(value) is Ratio else None
    numerator, denominator = (_part(value, name, offset) for name in ("numerator", "denominator"))
    return Ratio(numerator, denominator) if numerator is not None and denominator is not None else None


def to_code(value: Any, offset: int) -> Code | None:
    """``ToCode`` of a Coding."""
    if type(value) is not Element:
        return value if type(value) is Code else None
    code, system, version, display = (
        _value(value, name, offset) for name in ("code", "system", "version", "display")
    )
    return Code(code, system, version, display)


def to_concept(value: Any, offset: int) -> Concept | None:
    """``ToConcept`` of a CodeableConcept (or CodeableReference)."""
    if type(value) is not Element:
        return Concept((value,), value.display) if type(value) is Code else value
    if value.type == "Coding":
        return Concept((to_code(value, offset),))
    codings = element_property(value, "coding", offset) or ()
    return Concept(tuple(to_code(coding, offset) for coding in codings), _value(value, "text", offset))


def to_valueset(value: Any, offset: int) -> ValueSet | None:
    """``ToValueSet`` of a canonical or uri."""
    url = to_system(value, offset)
    return None if url is None else ValueSet(url)


def _ignoring_comparator(value: Any, offset: int) -> Quantity | None:
    return _quantity(value, offset)


def _unit(value: str | None, offset: int) -> str | None:
    return None if value is None else _CALENDAR.get(value, value)


def to_value(value: Any, offset: int) -> Any:
    """``ToValue``: any of these, by what the value is; what has no System type stays as it is."""
    if type(value) is not Element:
        return value
    convert = _BY_TYPE.get(value.type)
    if convert is not None:
        return convert(value, offset)
    return value if isinstance(value.value, dict) else primitive(value, offset)


_BY_TYPE: dict[str, Function] = {
    **dict.fromkeys(("Quantity", "Age", "Duration", "Distance", "Count", "Money"), to_quantity),
    **dict.fromkeys(("Period", "Range"), to_interval),
    "Ratio": to_ratio,
    "Coding": to_code,
    "CodeableConcept": to_concept,
}
_PRIMITIVES = ("ToString", "ToBoolean", "ToInteger", "ToDecimal", "ToDate", "ToDateTime", "ToTime")
FUNCTIONS: dict[str, Function] = {
    **dict.fromkeys(_PRIMITIVES, to_system),
    "ToQuantity": to_quantity,
    "ToQuantityIgnoringComparator": _ignoring_comparator,
    "ToInterval": to_interval,
    "ToRatio": to_ratio,
    "ToCode": to_code,
    "ToConcept": to_concept,
    "ToValueSet": to_valueset,
    "ToCalendarUnit": _unit,
    "ToValue": to_value,
}
"""Each takes its operand and the offset of the evaluation in minutes."""
