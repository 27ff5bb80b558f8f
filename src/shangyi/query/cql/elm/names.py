"""Types in ELM: qualified names and type specifiers, both ways."""

from typing import Any

from shangyi.query.cql.types import (
    ANY,
    ELM_NAMESPACE,
    ChoiceOf,
    IntervalOf,
    ListOf,
    TupleOf,
    Type,
    choice,
    tuple_of,
)
from shangyi.query.types import ItemType

URLS = {
    "System": ELM_NAMESPACE,
    "FHIR": "http://hl7.org/fhir",
    "QICore": "http://hl7.org/fhir/us/qicore",
    "USCore": "http://hl7.org/fhir/us/core",
}


class TypeNames:
    """Types of one library: ``urls`` of its models by name."""

    def __init__(self, urls: dict[str, str]) -> None:
        self.urls = {**URLS, **urls}
        self.models = {url: name for name, url in self.urls.items()}

    def qualified(self, type_: ItemType) -> str:
        """``{urn:hl7-org:elm-types:r1}Integer``."""
        return f"{{{self.urls.get(type_.namespace, type_.namespace)}}}{type_.name}"

    def parse(self, name: str) -> ItemType:
        """The type of a qualified name."""
        url, _, local = name.removeprefix("{").rpartition("}")
        return ItemType(self.models.get(url, url or "System"), local)

    def specifier(self, type_: Type) -> dict[str, Any]:
        """A type specifier."""
        match type_:
            case ListOf():
                return {"type": "ListTypeSpecifier", "elementType": self.specifier(type_.element)}
            case IntervalOf():
                return {"type": "IntervalTypeSpecifier", "pointType": self.specifier(type_.point)}
            case TupleOf():
                elements = [{"name": n, "elementType": self.specifier(t)} for n, t in type_.elements]
                return {"type": "TupleTypeSpecifier", "element": elements}
            case ChoiceOf():
                return {"type": "ChoiceTypeSpecifier", "choice": [self.specifier(t) for t in type_.options]}
            case ItemType():
                return {"type": "NamedTypeSpecifier", "name": self.qualified(type_)}
        return {"type": "ParameterTypeSpecifier", "parameterName": type_.name}

    def type_of(self, specifier: dict[str, Any]) -> Type:
        """The type of a specifier."""
        match specifier["type"]:
            case "ListTypeSpecifier":
                return ListOf(self.type_of(specifier["elementType"]))
            case "IntervalTypeSpecifier":
                return IntervalOf(self.type_of(specifier["pointType"]))
            case "TupleTypeSpecifier":
                return tuple_of(
                    {e["name"]: self.type_of(e.get("elementType") or e["type"]) for e in specifier["element"]}
                )
            case "ChoiceTypeSpecifier":
                return choice(map(self.type_of, specifier.get("choice") or specifier["type"]))
            case "NamedTypeSpecifier":
                return self.parse(specifier["name"])
        return ANY

    def written(self, type_: Type, name: str, specifier: str) -> dict[str, Any]:
        """``{name: …}`` of a named type, ``{specifier: …}`` of any other."""
        if isinstance(type_, ItemType):
            return {name: self.qualified(type_)}
        return {specifier: self.specifier(type_)}

    def given(self, node: dict[str, Any], name: str, specifier: str) -> Type:
        """The type that a node has under one of the two; Any where it says none."""
        if name in node:
            return self.parse(node[name])
        return self.type_of(node[specifier]) if specifier in node else ANY
