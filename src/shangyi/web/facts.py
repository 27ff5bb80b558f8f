"""Values of CQL as a person reads them: yes or no, a number with its unit, a resource as what, when and how much."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shangyi.query.closures.values import Element
from shangyi.query.cql.closures.fhirhelpers import to_quantity
from shangyi.query.cql.closures.show import text as written
from shangyi.query.cql.values import Date, DateTime, Interval, Tuple
from shangyi.query.quantity import Quantity
from shangyi.web import formats
from shangyi.web.resident.reading import when
from shangyi.web.wording import concept

MOST = 20
"""Items of a list that are shown."""
UNITS = {"mm[Hg]": "mmHg", "1": "", "Cel": "℃", "/min": "/min", "{score}": ""}


@dataclass(frozen=True, slots=True)
class Fact:
    """``text`` to read; ``href`` the record behind it; ``tone`` of a yes or no."""

    text: str
    href: str = ""
    tone: str = ""


def facts(value: Any, text: Callable[..., str], language: str) -> list[Fact]:
    """What a value says, item by item; nothing for null."""
    if value is None:
        return []
    if isinstance(value, bool):
        return [Fact(text("Yes"), tone="good") if value else Fact(text("No"), tone="no")]
    if isinstance(value, list):
        shown = [fact for item in value[:MOST] for fact in facts(item, text, language)]
        if len(value) > MOST:
            shown.append(Fact(text("and {n} more", n=len(value) - MOST)))
        return shown
    if isinstance(value, Element):
        return [_element(value, language)]
    if isinstance(value, Tuple):
        parts = [
            f"{name} {', '.join(f.text for f in facts(item, text, language))}"
            for name, item in value.elements.items()
            if item is not None
        ]
        return [Fact(" · ".join(parts))]
    if isinstance(value, Quantity):
        return [Fact(_quantity(value.value, value.unit))]
    if isinstance(value, DateTime | Date):
        return [Fact(_moment(str(value)))]
    if isinstance(value, Interval):
        low, high = (
            ", ".join(fact.text for fact in facts(end, text, language)) for end in (value.low, value.high)
        )
        return [Fact(f"{low} – {high}")]
    if isinstance(value, Decimal | int):
        return [Fact(str(value))]
    return [Fact(value if isinstance(value, str) else written(value))]


def _moment(value: str) -> str:
    try:
        return dt.datetime.fromisoformat(value).astimezone(formats.ZONE).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return value


def _quantity(value: object, unit: str | None) -> str:
    shown = UNITS.get(unit or "1", unit or "")
    return f"{value}{formats.THIN_SPACE}{shown}" if shown else str(value)


def _element(value: Element, language: str) -> Fact:
    inside = value.value
    if not isinstance(inside, dict):
        return Fact(_moment(str(inside)) if isinstance(inside, str) and "T" in inside[10:11] else str(inside))
    if value.type == "Quantity":
        found = to_quantity(value, 0)
        return Fact(_quantity(found.value, found.unit)) if found is not None else Fact("")
    if "resourceType" not in inside:
        return Fact(concept(inside, language) or value.type)
    href = f"/records/{value.type}/{inside['id']}" if inside.get("id") else ""
    parts = [formats.date(when(inside), language), named(inside, language), measured(inside)]
    return Fact(" ".join(part for part in parts if part) or value.type, href)


def named(resource: Mapping[str, Any], language: str) -> str:
    """The words of what a resource is about."""
    for name in ("code", "medicationCodeableConcept", "vaccineCode", "type"):
        found = resource.get(name)
        found = found[0] if isinstance(found, list) and found else found
        if isinstance(found, dict) and (words := concept(found, language)):
            return words
    return str(resource.get("resourceType", ""))


def measured(resource: Mapping[str, Any]) -> str:
    """The value of an observation, both of a panel."""
    quantities = [part.get("valueQuantity") for part in (resource, *resource.get("component", ()))]
    found = [quantity for quantity in quantities if quantity and "value" in quantity]
    if not found:
        return ""
    unit = str(found[0].get("unit") or found[0].get("code") or "")
    return _quantity("/".join(str(quantity["value"]) for quantity in found), unit)
