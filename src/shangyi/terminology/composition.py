"""Which codes a value set holds, by its ``compose`` (http://hl7.org/fhir/R4/valueset.html#compositions).

Codes of one ``include`` meet all that it says: the system, its concepts or filters, and every value set that it names.
Includes are united, excludes taken away. A stored expansion answers where ``compose`` is absent, or where a code system
that it needs is not known here in full: an expansion from elsewhere is then the only one there is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shangyi.errors import NotFound, ShangyiError, Unprocessable
from shangyi.terminology import filters, versions
from shangyi.terminology.code_system import CodeSystem
from shangyi.terminology.concepts import Concept, Designation, Resource, designations
from shangyi.terminology.definitions import Definition, choose
from shangyi.terminology.library import Library, Versions

SUPPLEMENT = "http://hl7.org/fhir/StructureDefinition/valueset-supplement"
Key = tuple[str, str | None, str]
"""System, its version, code."""


@dataclass(slots=True)
class Member:
    """A code of a value set, with what the value set says of it beside its code system."""

    system: str
    version: str | None
    code: str
    concept: Concept | None = None
    owner: CodeSystem | None = None
    given_display: str | None = None
    given_designations: list[Designation] = field(default_factory=list)
    extensions: Sequence[Mapping[str, Any]] = ()
    stored: Mapping[str, Any] = field(default_factory=dict)
    """What a stored expansion says of it."""

    @property
    def display(self) -> str | None:
        """What the value set calls it, else its code system."""
        return self.given_display or (self.concept.display if self.concept else None)

    @property
    def inactive(self) -> bool:
        """Whether it should not be used any more."""
        if self.owner is not None and self.concept is not None:
            return self.owner.inactive(self.concept)
        return bool(self.stored.get("inactive"))

    @property
    def abstract(self) -> bool:
        """Whether it groups others and is not for use in a record."""
        if self.owner is not None and self.concept is not None:
            return self.owner.abstract(self.concept)
        return bool(self.stored.get("abstract"))


Members = dict[Key, Member]


class MissingSystem(NotFound):
    """A code system that a value set needs is not known here, or not in full."""

    def __init__(self, text: str, system: str, version: str | None = None, known: str = "") -> None:
        super().__init__(text, system=system, version=version, known=known)
        self.system = system
        self.version = version


class Cyclic(Unprocessable):
    """A value set includes itself, by way of others."""

    code = "processing"


class WrongVersion(ShangyiError):
    """A code system came to another version than the request demanded (``check-system-version``)."""

    status, code = 422, "exception"


@dataclass
class Composition:
    """The members of value sets, and which definitions were used to find them."""

    library: Library
    versions: Versions = field(default_factory=Versions)
    supplements: tuple[str, ...] = ()
    active_only: bool = False
    used: dict[tuple[str, str], Resource] = field(default_factory=dict)
    """What was used, by (``CodeSystem`` | ``ValueSet``, canonical)."""

    stored: list[str] = field(default_factory=list)
    """Canonicals of the value sets whose stored expansion answered."""

    open: set[str] = field(default_factory=set)
    """Code systems of which some include leaves the version open."""

    def __post_init__(self) -> None:
        self.library.require_supplements(self.supplements)

    def members(self, definition: Definition, path: tuple[str, ...] = ()) -> Members:
        """All members, in order. NotFound names what is missing; Unprocessable a cycle or a filter that says nothing."""
        resource = definition.resource
        if definition.canonical in path:
            text = "The value set {url} includes itself, by way of {path}"
            raise Cyclic(text, url=definition.canonical, path=" → ".join(path))
        named = [e["valueCanonical"] for e in resource.get("extension", ()) if e.get("url") == SUPPLEMENT]
        if not set(named) <= set(self.supplements):
            self.library.require_supplements(named)
            self.supplements = tuple(dict.fromkeys((*self.supplements, *named)))
        compose, expansion = resource.get("compose"), resource.get("expansion")
        if compose:
            try:
                return self._compose(resource, compose, (*path, definition.canonical))
            except MissingSystem:
                if not _whole(expansion):
                    raise
        if expansion is None or not _whole(expansion):
            text = "The value set {url} has neither a compose nor a whole expansion"
            raise Unprocessable(text, url=definition.canonical)
        self.stored.append(definition.canonical)
        return _flattened(expansion.get("contains", ()))

    def _compose(self, resource: Resource, compose: Mapping[str, Any], path: tuple[str, ...]) -> Members:
        found: Members = {}
        for include in compose.get("include", ()):
            for key, member in self._selected(resource, include, path).items():
                found.setdefault(key, member)
        for exclude in compose.get("exclude", ()):
            _take_away(found, self._selected(resource, exclude, path))
        if compose.get("inactive") is False or self.active_only:
            return {key: member for key, member in found.items() if not member.inactive}
        return found

    def _selected(self, resource: Resource, part: Mapping[str, Any], path: tuple[str, ...]) -> Members:
        """What an include or exclude names: what its system says, met with its value sets."""
        sets = [self._value_set(resource, canonical, path) for canonical in part.get("valueSet", ())]
        if "system" in part:
            found = self._of_system(part)
        elif sets:
            found, *sets = sets
        else:
            raise Unprocessable(
                "An include or exclude of {url} names no system and no value set", url=path[-1]
            )
        for other in sets:
            codes = {(system, code) for system, _, code in other}
            found = {key: member for key, member in found.items() if (key[0], key[2]) in codes}
        return found

    def _value_set(self, resource: Resource, canonical: str, path: tuple[str, ...]) -> Members:
        if canonical.startswith("#"):
            inner = next((r for r in resource.get("contained", ()) if f"#{r.get('id')}" == canonical), None)
            if inner is None:
                raise NotFound("The value set {url} contains no {id}", url=path[-1], id=canonical)
            return self.members(Definition(f"{path[-1]}{canonical}", inner), path)
        url, version = versions.canonical(canonical)
        definition = self.library.value_set(url, self.versions.wanted(url, version))
        self.used["ValueSet", definition.canonical] = definition.resource
        return self.members(definition, path)

    def _of_system(self, part: Mapping[str, Any]) -> Members:
        url, version = part["system"], part.get("version")
        listed, conditions = part.get("concept", ()), part.get("filter", ())
        system = self.system(url, version, needed=not listed or bool(conditions))
        if listed:
            return self._listed(url, version, system, listed)
        assert system is not None
        tests = [filters.test(system, condition) for condition in conditions]
        return _members(system, (c for c in system.concepts.values() if all(test(c) for test in tests)))

    def system(self, url: str, version: str | None, needed: bool = True) -> CodeSystem | None:
        """The code system in the version that counts. MissingSystem where it is needed and not here in full."""
        wanted = self.versions.wanted(url, version)
        if version is None:
            self.open.add(url)
        system = self.library.code_system(url, wanted, self.supplements)
        if system is None or (not system.concepts and not system.complete):
            if needed:
                raise self._missing(url, wanted)
            return system
        if needed and system.content in ("example", "not-present"):
            raise self._missing(url, wanted)
        must = dict(self.versions.check).get(url)
        if not versions.matches(system.version, must):
            text = "The version {found} of the code system {system} was to be {wanted}"
            raise WrongVersion(text, system=url, found=system.version, wanted=must)
        self.used["CodeSystem", f"{url}|{system.version}" if system.version else url] = system.resource
        return system

    def _missing(self, url: str, version: str | None) -> MissingSystem:
        known = self.library.known_versions("CodeSystem", url)
        if version and known and choose(self.library.source.definitions("CodeSystem", url), version) is None:
            text = "The code system {system} is not known here in version {version}, but in {known}"
            return MissingSystem(text, url, version=version, known=", ".join(known))
        return MissingSystem("The code system {system} is not known here in full", url)

    def _listed(
        self, url: str, version: str | None, system: CodeSystem | None, listed: Iterable[Mapping[str, Any]]
    ) -> Members:
        """The concepts that an include lists. A code that its system is known not to have is no member."""
        found: Members = {}
        for element in listed:
            concept = system.find(element["code"]) if system is not None else None
            if concept is None and system is not None and system.complete:
                continue
            code = concept.code if concept is not None else element["code"]
            key = (url, system.version if system is not None else version, code)
            found.setdefault(
                key,
                Member(
                    *key,
                    concept,
                    system if concept is not None else None,
                    element.get("display"),
                    designations(element),
                    element.get("extension", ()),
                ),
            )
        return found


def _members(system: CodeSystem, concepts: Iterable[Concept]) -> Members:
    return {
        (system.url, system.version, c.code): Member(system.url, system.version, c.code, c, system)
        for c in concepts
    }


def _take_away(found: Members, excluded: Members) -> None:
    """Removes codes whatever their version, but where ``found`` holds several versions of their system."""
    held: dict[str, set[str | None]] = {}
    for system, version, _ in found:
        held.setdefault(system, set()).add(version)
    codes = {(system, code) for system, _, code in excluded}
    for key in list(found):
        if key in excluded or (len(held[key[0]]) == 1 and (key[0], key[2]) in codes):
            del found[key]


def _whole(expansion: Mapping[str, Any] | None) -> bool:
    """Whether a stored expansion holds all members: not a page of them, and not cut short."""
    if not expansion:
        return False
    if expansion.get("offset") or any(
        e.get("url", "").endswith("valueset-toocostly") for e in expansion.get("extension", ())
    ):
        return False
    total = expansion.get("total")
    return total is None or total <= len(_flattened(expansion.get("contains", ())))


def _flattened(contains: Iterable[Mapping[str, Any]]) -> Members:
    found: Members = {}
    waiting = list(contains)[::-1]
    while waiting:
        item = waiting.pop()
        waiting += item.get("contains", ())[::-1]
        if "code" in item and "system" in item:
            key = (item["system"], item.get("version"), item["code"])
            found.setdefault(
                key,
                Member(
                    *key,
                    given_display=item.get("display"),
                    given_designations=designations(item),
                    stored=item,
                ),
            )
    return found
