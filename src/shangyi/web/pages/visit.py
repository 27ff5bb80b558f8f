"""Recording a visit in one form, by keyboard."""

import datetime as dt
import time
from typing import Any
from uuid import uuid4

from starlette.responses import RedirectResponse, Response

from shangyi.errors import Conflict, NotFound, PreconditionFailed, ShangyiError, Unavailable
from shangyi.store.merging import replaced_by
from shangyi.web import choices, formats
from shangyi.web.context import Context
from shangyi.web.correction.void import is_void
from shangyi.web.resident import visit as entry_of
from shangyi.web.resident.reading import newest_first, person_name, when, words
from shangyi.web.resident.safety import confirmation, counts, warnings
from shangyi.web.wording import concept, dosage

Resource = dict[str, Any]
FIELDS = "key at systolic diastolic pulse glucose glucose_kind allergy allergy_value note".split()
REPEATED_DAYS = 400
"""Orders of so many days can be repeated."""
MOST_REPEATS = 12


def visit(context: Context) -> Response:
    """GET and POST /residents/{id}/visit."""
    context.session.require("create", "Encounter")
    id = context.request.path_params["id"]
    patient = context.session.read("Patient", id).resource
    if survivor := replaced_by(patient):
        return RedirectResponse(f"/residents/{survivor}/visit", status_code=303)
    now = dt.datetime.now(formats.ZONE)
    orders = _orders(context, id, now)
    allergies = context.resources("AllergyIntolerance", ("patient", f"Patient/{id}"), ("_count", "50"))
    values = {name: context.field(name) for name in FIELDS}
    if context.request.method != "POST":
        values |= {"key": str(uuid4()), "at": now.strftime("%Y-%m-%dT%H:%M"), "glucose_kind": "fasting"}
        return _form(context, patient, values, orders, allergies)
    diagnoses = _rows(context, "diagnosis")
    medicines = _rows(context, "medicine")
    chosen = context.form.getlist("again")
    entry = entry_of.read(values, now, diagnoses, medicines, [o for o in orders if o["id"] in chosen])
    problems = {name: context.text(text) for name, text in entry.problems.items()}
    problems |= _unclear(context, "diagnosis", diagnoses) | _unclear(context, "medicine", medicines)
    sentences = [context.text("Nothing was entered")] if entry.is_empty and not problems else []
    found = warnings(entry, allergies) if not problems else []
    seen = str(context.form.get("confirmed", "")).replace("\r\n", "\n")
    more = context.field("step") == "more"
    if not (problems or sentences or more) and (not found or confirmation(found) == seen):
        recorded = _recorded(context, entry.key)
        if recorded == entry.digest:
            return RedirectResponse(f"/residents/{id}", status_code=303)
        if recorded is None:
            try:
                context.session.transaction(
                    entry_of.bundle(entry, f"Patient/{id}", context.principal.practitioner)
                )
                return RedirectResponse(f"/residents/{id}", status_code=303)
            except ShangyiError as error:
                if _twin_recorded(context, entry, error):
                    return RedirectResponse(f"/residents/{id}", status_code=303)
                sentences = context.sentences(error)
        else:
            values["key"] = str(uuid4())
            sentences = [
                context.text(
                    "This visit was recorded already, with other values. Correct it on its own page;"
                    " send again only if this is a further visit."
                )
            ]
    return _form(
        context,
        patient,
        values,
        orders,
        allergies,
        rows=(diagnoses, medicines),
        chosen=[str(c) for c in chosen],
        problems=problems,
        sentences=sentences,
        warned=[] if more else found,
        more=more,
    )


def _form(
    context: Context,
    patient: Resource,
    values: dict[str, str],
    orders: list[Resource],
    allergies: list[Resource],
    rows: tuple[entry_of.Rows, entry_of.Rows] = ((), ()),
    chosen: list[str] | None = None,
    problems: dict[str, str] | None = None,
    sentences: list[str] | None = None,
    warned: Any = (),
    more: bool = False,
) -> Response:
    language = context.language
    filled = [[row for row in list if any(row)] for list in rows]
    said: dict[str, str] = {}
    for warning in warned:
        said.setdefault(warning.field, context.text(warning.text, **warning.args))
    return context.page(
        "pages/visit.html",
        "residents",
        status=422 if problems or sentences or warned else 200,
        patient=patient,
        name=person_name(patient),
        age=formats.age(patient.get("birthDate"), language),
        values=values,
        diagnoses=[*filled[0], ("", "", "")][: entry_of.MOST_ROWS],
        medicines=[*filled[1], ("", "", "")][: entry_of.MOST_ROWS],
        orders=[
            (
                o["id"],
                concept(o.get("medicationCodeableConcept"), language),
                dosage(o, language),
                formats.day(when(o), language),
            )
            for o in orders
        ],
        chosen=chosen or [],
        allergies=[concept(a.get("code"), language) for a in allergies if counts(a)],
        problems=problems or {},
        sentences=sentences or [],
        said=said,
        confirmed=confirmation(warned),
        more=more,
    )


def _rows(context: Context, name: str) -> list[tuple[str, str, str]]:
    """The rows of a list in the form: text, value, dosage."""
    texts, chosen = (context.form.getlist(n) for n in (name, f"{name}_value"))
    dosages = context.form.getlist("dosage") if name == "medicine" else []
    found = []
    for number, text in enumerate(texts[: entry_of.MOST_ROWS]):
        value = chosen[number] if number < len(chosen) else ""
        dosage = dosages[number] if number < len(dosages) else ""
        found.append((str(text).strip(), str(value), str(dosage).strip()))
    return found


def _unclear(context: Context, kind: str, rows: entry_of.Rows) -> dict[str, str]:
    """A code or initials that were typed and not chosen from: which one is meant?"""
    found = {}
    for number, (text, value, _) in enumerate(rows):
        if text.isascii() and choices.exact(kind, text, value) is None:
            meant = choices.matching(kind, text)
            if meant:
                names = "、".join(choice.label(context.language) for choice in meant)
                found[f"{kind}-{number}"] = context.text("Which one? {names}", names=names)
    return found


def _orders(context: Context, id: str, now: dt.datetime) -> list[Resource]:
    """The newest order of each medicine, newest first: what can be repeated."""
    since = (now - dt.timedelta(days=REPEATED_DAYS)).date().isoformat()
    found = context.resources(
        "MedicationRequest", ("patient", f"Patient/{id}"), ("authoredon", f"ge{since}"), ("_count", "200")
    )
    newest: dict[str, Resource] = {}
    for order in newest_first(found):
        if not is_void(order) and "medicationCodeableConcept" in order:
            newest.setdefault(words(order["medicationCodeableConcept"]), order)
    return list(newest.values())[:MOST_REPEATS]


def _twin_recorded(context: Context, entry: entry_of.Entry, error: ShangyiError) -> bool:
    """Whether the same form, sent at the same instant, stood in the way and is recorded, perhaps in a moment."""
    looks = 10 if isinstance(error, Conflict | PreconditionFailed | Unavailable) else 1
    for look in range(looks):
        if look:
            time.sleep(0.1)
        if _recorded(context, entry.key) == entry.digest:
            return True
    return False


def _recorded(context: Context, key: str) -> str | None:
    """What was recorded under this key (the digest of the form), None where nothing was."""
    try:
        encounter = context.session.read("Encounter", key).resource
    except NotFound:
        return None
    numbers = (i["value"] for i in encounter.get("identifier", ()) if i.get("system") == entry_of.FORM)
    return next(numbers, "")
