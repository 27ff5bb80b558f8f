"""What the compiler asks a data model: types, their elements, how a value becomes a System value.

FHIR R4 is the one model here. CQL brings others (QI-Core), so nodes of the typed tree carry what was found (forms)
and never ask the model again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from shangyi.errors import NotSupported
from shangyi.fhir import definitions
from shangyi.query import types
from shangyi.query.types import ItemType


@dataclass(frozen=True, slots=True)
class Form:
    """One way an element is written: in an owner of ``owner`` under ``key``, as ``type``.

    ``value`` of an Observation has eleven, ``valueQuantity`` … ``many``: an array; ``primitive``: the value may have
    an id and extensions beside it, under ``_key``; ``required``: never absent; ``choice``: one of several.
    """

    owner: ItemType
    key: str
    type: ItemType
    many: bool
    primitive: bool
    required: bool
    choice: bool


class Model(Protocol):
    """A data model."""

    def find(self, name: str) -> ItemType | None:
        """The type of that name."""

    def forms(self, owner: ItemType, name: str) -> Sequence[Form]:
        """How an element is written; () where the type has none of that name."""

    def elements(self, owner: ItemType) -> Sequence[str]:
        """Names of all elements."""

    def ancestors(self, item: ItemType) -> Sequence[ItemType]:
        """What a type specialises, nearest first."""

    def subtypes(self, item: ItemType) -> bool:
        """Whether a value of this static type may be of a narrower one (``Resource``, ``Element``)."""

    def system(self, item: ItemType) -> ItemType | None:
        """The System type that a value is implicitly converted to."""


_SYSTEM = {
    "boolean": types.BOOLEAN,
    "integer": types.INTEGER,
    "positiveInt": types.INTEGER,
    "unsignedInt": types.INTEGER,
    "decimal": types.DECIMAL,
    "date": types.DATE,
    "dateTime": types.DATETIME,
    "instant": types.DATETIME,
    "time": types.TIME,
}


class FhirR4:
    """FHIR R4 by ``fhir.definitions``."""

    namespace = "FHIR"

    def find(self, name: str) -> ItemType | None:
        """FHIR types by their name, without backbone paths."""
        return ItemType("FHIR", name) if name in definitions.type_names() else None

    def forms(self, owner: ItemType, name: str) -> tuple[Form, ...]:
        """JSON names: ``valueQuantity`` of ``value``."""
        return _forms(owner, name) if owner.namespace == "FHIR" else ()

    def elements(self, owner: ItemType) -> tuple[str, ...]:
        """In the order of the definition."""
        return _elements(owner)

    def ancestors(self, item: ItemType) -> tuple[ItemType, ...]:
        """``Quantity``, ``Element`` of ``Age``."""
        if item.namespace != "FHIR":
            return ()
        return tuple(ItemType("FHIR", name) for name in definitions.ancestors(item.name))

    def subtypes(self, item: ItemType) -> bool:
        """Of abstract types."""
        return item.namespace == "FHIR" and definitions.structure(item.name).abstract

    def system(self, item: ItemType) -> ItemType | None:
        """Of primitives and of Quantity."""
        if item.namespace == "System":
            return item
        return system_of(item.name)


@cache
def system_of(name: str) -> ItemType | None:
    """The System type of a FHIR type; None of one that has none (http://hl7.org/fhir/R4/fhirpath.html#types)."""
    if definitions.is_primitive(name):
        return _SYSTEM.get(name, types.STRING)
    return types.QUANTITY if definitions.is_subtype(name, "Quantity") else None


@cache
def _forms(owner: ItemType, name: str) -> tuple[Form, ...]:
    try:
        structure = definitions.structure(owner.name)
    except NotSupported:
        return ()
    element = structure.by_name.get(name)
    if element is None:
        return ()
    return tuple(
        Form(
            owner,
            key,
            ItemType("FHIR", type_name),
            element.many,
            definitions.is_primitive(type_name),
            element.min > 0 and not element.choice,
            element.choice,
        )
        for key, type_name in element.properties
    )


@cache
def _elements(owner: ItemType) -> tuple[str, ...]:
    return tuple(element.name for element in definitions.structure(owner.name).elements)


FHIR = FhirR4()
