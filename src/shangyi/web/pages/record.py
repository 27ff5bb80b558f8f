"""The record behind a fact: its FHIR, its versions, who corrected it and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from shangyi.access import masking
from shangyi.errors import ShangyiError
from shangyi.fhir import json
from shangyi.store.model import Version
from shangyi.web.context import Context
from shangyi.web.correction.fields import Field, fields
from shangyi.web.correction.void import can_be_void, is_void
from shangyi.web.pages.correct import subject, title
from shangyi.web.resident.reading import words

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One version: when, by whom and why where that was said, and what it changed: (label, before, after)."""

    version: Version
    who: str = ""
    why: str = ""
    changes: Sequence[tuple[str, str, str]] = ()


def record(context: Context) -> Response:
    """GET /records/{type}/{id} and /records/{type}/{id}/{version}; POST shows a resident's numbers in full."""
    type, id = context.request.path_params["type"], context.request.path_params["id"]
    number = context.request.path_params.get("version")
    shown = context.session.vread(type, id, number) if number else context.session.read(type, id)
    history = context.session.history(type, id, count=50)
    resource = shown.resource
    resident = subject(resource)
    masked, numbers = masking.hidden(resource)
    whole = context.request.method == "POST"
    if whole:
        context.session.revealing(shown.reference, numbers)
    return context.page(
        "pages/record.html",
        "residents",
        title=title(resource, context.text, context.language),
        version=shown,
        steps=steps(context, history.versions),
        body=msgspec.json.format(json.dumps(resource if whole else masked), indent=2).decode(),
        back=f"/residents/{resident.removeprefix('Patient/')}"
        if resident.startswith("Patient/")
        else "/residents",
        can_reveal=bool(numbers) and not whole and context.session.may_use("reveal"),
        masked=bool(numbers) and not whole,
        void=is_void(resource),
        done=bool(context.field("done")),
        can_correct=number is None
        and not is_void(resource)
        and context.session.may("update", type)
        and bool(fields(resource) or can_be_void(resource)),
    )


def steps(context: Context, versions: Sequence[Version]) -> list[Step]:
    """The versions, newest first, each with who, why and what changed."""
    said = statements(context, versions[0].reference) if versions else {}
    found = []
    for place, version in enumerate(versions):
        before = versions[place + 1] if place + 1 < len(versions) else None
        provenance = said.get(version.version, {})
        who = next((a["who"].get("display", "") for a in provenance.get("agent", ())), "")
        why = words(next(iter(provenance.get("reason", ())), None))
        found.append(Step(version, who, why, changes(context, before, version) if before else ()))
    return found


def statements(context: Context, reference: str) -> dict[int, Resource]:
    """The Provenance of each version, as far as there is one that may be read."""
    found: dict[int, Resource] = {}
    if not context.session.may("search", "Provenance"):
        return found
    try:
        provenances = context.resources("Provenance", ("target", reference), ("_count", "100"))
    except ShangyiError:  # an epidemiologist sees what belongs to a case only
        return found
    for provenance in provenances:
        for target in provenance.get("target", ()):
            named, _, number = target.get("reference", "").partition("/_history/")
            if named == reference:
                found[int(number) if number else 1] = provenance
    return found


def changes(context: Context, before: Version, after: Version) -> list[tuple[str, str, str]]:
    """The parts that differ between two versions: label, old and new."""
    old = {part.name: part for part in fields(before.resource, context.language)} if before.body else {}
    new = fields(after.resource, context.language) if after.body else []
    return [
        (
            part.label if part.own_label else context.text(part.label),
            said(context, old[part.name]) if part.name in old else "",
            said(context, part),
        )
        for part in new
        if part.name not in old or part.value != old[part.name].value
    ]


MASKS = {
    "resident_id": masking.mask_resident_id,
    "insurance_number": masking.mask_resident_id,
    "phone": masking.mask_phone,
}


def said(context: Context, part: Field) -> str:
    """A part as it is read: the name of a choice, a number with its unit, masked numbers of residents."""
    if part.name in MASKS:
        return MASKS[part.name](part.value) if part.value else ""
    if part.options:
        return context.text(part.options[part.value]) if part.value in part.options else part.value
    return (
        f"{part.value} {part.unit}".strip().replace("T", " ")
        if part.kind == "time"
        else f"{part.value} {part.unit}".strip()
    )
