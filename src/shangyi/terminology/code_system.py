"""A code system ready to be asked: its concepts, their hierarchy and properties (http://hl7.org/fhir/R4/codesystem.html)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from shangyi.terminology.concepts import Concept, Property, Resource, designations, properties

COMMON = "http://hl7.org/fhir/concept-properties#"
_INACTIVE = frozenset({"inactive", "retired"})


class CodeSystem:
    """One version of a code system with its supplements.

    ``content`` is ``complete``, ``fragment``, ``example`` or ``not-present``: only of a complete one can be said that
    it does not have a code. ``concepts`` stands in the order of definition, by code (folded where case means nothing).
    """

    def __init__(self, resource: Resource, supplements: Iterable[Resource] = ()) -> None:
        self.resource = resource
        self.url = str(resource["url"])
        self.version: str | None = resource.get("version")
        self.content = str(resource.get("content", "complete"))
        self.language: str | None = resource.get("language")
        self.case_sensitive = bool(resource.get("caseSensitive", True))
        self.supplements: list[str] = []
        self.concepts: dict[str, Concept] = {}
        self.declared = {p["code"]: str(p.get("uri", "")) for p in resource.get("property", ())}
        self._names = {name: self._named(name) for name in ("inactive", "status", "notSelectable")}
        self._add(resource.get("concept", ()), None)
        self._link()
        for supplement in supplements:
            self._supplement(supplement)

    def _named(self, name: str) -> frozenset[str]:
        """The codes by which this system says one of FHIR's common properties."""
        uri = COMMON + name
        declared = frozenset(code for code, found in self.declared.items() if found == uri)
        return declared or frozenset({name})

    def key(self, code: str) -> str:
        """The code as ``concepts`` has it."""
        return code if self.case_sensitive else code.casefold()

    def _add(self, elements: Sequence[Mapping[str, Any]], parent: Concept | None) -> None:
        # By hand, not by recursion: how deep a hierarchy goes is the sender's choice.
        waiting = [(element, parent) for element in reversed(elements)]
        while waiting:
            element, above = waiting.pop()
            concept = Concept(
                element["code"],
                element.get("display"),
                element.get("definition"),
                designations(element),
                properties(element),
                extensions=list(element.get("extension", ())),
            )
            self.concepts.setdefault(self.key(concept.code), concept)
            if above is not None:
                self._relate(above, concept)
            waiting += [(child, concept) for child in reversed(element.get("concept", ()))]

    @staticmethod
    def _relate(above: Concept, below: Concept) -> None:
        if below.code not in above.children:
            above.children.append(below.code)
        if above.code not in below.parents:
            below.parents.append(above.code)

    def _link(self) -> None:
        """Parents and children that stand in properties."""
        up = self._named("parent") | self._named("subsumedBy")
        down = self._named("child")
        for concept in self.concepts.values():
            for found in concept.values(up | down):
                other = self.find(found.text)
                if other is not None:
                    self._relate(*((other, concept) if found.code in up else (concept, other)))

    def _supplement(self, resource: Resource) -> None:
        version = resource.get("version")
        self.supplements.append(f"{resource['url']}|{version}" if version else str(resource["url"]))
        language = resource.get("language")
        for element in resource.get("concept", ()):
            concept = self.find(element["code"])
            if concept is None:
                continue
            if "display" in element:
                concept.designations += designations(
                    {"designation": [{"value": element["display"], "language": language}]}
                )
            concept.designations += designations(element)
            concept.properties += properties(element)
            concept.extensions += element.get("extension", ())

    @property
    def complete(self) -> bool:
        """Whether it holds every code of the system."""
        return self.content == "complete"

    def find(self, code: str) -> Concept | None:
        """The concept, or None."""
        return self.concepts.get(self.key(code))

    def inactive(self, concept: Concept) -> bool:
        """Whether it should not be used any more: ``inactive`` is true, or its status is retired or inactive."""
        for found in concept.values(self._names["inactive"]):
            if found.value is True or found.value == "true":
                return True
        return any(p.value in _INACTIVE for p in concept.values(self._names["status"]))

    def status(self, concept: Concept) -> str | None:
        """Its status, as the system says it."""
        return next((p.text for p in concept.values(self._names["status"])), None)

    def abstract(self, concept: Concept) -> bool:
        """Whether it groups others and is not for use in a record."""
        return any(p.value is True or p.value == "true" for p in concept.values(self._names["notSelectable"]))

    def descendants(self, concept: Concept) -> Iterator[Concept]:
        """All below it, each once, itself not."""
        return self._reach(concept, lambda c: c.children)

    def ancestors(self, concept: Concept) -> Iterator[Concept]:
        """All above it, each once, itself not."""
        return self._reach(concept, lambda c: c.parents)

    def _reach(self, start: Concept, step: Any) -> Iterator[Concept]:
        seen = {start.code}
        waiting = list(step(start))
        while waiting:
            code = waiting.pop()
            found = self.find(code)
            if found is None or found.code in seen:
                continue
            seen.add(found.code)
            waiting += step(found)
            yield found

    def subsumes(self, a: str, b: str) -> str | None:
        """``equivalent``, ``subsumes`` (a is above b), ``subsumed-by`` or ``not-subsumed``; None for unknown codes."""
        first, second = self.find(a), self.find(b)
        if first is None or second is None:
            return None
        if first is second:
            return "equivalent"
        if any(found is first for found in self.ancestors(second)):
            return "subsumes"
        return "subsumed-by" if any(found is second for found in self.ancestors(first)) else "not-subsumed"

    def shown(self, concept: Concept) -> list[Property]:
        """What ``$lookup`` shows of a concept beside its own properties: inactive, parents, children."""
        return [
            Property("inactive", "valueBoolean", self.inactive(concept)),
            *(Property("parent", "valueCode", code) for code in concept.parents),
            *(Property("child", "valueCode", code) for code in concept.children),
        ]
