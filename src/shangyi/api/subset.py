"""``_summary`` and ``_elements`` (http://hl7.org/fhir/R4/search.html#summary): a part of a resource, tagged SUBSETTED."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cache
from typing import Any

from shangyi.api.call import Call
from shangyi.errors import Invalid
from shangyi.fhir import definitions

Resource = dict[str, Any]
TAG = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
MODES = ("true", "text", "data", "count", "false")
KEPT = frozenset({"resourceType", "id", "meta"})


@dataclass(frozen=True, slots=True)
class Subset:
    """Which part: a mode of ``_summary``, or the top-level elements of ``_elements``, by type where they name one."""

    mode: str = ""
    elements: frozenset[str] = frozenset()

    @classmethod
    def asked(cls, call: Call) -> "Subset | None":
        """What this request asks for; None for the whole. Invalid for a mode that does not exist, or for both."""
        mode = call.one("_summary")
        named = [value for name, value in call.parameters if name == "_elements"]
        elements = frozenset(part.strip() for value in named for part in value.split(",") if part.strip())
        if mode is not None and mode not in MODES:
            raise Invalid("{name} takes {values}", name="_summary", values=", ".join(MODES))
        if elements and mode not in (None, "false"):
            raise Invalid("_summary and _elements cannot be used together")
        if elements:
            return cls(elements=elements)
        return cls(mode=mode) if mode not in (None, "false") else None

    def apply(self, resource: Resource, included: bool = False) -> Resource:
        """The part of this resource that was asked for, elements in their order.

        ``included``: not what was searched; ``_elements`` cuts that only where it names its type (``Patient.name``).
        """
        if not resource:
            return resource
        type_ = resource["resourceType"]
        match self.mode:
            case "true":
                part = _summary(type_, resource)
            case "text":
                part = _only(resource, type_, _mandatory(type_) | {"text"})
            case "data":
                part = {name: value for name, value in resource.items() if name != "text"}
            case _:
                own = {name.partition(".")[2] for name in self.elements if name.startswith(type_ + ".")}
                if included and not own:
                    return resource
                named = own | {name for name in self.elements if "." not in name and not included}
                part = _only(resource, type_, _mandatory(type_) | _modifiers(type_) | named)
        meta = dict(part.get("meta", {}))
        meta["tag"] = [*meta.get("tag", []), TAG]
        # meta stands where FHIR's order has it: after id
        head: Resource = {name: part.pop(name) for name in ("resourceType", "id") if name in part}
        part.pop("meta", None)
        return {**head, "meta": meta, **part}


def _only(resource: Resource, type_: str, kept: Set[str]) -> Resource:
    return {name: value for name, value in resource.items() if _stem(name, type_) in kept or name in KEPT}


def _summary(type_: str, value: Resource) -> Resource:
    """The elements in the summary, within backbone elements too; what the definition demands stays."""
    kept = _summary_elements(type_) | (
        _mandatory(type_) if type_[:1].isupper() and "." not in type_ else set()
    )
    properties = definitions.structure(type_).properties
    found: Resource = {}
    for name, item in value.items():
        if name in KEPT or _stem(name, type_) in kept or (name == "extension" and "." in type_):
            found[name] = _within(properties[name][1], item) if name in properties else item
    return found


def _within(type_: str, item: Any) -> Any:
    if "." not in type_:
        return item
    if isinstance(item, list):
        return [_within(type_, one) for one in item]
    return _summary(type_, item) if isinstance(item, dict) else item


@cache
def _summary_elements(type_: str) -> frozenset[str]:
    return frozenset(element.name for element in definitions.structure(type_).elements if element.is_summary)


@cache
def _mandatory(type_: str) -> frozenset[str]:
    return frozenset(element.name for element in definitions.structure(type_).elements if element.min > 0)


@cache
def _modifiers(type_: str) -> frozenset[str]:
    """What changes the meaning of the rest (a Patient that is dead, not active) is never left out."""
    return frozenset(element.name for element in definitions.structure(type_).elements if element.is_modifier)


@cache
def _choices(type_: str) -> Mapping[str, str]:
    """JSON name → element name: ``valueQuantity`` → ``value``."""
    return {name: element.name for name, (element, _) in definitions.structure(type_).properties.items()}


def _stem(name: str, type_: str) -> str:
    """The element's name in its definition: ``value`` for ``valueQuantity``, ``birthDate`` for ``_birthDate``."""
    name = name.lstrip("_")
    return _choices(type_).get(name, name)
