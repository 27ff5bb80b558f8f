"""One resident: who, what stands out, the course, the evidence, each fact with the FHIR behind it."""

import datetime as dt
from typing import Any

from starlette.responses import RedirectResponse, Response

from shangyi.access import masking
from shangyi.errors import NotFound
from shangyi.store.merging import replaced_by
from shangyi.store.model import Version
from shangyi.web import formats
from shangyi.web.context import Context
from shangyi.web.correction.void import is_void
from shangyi.web.resident import summary
from shangyi.web.resident.reading import of_type, person_name
from shangyi.web.residents import SEXES, home, place

Resource = dict[str, Any]
WINDOWS = {"3m": 92, "1y": 366, "10y": 3660}
MOST = 5000
"""Resources of one resident that the page reads; a record beyond is read through the timeline's filters."""


def compartment(context: Context, id: str) -> tuple[Resource, list[Resource]]:
    """The Patient and everything in its compartment."""
    page = context.session.everything("Patient", id, count=MOST)
    versions: list[Version] = [*page.matches, *page.included]
    resources = [version.resource for version in versions]
    resources = [resource for resource in resources if not is_void(resource)]
    patient = next((r for r in resources if r["resourceType"] == "Patient" and r["id"] == id), None)
    if patient is None:
        raise NotFound("There is no such resident")
    return patient, resources


def resident(context: Context) -> Response:
    """GET /residents/{id}."""
    id = context.request.path_params["id"]
    patient, resources = compartment(context, id)
    if survivor := replaced_by(patient):
        return RedirectResponse(f"/residents/{survivor}?from={id}", status_code=303)
    window = context.field("window") if context.field("window") in WINDOWS else "1y"
    kind = context.field("kind") if context.field("kind") in summary.KIND_NAMES else ""
    text, language = context.text, context.language
    since = (dt.datetime.now(formats.ZONE).date() - dt.timedelta(days=WINDOWS[window])).isoformat()
    series = summary.measurements(resources)
    return context.page(
        "pages/resident.html",
        "residents",
        patient=patient,
        name=person_name(patient) or text("Name unknown"),
        sex=text(SEXES[patient.get("gender", "unknown")]),
        age=formats.age(patient.get("birthDate"), language),
        place=place(patient),
        numbers=[
            (field, masked)
            for field in ("resident-id", "phone")
            if (masked := masking.masked(patient, field))
        ],
        tags=[*summary.coverage(resources, language), *summary.alerts(resources, text, language)],
        doctor=next((gp.get("display", "") for gp in patient.get("generalPractitioner", ())), ""),
        household=household(resources, id),
        pressure=summary.blood_pressure(
            series, since, text, of_type(resources, "MedicationRequest"), language
        ),
        window=window,
        windows=[("3m", text("3 months")), ("1y", text("1 year")), ("10y", text("10 years"))],
        trends=summary.trends(series, language, text),
        problems=summary.problems(resources, text, language),
        medicines=summary.medicines(resources, text, language),
        events=summary.timeline(resources, kind, text, language),
        kind=kind,
        kinds=[("", text("All")), *((key, text(name)) for key, name in summary.KIND_NAMES.items())],
        address=home(patient).get("text", ""),
        can_write=context.session.may("create", "Encounter"),
        can_merge=context.session.may_use("merge"),
        merged=any(link.get("type") == "replaces" for link in patient.get("link", ())),
        notice="merged" if context.field("merged") else "from" if context.field("from") else "",
    )


def household(resources: list[Resource], id: str) -> list[str]:
    """The others of the household, by their names in the Group's members."""
    return [
        member["entity"].get("display", "")
        for group in of_type(resources, "Group")
        for member in group.get("member", ())
        if member.get("entity", {}).get("reference") != f"Patient/{id}"
        and member.get("entity", {}).get("display")
    ]


def reveal(context: Context) -> Response:
    """POST /residents/{id}/reveal: an id or phone in full; the access leaves its own audit event."""
    id, field = context.request.path_params["id"], context.field("field")
    return context.part("parts/revealed.html", value=context.session.reveal(f"Patient/{id}", field), id=id)
