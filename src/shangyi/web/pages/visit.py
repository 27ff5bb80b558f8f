"""Recording a visit in one form, by keyboard."""

import datetime as dt
from uuid import uuid4

from starlette.responses import RedirectResponse, Response

from shangyi.errors import NotFound, ShangyiError
from shangyi.web import formats
from shangyi.web.context import Context
from shangyi.web.resident import visit as entry_of
from shangyi.web.resident.reading import person_name

FIELDS = (
    "key at systolic diastolic pulse glucose glucose_kind diagnosis medicine dosage allergy note"
).split()


def visit(context: Context) -> Response:
    """GET and POST /residents/{id}/visit."""
    id = context.request.path_params["id"]
    now = dt.datetime.now(formats.ZONE)
    patient = context.session.read("Patient", id).resource
    values = {name: context.field(name) for name in FIELDS}
    problems: dict[str, str] = {}
    sentences: list[str] = []
    if context.request.method == "POST":
        entry = entry_of.read(values, now)
        problems = {name: context.text(text) for name, text in entry.problems.items()}
        if entry.is_empty and not problems:
            sentences = [context.text("Nothing was entered")]
        if not problems and not sentences:
            try:
                if not _recorded(context, entry.key):
                    context.session.transaction(
                        entry_of.bundle(entry, f"Patient/{id}", context.principal.practitioner)
                    )
                return RedirectResponse(f"/residents/{id}", status_code=303)
            except ShangyiError as error:
                sentences = context.sentences(error)
    else:
        values |= {"key": str(uuid4()), "at": now.strftime("%Y-%m-%dT%H:%M"), "glucose_kind": "fasting"}
    return context.page(
        "pages/visit.html",
        "residents",
        status=422 if problems or sentences else 200,
        patient=patient,
        name=person_name(patient),
        values=values,
        problems=problems,
        sentences=sentences,
    )


def _recorded(context: Context, key: str) -> bool:
    try:
        context.session.read("Encounter", key)
    except NotFound:
        return False
    return True
