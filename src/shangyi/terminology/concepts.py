"""What code systems and value sets are made of: codings, concepts, their designations and properties."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Resource = dict[str, Any]


class Coding(NamedTuple):
    """A code as a resource says it; ``system`` is None where it says none."""

    system: str | None
    code: str
    version: str | None = None
    display: str | None = None


class Designation(NamedTuple):
    """Another way to say a concept. ``use``: a Coding in FHIR's form, or None."""

    value: str
    language: str | None = None
    use: Mapping[str, Any] | None = None


class Property(NamedTuple):
    """A property of a concept. ``kind``: the FHIR element that holds it (``valueCode``)."""

    code: str
    kind: str
    value: Any

    @property
    def text(self) -> str:
        """The value as a filter writes it."""
        if isinstance(self.value, bool):
            return str(self.value).lower()
        return str(self.value["code"] if isinstance(self.value, dict) else self.value)


@dataclass(slots=True)
class Concept:
    """One concept of a code system, with the codes of those directly above and below it."""

    code: str
    display: str | None = None
    definition: str | None = None
    designations: list[Designation] = field(default_factory=list)
    properties: list[Property] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    extensions: list[Mapping[str, Any]] = field(default_factory=list)

    def values(self, codes: frozenset[str]) -> Iterator[Property]:
        """The properties of these names."""
        return (p for p in self.properties if p.code in codes)


def designations(element: Mapping[str, Any]) -> list[Designation]:
    """The ``designation`` of a concept, of a CodeSystem or of ValueSet.compose."""
    return [Designation(d["value"], d.get("language"), d.get("use")) for d in element.get("designation", ())]


def properties(element: Mapping[str, Any]) -> list[Property]:
    """The ``property`` of a CodeSystem's concept."""
    found = []
    for item in element.get("property", ()):
        kind = next((key for key in item if key.startswith("value")), None)
        if kind is not None:
            found.append(Property(item["code"], kind, item[kind]))
    return found
