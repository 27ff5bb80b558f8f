"""Correcting an entry with a reason; what somebody else wrote meanwhile is shown beside, never overwritten."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from starlette.responses import RedirectResponse, Response

from shangyi.access import masking
from shangyi.errors import NotFound, PreconditionFailed, ShangyiError
from shangyi.store.model import Version
from shangyi.web import formats
from shangyi.web.context import Context
from shangyi.web.correction.fields import Field, corrected, fields
from shangyi.web.correction.void import can_be_void, is_void, void
from shangyi.web.provenance import provenance
from shangyi.web.resident.reading import person_name
from shangyi.web.wording import concept, display

Resource = dict[str, Any]
WITH_A_VISIT = ("Observation", "Condition", "MedicationRequest", "ClinicalImpression")
"""Types that are found by the visit in which they were entered."""


@dataclass(frozen=True, slots=True)
class Clash:
    """A field that two people wrote. ``opened``: as it was when the form was opened."""

    label: str
    opened: str
    now: str
    mine: str


def correct(context: Context) -> Response:
    """GET and POST /records/{type}/{id}/correct."""
    type, id = context.request.path_params["type"], context.request.path_params["id"]
    context.session.require("update", type)
    current = context.session.read(type, id)
    parts = fields(current.resource, context.language)
    if is_void(current.resource) or not (parts or can_be_void(current.resource)):
        raise NotFound("This entry cannot be corrected here")
    if context.request.method != "POST":
        return _form(context, current, parts, {}, {}, [])
    values = {p.name: context.field(p.name) for p in parts if p.name in context.form}
    values |= {f"{p.name}_value": context.field(f"{p.name}_value") for p in parts}
    reason, version = context.field("reason"), context.field("version")
    opened = context.session.vread(type, id, int(version)) if version.isdigit() and int(version) else current
    erring = context.field("step") == "void" and can_be_void(opened.resource)
    resource, wrong = (
        (void(opened.resource), {}) if erring else corrected(opened.resource, values, context.language)
    )
    problems = {name: context.text(text) for name, text in wrong.items()}
    if not reason:
        problems["reason"] = context.text("Say why: it stays with the entry")
    sentences = [] if problems or resource != opened.resource else [context.text("Nothing was changed")]
    if problems or sentences:
        return _form(context, opened, parts, values, problems, sentences)
    try:
        context.session.transaction(_bundle(context, opened, resource, reason, erring))
    except PreconditionFailed:
        return _clash(context, opened, resource, values, reason)
    except ShangyiError as error:
        return _form(context, opened, parts, values, problems, context.sentences(error))
    return RedirectResponse(f"/records/{type}/{id}?done=1", status_code=303)


def subject(resource: Resource) -> str:
    """The reference of the resident that an entry is about."""
    if resource["resourceType"] == "Patient":
        return f"Patient/{resource['id']}"
    return str((resource.get("subject") or resource.get("patient") or {}).get("reference", ""))


def title(resource: Resource, text: Any, language: str) -> str:
    """What an entry is called on its pages."""
    if resource["resourceType"] == "Patient":
        return person_name(resource)
    for element in ("code", "medicationCodeableConcept", "vaccineCode", "class"):
        if isinstance(resource.get(element), dict):
            return concept(resource[element], language) or display(resource[element], language)
    return str(text(TYPES.get(resource["resourceType"], resource["resourceType"])))


TYPES = {"ClinicalImpression": "Note", "Encounter": "Visit", "EpisodeOfCare": "Family-doctor contract"}


def _bundle(context: Context, opened: Version, resource: Resource, reason: str, erring: bool) -> Resource:
    changed = [(opened, resource)]
    if erring and opened.type == "Encounter" and context.field("entries"):
        changed += [(v, void(v.resource)) for v in _entries(context, opened.id)]
    now = dt.datetime.now(formats.ZONE)
    who = subject(resource)
    targets = [f"{v.reference}/_history/{v.version + 1}" for v, _ in changed]
    said = provenance(
        context.principal,
        [*targets, *([who] if who and who != opened.reference else [])],
        "NULLIFY" if erring else "UPDATE",
        reason,
        now,
        [f"{v.reference}/_history/{v.version}" for v, _ in changed],
    )
    entries = [
        {
            "resource": body,
            "request": {"method": "PUT", "url": v.reference, "ifMatch": v.etag},
        }
        for v, body in changed
    ]
    entries.append({"resource": said, "request": {"method": "POST", "url": "Provenance"}})
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _entries(context: Context, visit: str) -> list[Version]:
    found = []
    for type in WITH_A_VISIT:
        matches = context.search(type, ("encounter", f"Encounter/{visit}"), ("_count", "200")).matches
        found += [v for v in matches if can_be_void(v.resource)]
    return found


def _form(
    context: Context,
    opened: Version,
    parts: list[Field],
    values: dict[str, str],
    problems: dict[str, str],
    sentences: list[str],
) -> Response:
    resource = opened.resource
    if numbers := masking.hidden(resource)[1]:  # whoever corrects a number has to see it
        context.session.revealing(opened.reference, numbers)
    return context.page(
        "pages/correct.html",
        "residents",
        status=422 if problems or sentences else 200,
        version=opened,
        title=title(resource, context.text, context.language),
        parts=parts,
        labels={p.name: p.label if p.own_label else context.text(p.label) for p in parts},
        options={p.name: [(code, context.text(name)) for code, name in p.options.items()] for p in parts},
        values={p.name: p.value for p in parts}
        | {k: v for k, v in values.items() if context.request.method == "POST"},
        reason=context.field("reason"),
        problems=problems,
        sentences=sentences,
        can_be_void=can_be_void(resource),
        entries=len(_entries(context, opened.id)) if opened.type == "Encounter" else 0,
    )


def _clash(
    context: Context, opened: Version, resource: Resource, values: dict[str, str], reason: str
) -> Response:
    """Both values; somebody decides. A form that was sent twice finds its own first: that is no clash."""
    now = context.session.read(opened.type, opened.id)
    language = context.language
    before, theirs, mine = (
        {p.name: p for p in fields(r, language)} for r in (opened.resource, now.resource, resource)
    )
    if {n: p.value for n, p in theirs.items()} == {n: p.value for n, p in mine.items()} and is_void(
        now.resource
    ) == is_void(resource):
        return RedirectResponse(f"/records/{opened.type}/{opened.id}?done=1", status_code=303)
    empty = Field("", "", "text", "", lambda *_: None)
    clashes = [
        Clash(
            part.label if part.own_label else context.text(part.label),
            _shown(context, before.get(name, empty)),
            _shown(context, theirs.get(name, empty)),
            _shown(context, part),
        )
        for name, part in mine.items()
        if len({part.value, theirs.get(name, empty).value, before.get(name, empty).value}) > 1
    ]
    return context.page(
        "pages/correct_clash.html",
        "residents",
        status=409,
        version=now,
        title=title(resource, context.text, language),
        clashes=clashes,
        # what I left alone stays as it is now
        values={
            key: values[key]
            for name, part in before.items()
            if values.get(name) not in (None, part.value)
            for key in (name, f"{name}_value")
            if values.get(key)
        },
        erring=is_void(resource),
        void_now=is_void(now.resource),
        reason=reason,
    )


def _shown(context: Context, part: Field) -> str:
    if part.options:
        return context.text(part.options.get(part.value, part.value))
    return f"{part.value} {part.unit}".strip()
