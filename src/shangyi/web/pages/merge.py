"""Two records of one resident: side by side, made one, and apart again."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from starlette.responses import RedirectResponse, Response

from shangyi.access import masking
from shangyi.errors import Conflict, PreconditionFailed, ShangyiError
from shangyi.store.merging import LIFECYCLE
from shangyi.store.model import SearchRequest, Version
from shangyi.web import formats
from shangyi.web.context import Context
from shangyi.web.pages.choices import options
from shangyi.web.provenance import statement
from shangyi.web.registration import duplicates
from shangyi.web.resident.reading import codes, person_name, words
from shangyi.web.residents import SEXES, home, person_line

Resource = dict[str, Any]
COUNTED = {
    "Encounter": "Visits",
    "Condition": "Diagnoses",
    "Observation": "Measurements",
    "MedicationRequest": "Prescriptions",
    "AllergyIntolerance": "Allergies",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the comparison. ``element``: of the Patient, where one of the two values can be chosen."""

    label: str
    values: tuple[str, str]
    element: str = ""
    differs: bool = False


def merge(context: Context) -> Response:
    """GET and POST /residents/{id}/merge?with=…"""
    context.session.require("update", "Patient")
    id = context.request.path_params["id"]
    first = context.session.read("Patient", id)
    chosen = context.field("with_value") or context.field("with_chosen")
    typed = context.field("with")
    choose = {}
    if typed and not chosen:
        found = [o for o in options(context, "resident", typed) if o.value != id]
        chosen = typed if "/" not in typed and not found else found[0].value if len(found) == 1 else ""
        choose = {"with": found} if not chosen else {}
    if not chosen or chosen == id:
        return _choose(context, first, typed, choose)
    if context.request.method == "POST" and context.field("step") != "merge":
        # what was typed is a name: it stands in no address; the record's id may
        return RedirectResponse(f"/residents/{id}/merge?with_value={chosen}", status_code=303)
    second = context.session.read("Patient", chosen)
    if context.field("step") == "merge":
        return _merge(context, first, second)
    return _compare(context, first, second, {}, [])


def _choose(context: Context, first: Version, typed: str, choose: dict[str, Any]) -> Response:
    """Who else? The likely ones are listed."""
    person = duplicates.likeness(first.resource)
    found: dict[str, Resource] = {}
    for question in duplicates.questions(person):
        for version in context.search("Patient", *question).matches:
            if version.id != first.id:
                found[version.id] = version.resource
    likely = [
        (person_line(m.patient, {}, context.text, context.language), m.sentences(context.language), m.certain)
        for m in duplicates.likely(person, found.values())[:8]
    ]
    problems = {"with": context.text("Which one?")} if typed and choose else {}
    return context.page(
        "pages/merge_choose.html",
        "residents",
        patient=first.resource,
        name=person_name(first.resource),
        likely=likely,
        values={"with": typed},
        problems=problems,
        choose=choose,
    )


def _merge(context: Context, first: Version, second: Version) -> Response:
    now = dt.datetime.now(formats.ZONE)
    reason, survivor = context.field("reason"), context.field("survivor")
    values = {"reason": reason, "survivor": survivor}
    if survivor not in (first.id, second.id):
        return _compare(
            context, first, second, values | {"problem": context.text("Choose the record that stays")}, []
        )
    if not reason:
        return _compare(
            context, first, second, values | {"problem": context.text("Say why they are one person")}, []
        )
    versions = {v.id: int(context.field(f"version-{v.id}") or 0) for v in (first, second)}
    other = second.id if survivor == first.id else first.id
    take = [
        line.element
        for line in _lines(context, first, second)
        if context.field(f"use-{line.element}") == other
    ]
    try:
        merged = context.session.merge(
            (survivor, versions[survivor]),
            (other, versions[other]),
            statement(context.principal, reason, now),
            [element for element in take if element],
        )
    except PreconditionFailed:
        return _compare(
            context,
            first,
            second,
            values,
            [context.text("One of the two records was changed meanwhile. Look at them again, then merge.")],
        )
    except ShangyiError as error:
        return _compare(context, first, second, values, context.sentences(error))
    return RedirectResponse(f"/residents/{survivor}?merged={merged.provenance.id}", status_code=303)


def _compare(
    context: Context, first: Version, second: Version, values: dict[str, str], sentences: list[str]
) -> Response:
    lines = _lines(context, first, second)
    # the record with more in it stays, unless somebody chooses otherwise
    counts = {type: [_count(context, v.id, type) for v in (first, second)] for type in COUNTED}
    weights = counts["Encounter"]
    stays = values.get("survivor") or (second.id if weights[1] > weights[0] else first.id)
    used = {
        line.element: context.field(f"use-{line.element}")
        or next(
            v.id
            for v, text in zip(_order(first, second, stays), _texts(line, first, stays), strict=True)
            if text or v.id == stays
        )
        for line in lines
        if line.element
    }
    return context.page(
        "pages/merge.html",
        "residents",
        status=422 if sentences or values.get("problem") else 200,
        both=(first, second),
        names=[person_name(v.resource) for v in (first, second)],
        lines=lines,
        counts=[(context.text(name), counts[type]) for type, name in COUNTED.items()],
        unlike=_unlike(context, first, second),
        stays=stays,
        used=used,
        values=values,
        sentences=sentences,
    )


def _unlike(context: Context, first: Version, second: Version) -> list[str]:
    """What speaks against one person, where the rules would not have thought of it; nothing where they would."""
    one, other = (duplicates.likeness(v.resource) for v in (first, second))
    points, reasons = duplicates.compare(one, other)
    if points >= int(duplicates.rules()["warn_from"]):
        return []
    against = tuple(r for r in reasons if duplicates.rules()["rules"][r]["points"] < 0)
    found = duplicates.Match(second.resource, points, against).sentences(context.language)
    return found or [context.text("little that they share")]


def _order(first: Version, second: Version, stays: str) -> tuple[Version, Version]:
    return (first, second) if stays == first.id else (second, first)


def _texts(line: Line, first: Version, stays: str) -> tuple[str, ...]:
    return line.values if stays == first.id else line.values[::-1]


def _count(context: Context, id: str, type: str) -> int:
    request = SearchRequest(type, [("patient", f"Patient/{id}"), ("_summary", "count")])
    return context.session.search(request).total or 0


def _lines(context: Context, first: Version, second: Version) -> list[Line]:
    """What the two say, and where they differ; numbers are masked, but compared whole."""
    text = context.text
    rows: list[tuple[str, Any, str]] = [
        ("Full name", person_name, "name"),
        ("Sex", lambda p: text(SEXES[p.get("gender", "unknown")]) if p.get("gender") else "", "gender"),
        ("Birth date", lambda p: p.get("birthDate", ""), "birthDate"),
        ("Residence", lambda p: home(p).get("text") or "".join(home(p).get("line", ())), "address"),
        ("Phone", lambda p: masking.masked(p, "phone") or "", "telecom"),
        ("Family doctor", _doctor, "generalPractitioner"),
        ("Contact", lambda p: "、".join(person_name(c) for c in p.get("contact", ())), "contact"),
        ("Resident id", lambda p: masking.masked(p, "resident-id") or "", ""),
        ("Insurance number", lambda p: masking.masked(p, "insurance-number") or "", ""),
    ]
    whole = {"Resident id": masking.resident_id, "Insurance number": masking.insurance_number}
    found = []
    for label, show, element in rows:
        values = (show(first.resource), show(second.resource))
        if element:
            differs = first.resource.get(element) != second.resource.get(element)
        else:
            differs = whole[label](first.resource) != whole[label](second.resource)
        if any(values) or differs:
            found.append(Line(text(label), values, element if differs else "", differs))
    return found


def _doctor(patient: Resource) -> str:
    return "、".join(
        gp.get("display") or gp.get("reference", "") for gp in patient.get("generalPractitioner", ())
    )


@dataclass(frozen=True, slots=True)
class Past:
    """A merge that was done. ``survivor`` and ``duplicate``: ids; ``moved``: entries that moved with it."""

    id: str
    when: str
    who: str
    why: str
    survivor: str
    duplicate: str
    moved: int
    undone: bool


def merges(context: Context) -> Response:
    """GET and POST /residents/{id}/merges: what was merged into this record, and undoing it."""
    context.session.require("update", "Patient")
    id = context.request.path_params["id"]
    patient = context.session.read("Patient", id)
    problem, sentences = "", []
    if context.request.method == "POST":
        reason, merged = context.field("reason"), context.field("merge")
        if not reason:
            problem = context.text("Say why it is undone")
        else:
            now = dt.datetime.now(formats.ZONE)
            try:
                context.session.unmerge(merged, statement(context.principal, reason, now))
                return RedirectResponse(f"/residents/{id}/merges?undone={merged}", status_code=303)
            except Conflict as error:
                sentences = context.sentences(error)
    return context.page(
        "pages/merges.html",
        "residents",
        status=422 if problem or sentences else 200,
        patient=patient.resource,
        name=person_name(patient.resource),
        merges=past(context, id),
        problem=problem,
        sentences=sentences,
        undone=bool(context.field("undone")),
    )


def past(context: Context, id: str) -> list[Past]:
    """The merges that this record was part of, newest first."""
    found = context.resources("Provenance", ("target", f"Patient/{id}"), ("_count", "100"))
    ours = [p for p in found if LIFECYCLE in str(p.get("activity"))]
    undone = {
        e["what"]["reference"].partition("/")[2]
        for p in ours
        if "unmerge" in codes(p.get("activity"))
        for e in p.get("entity", ())
        if e["role"] == "source"
    }
    listed = []
    for p in sorted(ours, key=lambda p: str(p["recorded"]), reverse=True):
        if "merge" not in codes(p.get("activity")):
            continue
        survivor, duplicate = (t["reference"].split("/")[1] for t in p["target"][:2])
        listed.append(
            Past(
                p["id"],
                formats.instant(p["recorded"]),
                str(p["agent"][0]["who"].get("display", "")),
                words(next(iter(p.get("reason", ())), None)),
                survivor,
                duplicate,
                len(p["target"]) - 2,
                p["id"] in undone,
            )
        )
    return listed
