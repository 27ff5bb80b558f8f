"""Values as text for people and as JSON for programs."""

from decimal import Decimal
from typing import Any

from shangyi.query.closures.values import Element
from shangyi.query.cql.closures.program import Fault
from shangyi.query.cql.operators.conversion import to_string
from shangyi.query.cql.values import Code, Concept, Interval, Tuple, Uncertainty
from shangyi.query.quantity import Quantity


def text(value: Any) -> str:
    """On one line, much as CQL writes it; a resource as its reference."""
    kind = type(value)
    if value is None:
        return "null"
    if kind is list:
        return "{ " + ", ".join(map(text, value)) + " }" if value else "{}"
    if kind is Tuple:
        return "Tuple { " + ", ".join(f"{name}: {text(item)}" for name, item in value.elements.items()) + " }"
    if kind is Element:
        return _element(value)
    if kind in (Interval, Uncertainty):
        return _range(value)
    return (
        repr(value)
        if kind is str
        else str(value)
        if kind in (Code, Concept, Fault)
        else to_string(value) or ""
    )


def _range(value: Interval | Uncertainty) -> str:
    if isinstance(value, Uncertainty):
        return f"Interval[{text(value.low)}, {text(value.high)}]"
    left, right = "[" if value.low_closed else "(", "]" if value.high_closed else ")"
    return f"Interval{left}{text(value.low)}, {text(value.high)}{right}"


def _element(value: Element) -> str:
    if isinstance(value.value, dict):
        id_ = value.value.get("id")
        return f"{value.type}/{id_}" if "resourceType" in value.value and id_ else value.type
    return str(value.value)


def plain(value: Any) -> Any:
    """For JSON: elements of FHIR as they are, quantities as FHIR has them, other structures by their elements."""
    kind = type(value)
    if value is None or kind in (bool, int, str, Decimal):
        return value
    if kind is list:
        return [plain(item) for item in value]
    if kind is Tuple:
        return {name: plain(item) for name, item in value.elements.items()}
    if kind is Element:
        return value.value
    if kind is Quantity:
        return {"value": value.value, "unit": value.unit}
    if kind is Code:
        known = {
            "system": value.system,
            "version": value.version,
            "code": value.code,
            "display": value.display,
        }
        return {name: item for name, item in known.items() if item is not None}
    if kind is Concept:
        return {"coding": [plain(code) for code in value.codes], "text": value.display}
    return text(value)
