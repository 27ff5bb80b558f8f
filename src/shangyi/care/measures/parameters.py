"""Values of CQL as Parameters of FHIR, and back (http://hl7.org/fhir/uv/cql, Parameters of $evaluate)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from shangyi.errors import operation_outcome
from shangyi.query.closures.values import Element
from shangyi.query.cql.closures import show
from shangyi.query.cql.closures.fhirhelpers import to_value
from shangyi.query.cql.closures.program import Fault
from shangyi.query.cql.values import (
    Code,
    Concept,
    Date,
    DateTime,
    Interval,
    Long,
    Quantity,
    Ratio,
    Time,
    Tuple,
)
from shangyi.query.errors import EvaluationError

Resource = dict[str, Any]
UNKNOWN = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    ]
}
EMPTY = {
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/cqf-isEmptyList", "valueBoolean": True}]
}
UCUM = "http://unitsofmeasure.org"


def written(values: Mapping[str, Any]) -> Resource:
    """Parameters: one for each definition, of a list one for each item; a fault is an OperationOutcome."""
    return {
        "resourceType": "Parameters",
        "parameter": [entry for name, value in values.items() for entry in _entries(name, value)],
    }


def _entries(name: str, value: Any) -> Iterator[Resource]:
    if isinstance(value, Fault):
        yield {"name": name, "resource": _outcome(value.error)}
    elif value is None:
        yield {"name": name, "_valueBoolean": UNKNOWN}
    elif isinstance(value, list) and not value:
        yield {"name": name, "_valueBoolean": EMPTY}
    elif isinstance(value, list):
        for item in value:
            yield from _entries(name, item)
    elif isinstance(value, Tuple):
        yield {"name": name, "part": [e for key, item in value.elements.items() for e in _entries(key, item)]}
    elif isinstance(value, Element) and isinstance(value.value, dict) and "resourceType" in value.value:
        yield {"name": name, "resource": value.value}
    else:
        key, found = _valued(value)
        yield {"name": name, f"value{key}": found}


def _outcome(error: EvaluationError) -> Resource:
    place = f"{error.library}:{error.line}:{error.column}" if error.line else None
    return operation_outcome(replace(issue, place=place) for issue in error.issues)


def _valued(value: Any) -> tuple[str, Any]:
    match value:
        case Element():
            return f"{value.type[0].upper()}{value.type[1:]}", value.value
        case bool():
            return "Boolean", value
        case Long():
            return "String", str(int(value))
        case int():
            return "Integer", value
        case Decimal():
            return "Decimal", value
        case str():
            return "String", value
        case Date():
            return "Date", str(value)
        case DateTime():
            return "DateTime", str(value)
        case Time():
            return "Time", str(value)
        case Quantity():
            return "Quantity", _quantity(value)
        case Ratio():
            return "Ratio", {
                "numerator": _quantity(value.numerator),
                "denominator": _quantity(value.denominator),
            }
        case Code():
            return "Coding", show.plain(value)
        case Concept():
            found = {"coding": [show.plain(code) for code in value.codes], "text": value.display}
            return "CodeableConcept", {name: part for name, part in found.items() if part}
        case Interval():
            return _interval(value)
    return "String", show.text(value)


def _quantity(value: Quantity) -> Resource:
    return {"value": value.value, "unit": value.unit, "system": UCUM, "code": value.ucum}


def _interval(value: Interval) -> tuple[str, Any]:
    ends = [end for end in (value.low, value.high) if end is not None]
    if ends and all(isinstance(end, Date | DateTime) for end in ends):
        found = {"start": value.low, "end": value.high}
        return "Period", {name: str(end) for name, end in found.items() if end is not None}
    if ends and all(isinstance(end, Quantity) for end in ends):
        found = {"low": value.low, "high": value.high}
        return "Range", {name: _quantity(end) for name, end in found.items() if end is not None}
    return "String", show.text(value)


def read(parameters: Resource, offset: int) -> dict[str, Any]:
    """The values of a Parameters resource by name; a name that comes again makes a list."""
    found: dict[str, list[Any]] = {}
    for entry in parameters.get("parameter") or ():
        key = next((name for name in entry if name.startswith("value")), None)
        if key is not None:
            kind = key.removeprefix("value")
            type_ = kind if kind in COMPLEX else kind[0].lower() + kind[1:]
            found.setdefault(str(entry["name"]), []).append(to_value(Element(entry[key], type_), offset))
        elif "resource" in entry:
            resource = entry["resource"]
            found.setdefault(str(entry["name"]), []).append(Element(resource, resource["resourceType"]))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


COMPLEX = frozenset(
    {"Quantity", "Age", "Duration", "Period", "Range", "Ratio", "Coding", "CodeableConcept", "Reference"}
)
