"""Whether a code is one, and in a value set: ``$validate-code``.

http://hl7.org/fhir/R4/valueset-operation-validate-code.html, and of each problem the kind that the terminology ecosystem
names (http://hl7.org/fhir/tools/CodeSystem/tx-issue-type), so that other software can tell them apart.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shangyi.errors import Issue, NotFound
from shangyi.terminology import languages
from shangyi.terminology.code_system import CodeSystem
from shangyi.terminology.composition import Composition, Member, Members, MissingSystem, WrongVersion
from shangyi.terminology.concepts import Coding
from shangyi.terminology.definitions import Definition
from shangyi.terminology.library import Library, UnknownSupplement, Versions

KINDS = "http://hl7.org/fhir/tools/CodeSystem/tx-issue-type"


@dataclass(frozen=True)
class Request:
    """How strictly to look. ``abstract``: codes that only group others will do; ``lenient``: a wrong display warns."""

    abstract: bool = True
    active_only: bool = False
    lenient: bool = False
    languages: str | None = None
    infer_system: bool = False
    supplements: tuple[str, ...] = ()
    versions: Versions = field(default_factory=Versions)


@dataclass(frozen=True, slots=True)
class Problem:
    """An issue, with its kind in the ecosystem's words (``not-in-vs``, ``invalid-code``, ``invalid-display`` …)."""

    issue: Issue
    kind: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of one coding. ``member`` is what it is in the value set or code system, None for none."""

    coding: Coding
    member: Member | None = None
    problems: tuple[Problem, ...] = ()
    display: str | None = None

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.member is not None and all(p.issue.severity != "error" for p in self.problems)


@dataclass(frozen=True, slots=True)
class _Set:
    """The members of a value set by (system, code)."""

    by_code: Mapping[tuple[str, str], list[Member]]
    open: frozenset[str]
    """Code systems of which an include leaves the version open."""

    @classmethod
    def of(cls, members: Members, open: Iterable[str]) -> "_Set":
        found: dict[tuple[str, str], list[Member]] = {}
        for member in members.values():
            found.setdefault((member.system, member.code), []).append(member)
        return cls(found, frozenset(open))

    def find(self, coding: Coding, system: CodeSystem | None) -> Member | None:
        """The member that the coding is: of its version, if there is one."""
        concept = system.find(coding.code) if system is not None else None
        code = concept.code if concept is not None else coding.code
        found = self.by_code.get((str(coding.system), code), [])
        same = next((m for m in found if m.version in (coding.version, None)), None)
        return same or (found[-1] if found else None)


class Validator:
    """Codes against one value set, or against their code systems alone (``definition`` None).

    The members of the value set are found once, for as many codes as are asked.
    """

    def __init__(self, library: Library, definition: Definition | None, request: Request) -> None:
        self.request = request
        self.definition = definition
        self._library = library
        self._found: dict[tuple[str, str] | None, _Set] = {}
        self._supplements = request.supplements
        own = definition.resource.get("language") if definition is not None else None
        self._languages = languages.ranges(request.languages or own)

    def coding(self, coding: Coding, place: str = "Coding") -> Verdict:
        """One coding. ``place``: where it stands, for the problems' expressions.

        A value set that cannot be written out, because something it includes is missing, is a problem of the verdict.
        """
        try:
            return self._coding(coding, place)
        except WrongVersion as error:
            at: str | None = f"{place}.version"
            kind = "version-error"
            problems = error.issues
        except UnknownSupplement:
            raise
        except NotFound as error:
            kind, at = "not-found", f"{place}.system" if isinstance(error, MissingSystem) else None
            problems = error.issues
        return Verdict(
            coding, None, tuple(Problem(replace(issue, expression=at), kind) for issue in problems)
        )

    def _set(self, coding: Coding) -> "_Set":
        """The value set; where it leaves a version open, in that of the coding."""
        known = self._library.known_versions("CodeSystem", coding.system) if coding.system else ()
        preferred = (
            (coding.system, coding.version)
            if coding.system and coding.version and coding.version in known
            else None
        )
        if preferred not in self._found:
            versions = replace(self.request.versions, preferred=(preferred,) if preferred else ())
            request = self.request
            composition = Composition(self._library, versions, request.supplements, request.active_only)
            members = composition.members(self.definition) if self.definition is not None else {}
            self._supplements = composition.supplements
            self._found[preferred] = _Set.of(members, composition.open)
        return self._found[preferred]

    def _coding(self, coding: Coding, place: str) -> Verdict:
        if coding.system is None:
            coding = self._inferred(coding)
        if coding.system is None:
            return Verdict(coding, None, self._no_system(coding, place))
        strange = self._strange_system(coding.system, place)
        version = self.request.versions.wanted(coding.system, coding.version)
        members = self._set(coding)
        system = self._library.code_system(coding.system, version, self._supplements)
        member = members.find(coding, system) if self.definition is not None else _in_system(coding, system)
        problems = strange or self._unknown(coding, system, member, version, place)
        if self.definition is not None and member is None:
            problems.insert(0, self._not_in_set(coding, place))
        if member is not None:
            problems += self._of_version(coding, member, members, place)
            problems += self._of_member(coding, member, place)
        shown = member or _in_system(coding, system)
        display = languages.display(shown, self._languages) if shown else None
        return Verdict(coding, member, tuple(problems), display)

    def concept(self, element: Mapping[str, Any]) -> list[Verdict]:
        """Every coding of a CodeableConcept."""
        return [
            self.coding(of_fhir(coding), f"CodeableConcept.coding[{index}]")
            for index, coding in enumerate(element.get("coding", ()))
        ]

    def _inferred(self, coding: Coding) -> Coding:
        if not self.request.infer_system:
            return coding
        systems = {system for system, code in self._set(coding).by_code if code == coding.code}
        return coding._replace(system=systems.pop()) if len(systems) == 1 else coding

    def _no_system(self, coding: Coding, place: str) -> tuple[Problem, ...]:
        outside = (self._not_in_set(coding, place),) if self.definition is not None else ()
        if self.request.infer_system:
            text = "The code {code} has no system, and it cannot be told which is meant"
            at = f"{place}.code"
            return (_problem("error", "not-found", "cannot-infer", text, at, code=coding.code), *outside)
        text = "The code {code} has no system: what it means cannot be told"
        return (_problem("warning", "invalid", "invalid-data", text, place, code=coding.code), *outside)

    def _strange_system(self, url: str, place: str) -> list[Problem]:
        """What is no address of a code system at all."""
        at = f"{place}.system"
        if not re.match(r"[A-Za-z][A-Za-z0-9+.\-]*:", url):
            text = "The system {system} is no absolute address"
            return [_problem("error", "invalid", "invalid-data", text, at, system=url)]
        if self._library.known_versions("ValueSet", url) and not self._library.code_system(url):
            text = "{system} is a value set, not a code system"
            return [_problem("error", "invalid", "invalid-data", text, at, system=url)]
        return []

    def _not_in_set(self, coding: Coding, place: str) -> Problem:
        assert self.definition is not None
        text = "The code {code} of {system} is not in the value set {url}"
        return _problem(
            "error",
            "code-invalid",
            "not-in-vs",
            text,
            f"{place}.code",
            code=coding.code,
            system=coding.system,
            url=self.definition.canonical,
        )

    def _unknown(
        self,
        coding: Coding,
        system: CodeSystem | None,
        member: Member | None,
        version: str | None,
        place: str,
    ) -> list[Problem]:
        if system is None:
            if member is not None and (not coding.version or member.version in (None, coding.version)):
                return []
            text = "The code system {system} is not known here, so its code {code} cannot be checked"
            args = {"system": coding.system, "code": coding.code}
            known = ", ".join(self._library.known_versions("CodeSystem", str(coding.system)))
            if version and known:
                text = "The code system {system} is not known here in version {version}, but in {known}"
                args |= {"version": version, "known": known}
            return [_problem("error", "not-found", "not-found", text, f"{place}.system", **args)]
        if member is not None and (not system.complete or not coding.version):
            return []
        if system.find(coding.code) is not None:
            return []
        text = "{system} has no code {code}"
        severity = "error" if system.complete else "warning"
        args = {"system": system.url, "code": coding.code}
        return [_problem(severity, "code-invalid", "invalid-code", text, f"{place}.code", **args)]

    def _of_version(self, coding: Coding, member: Member, members: _Set, place: str) -> list[Problem]:
        """The value set means another version of the code system than the coding."""
        forced = dict(self.request.versions.force).get(member.system)
        if self.definition is None or not coding.version or member.version in (None, coding.version):
            return []
        text = "The value set takes the version {found} of {system}, the code is of {version}"
        severity = "warning" if member.system in members.open and not forced else "error"
        args = {"found": member.version, "system": member.system, "version": coding.version}
        return [_problem(severity, "invalid", "vs-invalid", text, f"{place}.version", **args)]

    def _of_member(self, coding: Coding, member: Member, place: str) -> list[Problem]:
        found = []
        if member.abstract and not self.request.abstract:
            text = "{code} groups other codes and is not for use itself"
            found.append(
                _problem("error", "business-rule", "code-rule", text, f"{place}.code", code=coding.code)
            )
        if member.inactive:
            text = "{code} is not used any more"
            found.append(
                _problem("warning", "business-rule", "code-comment", text, place or "code", code=coding.code)
            )
        if member.code != coding.code:
            text = "{code} is written {right} in its code system"
            args = {"code": coding.code, "right": member.code}
            found.append(_problem("information", "business-rule", "code-rule", text, f"{place}.code", **args))
        return found + self._of_display(coding, member, place)

    def _of_display(self, coding: Coding, member: Member, place: str) -> list[Problem]:
        if not coding.display:
            return []
        known = list(languages.texts(member))
        serving = [t for t in known if not self._languages or _serves(t, self._languages)]
        if any(_same(coding.display, text.value) for text in serving):
            return []
        right = languages.display(member, self._languages)
        if right is None:
            return []
        text = "{code} is not called {display}, but {right}"
        severity = "warning" if self.request.lenient else "error"
        if not serving and any(_same(coding.display, text.value) for text in known):
            # Nothing is known in the reader's language: another language's name is not wrong.
            severity = "information"
        args = {"code": coding.code, "display": coding.display, "right": right}
        return [_problem(severity, "invalid", "invalid-display", text, f"{place}.display", **args)]


def _serves(text: languages.Text, wanted: Sequence[str]) -> bool:
    return any(languages.speaks(text.language, language) for language in wanted)


def _same(a: str, b: str) -> bool:
    return a.casefold() == b.casefold()


def _in_system(coding: Coding, system: CodeSystem | None) -> Member | None:
    concept = system.find(coding.code) if system is not None else None
    if concept is None or system is None:
        return None
    return Member(system.url, system.version, concept.code, concept, system)


def _problem(
    severity: str, type: str, kind: str, text: str, expression: str | None, /, **args: object
) -> Problem:
    return Problem(Issue(severity, type, text, args, expression), kind)


def of_fhir(element: Mapping[str, Any]) -> Coding:
    """A Coding of FHIR."""
    return Coding(
        element.get("system"), element.get("code", ""), element.get("version"), element.get("display")
    )


def softened(problem: Problem) -> Problem:
    """The same for information: one coding of several may stand outside the value set."""
    kind = "this-code-not-in-vs" if problem.kind == "not-in-vs" else problem.kind
    return Problem(replace(problem.issue, severity="information"), kind)
