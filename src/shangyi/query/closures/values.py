"""Items at run time: System values are Python values, elements of FHIR are boxed with their type and their place.

| System type | Python |
|---|---|
| Boolean, String, Integer, Decimal | bool, str, int, ``decimal.Decimal`` |
| Date, DateTime, Time, Quantity | the classes of ``query.temporal`` and ``query.quantity`` |
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any

from shangyi.fhir import definitions
from shangyi.query import temporal
from shangyi.query.errors import EvaluationError
from shangyi.query.model import FHIR, Form, system_of
from shangyi.query.quantity import UCUM_TO_CALENDAR, Quantity
from shangyi.query.types import ItemType

Item = Any
Collection = list[Any]
UCUM = "http://unitsofmeasure.org"
_CALENDAR = {**UCUM_TO_CALENDAR, "a": "year", "mo": "month"}


class Element:
    """A FHIR value: ``value`` as in JSON, ``extra`` the id and extensions beside a primitive's value.

    ``parent``, ``name`` and ``index`` say where it stands; a resource that nothing holds has no parent.
    """

    __slots__ = ("extra", "index", "name", "parent", "type", "value")

    def __init__(
        self,
        value: Any,
        type_: str,
        extra: dict[str, Any] | None = None,
        parent: "Element | None" = None,
        name: str = "",
        index: int | None = None,
    ) -> None:
        self.value, self.type, self.extra = value, type_, extra
        self.parent, self.name, self.index = parent, name, index

    def __repr__(self) -> str:
        return f"Element({self.type}, {self.value!r})"

    @property
    def members(self) -> dict[str, Any]:
        """What stands below: the object itself, or what is beside a primitive's value."""
        if type(self.value) is dict:
            return self.value
        return self.extra or {}

    @property
    def item_type(self) -> ItemType:
        """Its type."""
        return ItemType("FHIR", self.type)


class Reflection:
    """What ``type()`` gives (http://hl7.org/fhirpath/N1/#reflection)."""

    __slots__ = ("base", "name", "namespace")

    def __init__(self, namespace: str, name: str, base: str) -> None:
        self.namespace, self.name, self.base = namespace, name, base

    def get(self, name: str) -> Collection:
        """An element of it."""
        found = {"namespace": self.namespace, "name": self.name, "baseType": self.base}.get(name)
        return [] if found is None else [found]


def resource(
    value: dict[str, Any], parent: Element | None = None, name: str = "", index: int | None = None
) -> Element:
    """A resource, boxed."""
    return Element(value, _resource_type(value), None, parent, name, index)


def named(element: Element, name: str) -> Collection:
    """The children of that name, by the element's own type."""
    found = by_forms(element, name, _forms(element.type, name))
    if not found and name == "value" and definitions.is_primitive(element.type):
        value = system(element)
        return [] if value is None else [value]
    return found


@cache
def _forms(type_name: str, name: str) -> tuple[Form, ...]:
    return FHIR.forms(ItemType("FHIR", type_name), name)


def by_forms(element: Element, name: str, forms: tuple[Form, ...]) -> Collection:
    """The children of that name, written in one of these forms."""
    members = element.members
    found: Collection = []
    for form in forms:
        raw = members.get(form.key)
        extra = members.get("_" + form.key) if form.primitive else None
        if raw is None and extra is None:
            continue
        if form.many:
            found += _many(raw, extra, form.type.name, element, name)
        else:
            found.append(_child(raw, extra, form.type.name, element, name, None))
    return found


def _many(raw: Any, extra: Any, type_name: str, parent: Element, name: str) -> Iterator[Element]:
    values = raw if isinstance(raw, list) else []
    extras = extra if isinstance(extra, list) else []
    for index in range(max(len(values), len(extras))):
        value = values[index] if index < len(values) else None
        beside = extras[index] if index < len(extras) else None
        if value is not None or beside is not None:
            yield _child(value, beside, type_name, parent, name, index)


def _child(value: Any, extra: Any, type_name: str, parent: Element, name: str, index: int | None) -> Element:
    if type_name == "Resource" and isinstance(value, dict):
        type_name = _resource_type(value)
    return Element(value, type_name, extra if isinstance(extra, dict) else None, parent, name, index)


def _resource_type(value: dict[str, Any]) -> str:
    """What a resource says it is; ``Resource`` where R4 has no such type."""
    name = value.get("resourceType")
    return name if isinstance(name, str) and definitions.is_resource_type(name) else "Resource"


@cache
def _layout(type_name: str) -> dict[str, tuple[str, Form]]:
    """What stands under each key of a type in JSON: the name of the element, and its form; ``_key`` too."""
    owner = ItemType("FHIR", type_name)
    found: dict[str, tuple[str, Form]] = {}
    for name in FHIR.elements(owner):
        for form in FHIR.forms(owner, name):
            found[form.key] = (name, form)
            if form.primitive:
                found["_" + form.key] = (name, form)
    return found


def children(element: Element) -> Collection:
    """All children, in the order in which they are written."""
    members = element.members
    if not members:
        return []
    layout = _layout(element.type)
    found: Collection = []
    for key, value in members.items():
        known = layout.get(key)
        if known is None:
            continue
        name, form = known
        extra = members.get("_" + form.key) if form.primitive else None
        if key != form.key:  # beside a value: that brings it along
            if form.key in members:
                continue
            value = None
        if form.many:
            found += _many(value, extra, form.type.name, element, name)
        else:
            found.append(_child(value, extra, form.type.name, element, name, None))
    return found


def descendants(element: Element) -> Collection:
    """All below, each before its own children."""
    found: Collection = []
    _collect(element, found)
    return found


def _collect(element: Element, found: Collection) -> None:
    for child in children(element):
        found.append(child)
        if child.extra or type(child.value) is dict:
            _collect(child, found)


def system(item: Item) -> Item | None:
    """The System value that an item is implicitly converted to; the item itself where it has none.

    None where a primitive has no value, or what it holds is none of its type.
    """
    if type(item) is not Element:
        return item
    of = system_of(item.type)
    if of is None:
        return item
    value = item.value
    match of.name:
        case "String" | "Boolean" | "Integer":
            return value
        case "Decimal":
            return value if value is None or type(value) is Decimal else Decimal(value)
        case "Quantity":
            return quantity(value) or item
    return temporal.parse(of.name, value) if isinstance(value, str) else None


def quantity(value: Any) -> Quantity | None:
    """A FHIR Quantity as one of FHIRPath (http://hl7.org/fhir/R4/fhirpath.html#quantity); None with a comparator."""
    if not isinstance(value, dict) or "comparator" in value:
        return None
    number = value.get("value")
    if type(number) is int:
        number = Decimal(number)
    if type(number) is not Decimal:
        return None
    code = value.get("code")
    if code is None:
        return Quantity(number, value.get("unit") or "1") if "system" not in value else None
    if value.get("system") == UCUM and code in _CALENDAR:
        return Quantity(number, _CALENDAR[code], True)
    return Quantity(number, code)


def single(items: Collection) -> Item | None:
    """The one item, None of an empty collection; EvaluationError where there are several."""
    if not items:
        return None
    if len(items) > 1:
        raise EvaluationError("One value is needed here, not {count}", count=len(items))
    return items[0]


def single_value(items: Collection) -> Item | None:
    """The one item as a System value."""
    return system(single(items)) if items else None


def truth(items: Collection) -> bool | None:
    """A collection where a Boolean is needed: any other single item counts as true
    (http://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections)."""
    if not items:
        return None
    value = system(single(items))
    if value is None or type(value) is bool:
        return value
    return True


def boolean(value: bool | None) -> Collection:
    """A three-valued answer as a collection."""
    return [] if value is None else [value]


def type_of(item: Item) -> ItemType:
    """The type of an item."""
    if type(item) is Element:
        return ItemType("FHIR", item.type)
    name = _NAMES.get(type(item)) or getattr(item, "kind", "") or "Any"
    return ItemType("System", name)


_NAMES: dict[type, str] = {
    bool: "Boolean",
    str: "String",
    int: "Integer",
    Decimal: "Decimal",
    Quantity: "Quantity",
    Reflection: "ClassInfo",
}
