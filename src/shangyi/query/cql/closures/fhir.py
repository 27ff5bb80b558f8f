"""Elements of FHIR: properties, instances, and their types as CQL's model names them."""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from shangyi.errors import NotSupported
from shangyi.fhir import definitions
from shangyi.query.closures.values import Element, by_forms, system
from shangyi.query.cql.operators.temporal import whole_seconds
from shangyi.query.cql.values import (
    Code,
    CodeSystem,
    Concept,
    DateTime,
    Interval,
    Quantity,
    Ratio,
    Tuple,
    ValueSet,
)
from shangyi.query.errors import EvaluationError
from shangyi.query.model import FHIR, Form
from shangyi.query.temporal import Temporal
from shangyi.query.types import ItemType


@cache
def _forms(type_name: str, name: str) -> tuple[Form, ...]:
    return FHIR.forms(ItemType("FHIR", type_name), name)


def element_property(element: Element, name: str, offset: int) -> Any:
    """A child by name: a list where FHIR has many, the System value for ``value`` of a primitive, else None."""
    forms = _forms(element.type, name)
    if not forms:
        if name == "value" and definitions.is_primitive(element.type):
            return primitive(element, offset)
        return None
    found = by_forms(element, name, forms)
    if forms[0].many:
        return found
    return found[0] if found else None


def primitive(element: Element, offset: int) -> Any:
    """The System value of a primitive; a date and time without a zone is taken at ``offset``.

    FHIR's seconds without a fraction are whole seconds: where milliseconds are not specified, calculation goes as if
    they were 0 (02, Date and Time Operators). Only literals of CQL can leave them open.
    """
    value = system(element)
    if isinstance(value, Temporal):
        value = whole_seconds(value)
        return DateTime(value.parts, offset) if type(value) is DateTime and value.offset is None else value
    return value


_INTERVAL: dict[str, Callable[[Interval], Any]] = {
    "low": lambda i: i.low,
    "high": lambda i: i.high,
    "lowClosed": lambda i: i.low_closed,
    "highClosed": lambda i: i.high_closed,
}
_NAMES: dict[type, dict[str, str]] = {
    Code: {"code": "code", "system": "system", "version": "version", "display": "display"},
    Concept: {"display": "display"},
    Ratio: {"numerator": "numerator", "denominator": "denominator"},
    ValueSet: {"id": "id", "version": "version", "name": "name"},
    CodeSystem: {"id": "id", "version": "version", "name": "name"},
}


def get(value: Any, name: str, offset: int) -> Any:
    """``value.name`` of anything; None of null."""
    kind = type(value)
    if kind is Element:
        return element_property(value, name, offset)
    if value is None:
        return None
    if kind is Tuple:
        return value.elements.get(name)
    if kind is list:
        return [found for item in value for found in _spread(get(item, name, offset))]
    if kind is Interval and name in _INTERVAL:
        return _INTERVAL[name](value)
    if kind is Quantity and name in ("value", "unit"):
        return value.value if name == "value" else _unit(value)
    if kind is Concept and name == "codes":
        return list(value.codes)
    if kind is ValueSet and name == "codesystems":
        return list(value.codesystems)
    if kind in _NAMES and name in _NAMES[kind]:
        return getattr(value, _NAMES[kind][name])
    if name == "value":  # of what has been converted to a System value already
        return value
    raise EvaluationError("{type} has no element {name}", type=kind.__name__, name=name)


def _spread(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _unit(value: Quantity) -> str:
    return value.unit + ("s" if value.calendar and value.value != 1 else "")


def children(value: Any) -> list[Any] | None:
    """``Children``: the values of all elements, lists spread."""
    if value is None:
        return None
    if type(value) is list:
        return [child for item in value for child in children(item) or ()]
    if type(value) is Tuple:
        return [child for item in value.elements.values() for child in _spread(item)]
    if type(value) is Element:
        from shangyi.query.closures.values import children as fhir_children

        return fhir_children(value)
    return []


def descendants(value: Any) -> list[Any] | None:
    """``Descendents``: the children, theirs, and so on."""
    if value is None:
        return None
    found: list[Any] = []
    waiting = children(value) or []
    while waiting:
        child, *waiting = waiting
        found.append(child)
        waiting = (children(child) or []) + waiting
    return found


# --- Types


def is_type(value: Element, name: str) -> bool:
    """Whether an element is of a type of FHIR's ModelInfo or one derived from it.

    ModelInfo writes ``Observation.Component`` for a component and has a type for each required binding
    (``ObservationStatus``), whose values are codes.
    """
    own = value.type
    return own == name or _derives(own, name)


@cache
def _derives(own: str, name: str) -> bool:
    if own.casefold() == name.casefold():
        return True
    try:
        if name in definitions.ancestors(own):
            return True
    except NotSupported:
        return False
    return own == "code" and name not in definitions.type_names() and "." not in name


# --- Instances


def instance(type_name: str, elements: dict[str, Any]) -> Element:
    """``FHIR.X { name: value }`` as an element."""
    owner = ItemType("FHIR", type_name)
    if definitions.is_primitive(type_name):
        return Element(_json(elements.get("value")), type_name)
    members: dict[str, Any] = {}
    if definitions.is_resource_type(type_name):
        members["resourceType"] = type_name
    for name, value in elements.items():
        if value is not None:
            members[_key(owner, name, value)] = _json(value)
    return Element(members, type_name)


def _key(owner: ItemType, name: str, value: Any) -> str:
    forms = FHIR.forms(owner, name)
    if len(forms) == 1 or type(value) is not Element:
        return forms[0].key if forms else name
    return next((form.key for form in forms if form.type.name == value.type), name)


def _json(value: Any) -> Any:
    if type(value) is Element:
        return value.value
    if type(value) is list:
        return [_json(item) for item in value]
    return str(value) if isinstance(value, Temporal) else value


def system_instance(type_name: str, elements: dict[str, Any]) -> Any:
    """``System.Code { … }`` and the other structures of System."""
    get = elements.get
    match type_name:
        case "Quantity":
            from shangyi.query.cql.operators.conversion import quantity_of

            return None if get("value") is None else quantity_of(Decimal(elements["value"]), get("unit"))
        case "Code":
            return Code(get("code"), get("system"), get("version"), get("display"))
        case "Concept":
            codes = get("codes")
            spread = codes if isinstance(codes, list) else [codes]
            return Concept(tuple(spread), get("display"))
        case "Ratio":
            return Ratio(elements["numerator"], elements["denominator"])
        case "ValueSet":
            return ValueSet(get("id"), get("version"), get("name"), tuple(get("codesystems") or ()))
        case "CodeSystem":
            return CodeSystem(get("id"), get("version"), get("name"))
    raise EvaluationError("No instance of {type} can be made", type=type_name)
