"""What a model says of its types."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shangyi.query.cql.types import Type
from shangyi.query.types import ItemType


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a class. ``target``: how it is reached in the model that the data is in, "" if by its name."""

    type: Type
    target: str = ""


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """A named type. ``identifier``: the canonical URL of its profile; ``target``: the data's class, "" if by its name;
    ``code_path``: the element that a retrieve's terminology is about.
    """

    type: ItemType
    base: Type | None
    elements: Mapping[str, Element] = field(default_factory=dict)
    identifier: str = ""
    label: str = ""
    retrievable: bool = False
    code_path: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Conversion:
    """An implicit conversion by a function of a library (``FHIRHelpers.ToCode``)."""

    function: str
    source: Type
    target: Type


@dataclass(frozen=True)
class Model:
    """A model. ``url`` qualifies its types in ELM; ``target_url`` those of the data, where they differ."""

    name: str
    version: str
    url: str
    target_url: str
    patient: str
    birth_date: str
    classes: Mapping[str, ClassInfo]
    conversions: tuple[Conversion, ...] = ()

    def find(self, name: str) -> ClassInfo | None:
        """The class of a name, or of a label or profile URL that only one has."""
        found = self.classes.get(name)
        if found is not None:
            return found
        labelled = [info for info in self.classes.values() if name in (info.label, info.identifier)]
        return labelled[0] if labelled else None

    @property
    def target_name(self) -> str:
        """The model that the data is in."""
        return "FHIR" if self.target_url == "http://hl7.org/fhir" else self.name
