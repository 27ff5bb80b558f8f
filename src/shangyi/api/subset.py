"""``_summary`` and ``_elements`` (http://hl7.org/fhir/R4/search.html#summary): a part of a resource, tagged SUBSETTED."""

from collections.abc import Mapping
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
    """Which part: a mode of ``_summary``, or the top-level elements of ``_elements``."""

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
            return cls(elements=frozenset(name.rpartition(".")[2] for name in elements))
        return cls(mode=mode) if mode not in (None, "false") else None

    def apply(self, resource: Resource) -> Resource:
        """The part of this resource that was asked for, elements in their order."""
        if not resource:
            return resource
        type_ = resource["resourceType"]
        match self.mode:
            case "true":
                kept = _summary_elements(type_)
            case "text":
                kept = _mandatory(type_) | {"text"}
            case "data":
                kept = frozenset(name.lstrip("_") for name in resource) - {"text"}
            case _:
                kept = _mandatory(type_) | self.elements
        part = {name: value for name, value in resource.items() if _stem(name, type_) in kept or name in KEPT}
        meta = dict(part.get("meta", {}))
        meta["tag"] = [*meta.get("tag", []), TAG]
        # meta stands where FHIR's order has it: after id
        head: Resource = {name: part.pop(name) for name in ("resourceType", "id") if name in part}
        part.pop("meta", None)
        return {**head, "meta": meta, **part}


@cache
def _summary_elements(type_: str) -> frozenset[str]:
    return frozenset(element.name for element in definitions.structure(type_).elements if element.is_summary)


@cache
def _mandatory(type_: str) -> frozenset[str]:
    return frozenset(element.name for element in definitions.structure(type_).elements if element.min > 0)


@cache
def _choices(type_: str) -> Mapping[str, str]:
    """JSON name → element name: ``valueQuantity`` → ``value``."""
    return {name: element.name for name, (element, _) in definitions.structure(type_).properties.items()}


def _stem(name: str, type_: str) -> str:
    """The element's name in its definition: ``value`` for ``valueQuantity``, ``birthDate`` for ``_birthDate``."""
    name = name.lstrip("_")
    return _choices(type_).get(name, name)
