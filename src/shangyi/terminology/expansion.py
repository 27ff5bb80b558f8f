"""A value set written out: ``$expand`` (http://hl7.org/fhir/R4/valueset-operation-expand.html)."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shangyi.errors import ShangyiError
from shangyi.terminology import languages
from shangyi.terminology.composition import Composition, Member, Members
from shangyi.terminology.concepts import Designation, Property, Resource
from shangyi.terminology.definitions import Definition
from shangyi.terminology.library import Library, Versions

LIMIT = 10_000
"""Codes in one answer; more are asked for in pages."""

COSTLY = "http://hl7.org/fhir/StructureDefinition/valueset-toocostly"
PROPERTY = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion.contains.property"
LEFT_OUT = ("text", "contained", "compose", "expansion")


class TooCostly(ShangyiError):
    """The expansion holds more codes than one answer may."""

    status, code = 422, "too-costly"


@dataclass(frozen=True)
class Request:
    """What to write out. ``filter``: words that code or display must hold; ``languages``: as ``Accept-Language``."""

    filter: str | None = None
    offset: int = 0
    count: int | None = None
    active_only: bool = False
    include_designations: bool = False
    include_definition: bool = False
    languages: str | None = None
    properties: tuple[str, ...] = ()
    supplements: tuple[str, ...] = ()
    versions: Versions = field(default_factory=Versions)


def expand(
    library: Library, definition: Definition, request: Request, given: Iterable[Resource] = ()
) -> Resource:
    """The value set with its expansion. ``given``: the parameters to repeat in it.

    TooCostly above ``LIMIT`` codes without a count; else as ``Composition.members``.
    """
    composition = Composition(library, request.versions, request.supplements, request.active_only)
    members = filtered(composition.members(definition), request.filter)
    if request.count is None and len(members) > LIMIT:
        text = "The value set {url} has {total} codes: ask for them in pages (count, offset) or with a filter"
        raise TooCostly(text, url=definition.canonical, total=len(members))
    end = None if request.count is None else request.offset + request.count
    shown = list(members.values())[request.offset : end]
    spoken = request.languages or definition.resource.get("language")
    wanted = languages.ranges(spoken)
    several = _several_versions(members)
    answer = {k: v for k, v in definition.resource.items() if k not in LEFT_OUT}
    expansion: Resource = {
        "identifier": uuid.uuid4().urn,
        "timestamp": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "total": len(members),
        "offset": request.offset,
        "parameter": [
            *given,
            *([{"name": "displayLanguage", "valueCode": spoken}] if spoken else []),
            *({"name": w, "valueUri": definition.canonical} for w in _warnings(definition.resource)),
            *_used(composition),
        ],
        "contains": [_contained(m, request, wanted, m.system in several) for m in shown],
    }
    answer["expansion"] = {key: value for key, value in expansion.items() if value not in ([], None)}
    return answer


def filtered(members: Members, words: str | None) -> Members:
    """Those whose code or one of whose displays holds every word, whatever its case."""
    if not words:
        return members
    asked = words.casefold().split()
    return {
        key: member for key, member in members.items() if all(word in _searched(member) for word in asked)
    }


def _searched(member: Member) -> str:
    return "\n".join((member.code, *(text.value for text in languages.texts(member)))).casefold()


def _several_versions(members: Members) -> set[str]:
    """Systems that are there in more than one version, whose codes say theirs."""
    held: dict[str, set[str | None]] = {}
    for system, version, _ in members:
        held.setdefault(system, set()).add(version)
    return {system for system, versions in held.items() if len(versions) > 1}


def _used(composition: Composition) -> list[Resource]:
    """What the expansion stands on, and what to know of it."""
    found: list[Resource] = []
    for (type, canonical), resource in composition.used.items():
        kind = "used-codesystem" if type == "CodeSystem" else "used-valueset"
        found.append({"name": kind, "valueUri": canonical})
        found += [{"name": warning, "valueUri": canonical} for warning in _warnings(resource)]
        found += [{"name": "used-supplement", "valueUri": s} for s in _supplements(composition, resource)]
    return found


def _supplements(composition: Composition, resource: Resource) -> list[str]:
    if not composition.supplements or resource["resourceType"] != "CodeSystem":
        return []
    system = composition.library.code_system(
        resource["url"], resource.get("version"), composition.supplements
    )
    return system.supplements if system is not None else []


def _warnings(resource: Resource) -> list[str]:
    statuses = {
        e.get("valueCode")
        for e in resource.get("extension", ())
        if str(e.get("url", "")).endswith("structuredefinition-standards-status")
    }
    found = [f"warning-{status}" for status in ("deprecated", "withdrawn") if status in statuses]
    if resource.get("status") == "draft":
        found.append("warning-draft")
    if resource.get("experimental"):
        found.append("warning-experimental")
    return found


def _contained(member: Member, request: Request, wanted: list[str], versioned: bool) -> Resource:
    item: Resource = {"system": member.system}
    if member.abstract:
        item["abstract"] = True
    if member.inactive:
        item["inactive"] = True
    if versioned and member.version:
        item["version"] = member.version
    item["code"] = member.code
    display = languages.display(member, wanted)
    if display:
        item["display"] = display
    if request.include_designations:
        known = member.given_designations or (member.concept.designations if member.concept else [])
        item |= {"designation": [_designation(d) for d in known]} if known else {}
    shown = _properties(member, request)
    if shown:
        item["extension"] = [_property(p) for p in shown]
    return item


def _designation(designation: Designation) -> Mapping[str, Any]:
    found: Resource = {}
    if designation.language:
        found["language"] = designation.language
    if designation.use:
        found["use"] = designation.use
    return found | {"value": designation.value}


def _properties(member: Member, request: Request) -> list[Property]:
    if member.concept is None:
        return []
    found = [p for p in member.concept.properties if p.code in request.properties]
    if member.concept.definition and (request.include_definition or "definition" in request.properties):
        found.append(Property("definition", "valueString", member.concept.definition))
    return found


def _property(found: Property) -> Resource:
    """R5's ``contains.property`` in R4, by its extension."""
    return {
        "url": PROPERTY,
        "extension": [{"url": "code", "valueCode": found.code}, {"url": "value", found.kind: found.value}],
    }
