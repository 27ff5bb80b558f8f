"""Where measures and libraries come from: the record, then the packages that come with the platform.

In: a session, whose right to read knowledge is decided and audited. Out: Measures, typed programs, and the terminology
that goes with them.
"""

import base64
import binascii
from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree

from shangyi import knowledge
from shangyi.access import Session
from shangyi.errors import Invalid, NotFound, Unprocessable
from shangyi.knowledge import Package
from shangyi.query.cql import elm, fhirhelpers
from shangyi.query.cql.library import Identifier, Library, Program
from shangyi.query.cql.model import Model, built_in
from shangyi.query.cql.model.read import from_table, to_table
from shangyi.query.cql.translate import translate
from shangyi.store.model import SearchRequest
from shangyi.terminology import versions
from shangyi.terminology.definitions import Chain
from shangyi.terminology.service import Terminology

Resource = dict[str, Any]
CQL, ELM = "text/cql", "application/elm+json"
MODELS = ("application/xml", "text/xml")


class Content:
    """What a session can read of measures and libraries; each library is read once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._libraries: dict[tuple[str, str | None], Resource | None] = {}

    def measures(self) -> list[Resource]:
        """All Measures: of the record, and of packages those that the record does not have."""
        found = self._search("Measure", [])
        urls = {measure.get("url") for measure in found}
        return [
            *found,
            *(m for p in knowledge.installed() for m in p.measures.values() if m["url"] not in urls),
        ]

    def measure(self, name: str) -> Resource:
        """A Measure by its canonical (``url|version``), its id or its name. NotFound."""
        name = name.removeprefix("Measure/")
        if ":" in name:
            url, version = versions.canonical(name)
            found = _newest(self._search("Measure", [("url", url)]), version)
        else:
            named = [m for m in self._search("Measure", [("name", name)]) if m.get("name") == name]
            found = _newest(self._search("Measure", [("_id", name)]) or named, None)
        found = found or next(
            (m for p in knowledge.installed() for m in p.measures.values() if _is(m, name)), None
        )
        if found is None:
            raise NotFound("There is no Measure {name} here: shangyi measure list", name=name[:200])
        return found

    def program(self, canonical: str) -> Program:
        """The library of a canonical, typed. NotFound; CqlErrors with all that is wrong."""
        url, version = versions.canonical(canonical)
        resource = _newest(self._search("Library", [("url", url)]), version)
        if resource is not None:
            return self.typed(resource)
        for package in knowledge.installed():
            for library in package.libraries():
                if library["url"] == url and version in (None, library["version"]):
                    return package.programs[library["name"]]
        raise NotFound("There is no Library {name} here", name=canonical[:200])

    def typed(self, resource: Resource) -> Program:
        """A Library resource as a program: its CQL, else its ELM."""
        text = _attached(resource, CQL)
        if text is not None:
            return translate(text.decode("utf-8-sig"), self, str(resource.get("name") or resource.get("id")))
        data = _attached(resource, ELM)
        if data is None:
            raise Unprocessable("The Library holds neither {first} nor {second}", first=CQL, second=ELM)
        main = elm.read(data)
        return Program(main, self._included(main, {main.identifier: main}))

    def terminology(self, known: Terminology) -> Terminology:
        """What the record knows, then what packages bring."""
        return with_packages(known)

    # Sources of a translation

    def library(self, name: str, version: str | None) -> str | None:
        """The text of an included library."""
        found = self._library(name, version)
        text = _attached(found, CQL) if found is not None else None
        if text is not None:
            return text.decode("utf-8-sig")
        return next(
            (p.texts[name] for p in knowledge.installed() if name in p.texts and version in _of(p, name)),
            None,
        )

    def libraries(self) -> Iterable[str]:
        """The names known, for hints: those of packages."""
        return [name for package in knowledge.installed() for name in package.texts]

    def model(self, name: str, version: str | None) -> Model | None:
        """FHIR, or the ModelInfo that a Library of this name holds."""
        fhir = built_in("FHIR")
        if name == "FHIR" and version in (None, fhir.version):
            return fhir
        found = self._library(name, version)
        for kind in MODELS:
            data = _attached(found, kind) if found is not None else None
            if data is not None:
                return from_table(to_table(ElementTree.fromstring(data.decode("utf-8-sig"))))
        return None

    def models(self) -> Iterable[str]:
        """Those built in."""
        return ["FHIR 4.0.1"]

    def _library(self, name: str, version: str | None) -> Resource | None:
        key = (name, version)
        if key not in self._libraries:
            found = [r for r in self._search("Library", [("name", name)]) if r.get("name") == name]
            self._libraries[key] = _newest(found, version)
        return self._libraries[key]

    def _included(self, library: Library, found: dict[Identifier, Library]) -> dict[Identifier, Library]:
        for include in library.includes:
            if include.library in found:
                continue
            if include.library.name == fhirhelpers.NAME:
                found[include.library] = fhirhelpers.LIBRARY
                continue
            resource = self._library(include.library.name, include.library.version)
            data = _attached(resource, ELM) if resource is not None else None
            if data is None:
                raise NotFound("The library {name} is not here", name=str(include.library))
            found[include.library] = elm.read(data)
            self._included(found[include.library], found)
        return found

    def _search(self, type: str, parameters: list[tuple[str, str]]) -> list[Resource]:
        request = SearchRequest(type, [*parameters, ("_count", "1000")])
        return [version.resource for version in self._session.search(request).matches]


def with_packages(known: Terminology) -> Terminology:
    """Terminology of the record, then of the packages that come with the platform."""
    packages = knowledge.installed()
    if not packages:
        return known
    if _joined.get("of") is not known:
        source = Chain(known.library.source, *(package.definitions for package in packages))
        _joined.update(of=known, made=Terminology(source, known.versions, known.stamp))
    made: Terminology = _joined["made"]
    return made


_joined: dict[str, Any] = {}
"""The last terminology that was joined with packages: a process has one record."""


def _of(package: Package, name: str) -> tuple[str | None, ...]:
    return None, package.programs[name].main.identifier.version


def _is(measure: Resource, name: str) -> bool:
    url, version = versions.canonical(name)
    return name in (measure.get("id"), measure.get("name")) or (
        measure.get("url") == url and version in (None, measure.get("version"))
    )


def _newest(found: list[Resource], version: str | None) -> Resource | None:
    """Of the version asked for; without one the newest, an active one before others."""
    meant = [resource for resource in found if version in (None, resource.get("version"))]
    return max(
        meant, key=lambda r: (r.get("status") == "active", versions.order(r.get("version"))), default=None
    )


def _attached(resource: Resource, kind: str) -> bytes | None:
    for attachment in resource.get("content") or ():
        if str(attachment.get("contentType", "")).partition(";")[0] == kind and attachment.get("data"):
            try:
                return base64.b64decode(str(attachment["data"]), validate=False)
            except binascii.Error as error:
                raise Invalid(
                    "The content of the Library cannot be read: {reason}", reason=str(error)
                ) from None
    return None
