"""Codes of one system in another: ``ConceptMap/$translate`` (http://hl7.org/fhir/R4/conceptmap-operation-translate.html)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shangyi.terminology.concepts import Coding, Resource
from shangyi.terminology.definitions import Definition

NO_MATCH = frozenset({"unmatched", "disjoint"})


@dataclass(frozen=True, slots=True)
class Match:
    """A target concept. ``equivalence``: of http://hl7.org/fhir/R4/valueset-concept-map-equivalence.html."""

    equivalence: str
    coding: Coding
    comment: str | None = None

    @property
    def holds(self) -> bool:
        """Whether the target says something of the source at all."""
        return self.equivalence not in NO_MATCH


def translate(
    definition: Definition, coding: Coding, target: str | None = None, reverse: bool = False
) -> list[Match]:
    """The matches of a code in a map, in its order; ``target``: only those of this system.

    What no element names is answered by ``unmapped``: the same code, or one fixed code.
    """
    found: list[Match] = []
    for group in definition.resource.get("group", ()):
        near, far = ("target", "source") if reverse else ("source", "target")
        if coding.system and group.get(near) and group[near] != coding.system:
            continue
        if target and group.get(far) and group[far] != target:
            continue
        matches = list(_back(group, coding) if reverse else _forth(group, coding))
        found += matches or ([] if reverse else _unmapped(group, coding))
    return found


def _forth(group: Mapping[str, Any], coding: Coding) -> Iterator[Match]:
    for element in group.get("element", ()):
        if element.get("code") != coding.code:
            continue
        for target in element.get("target", ()):
            code = Coding(
                group.get("target"), target.get("code", ""), group.get("targetVersion"), target.get("display")
            )
            yield Match(target["equivalence"], code, target.get("comment"))


_TURNED = {
    "wider": "narrower",
    "narrower": "wider",
    "subsumes": "specializes",
    "specializes": "subsumes",
}
"""What the equivalence says when it is read from the target's side."""


def _back(group: Mapping[str, Any], coding: Coding) -> Iterator[Match]:
    for element in group.get("element", ()):
        for target in element.get("target", ()):
            if target.get("code") == coding.code:
                equivalence = target["equivalence"]
                code = Coding(
                    group.get("source"),
                    element.get("code", ""),
                    group.get("sourceVersion"),
                    element.get("display"),
                )
                yield Match(_TURNED.get(equivalence, equivalence), code, target.get("comment"))


def _unmapped(group: Mapping[str, Any], coding: Coding) -> list[Match]:
    rule: Resource = group.get("unmapped", {})
    match rule.get("mode"):
        case "provided":
            return [Match("equal", Coding(group.get("target"), coding.code, None, coding.display))]
        case "fixed":
            return [Match("inexact", Coding(group.get("target"), rule["code"], None, rule.get("display")))]
    return []
