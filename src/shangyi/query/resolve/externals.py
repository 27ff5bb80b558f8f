"""``%name``: what the specifications fix (http://hl7.org/fhir/R4/fhirpath.html#variables), and what a caller gives."""

from collections.abc import Mapping

from shangyi.errors import NotSupported
from shangyi.fhir import definitions
from shangyi.query.types import ANYTHING, ItemType, Type, perhaps

CONSTANTS = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}
_PREFIXES = {
    "vs-": "http://hl7.org/fhir/ValueSet/",
    "ext-": "http://hl7.org/fhir/StructureDefinition/",
}
CONTEXT = ("context", "resource", "rootResource")


def constant(name: str) -> str | None:
    """The URL that a name stands for."""
    if name in CONSTANTS:
        return CONSTANTS[name]
    for prefix, base in _PREFIXES.items():
        if name.startswith(prefix):
            return base + name.removeprefix(prefix)
    return None


def reserved(name: str) -> bool:
    """Whether a variable of that name would hide one of the specification's."""
    return name in CONTEXT or constant(name) is not None


def type_of(name: str, root: Type, resource: Type | None, variables: Mapping[str, Type]) -> Type:
    """The static type of a variable from outside; anything where the caller did not say."""
    if name in variables:
        return variables[name]
    if name == "context":
        return root
    if name == "resource":
        return resource or _resource(root)
    if name == "rootResource":
        return perhaps(ItemType("FHIR", "Resource"))
    return ANYTHING


def _resource(root: Type) -> Type:
    """The resource around a context: itself, or the one whose backbone it is."""
    only = root.only
    if only is not None and only.namespace == "FHIR":
        head = ItemType("FHIR", only.name.split(".")[0])
        try:
            if definitions.structure(head.name).kind == "resource":
                return Type((head,), 1, 1)
        except NotSupported:
            pass
    return perhaps(ItemType("FHIR", "Resource"))
