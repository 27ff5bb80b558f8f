"""Registering a resident, with a warning of likely duplicates."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from starlette.responses import RedirectResponse, Response

from shangyi.access import masking
from shangyi.errors import NotFound, PreconditionFailed, ShangyiError
from shangyi.web import formats, places
from shangyi.web.components.combo import Option
from shangyi.web.context import Context
from shangyi.web.pages.choices import options
from shangyi.web.registration import duplicates
from shangyi.web.registration.form import FIELDS, INSURANCES, SEXES, Person, read
from shangyi.web.registration.resources import Surroundings, bundle, relations
from shangyi.web.resident.reading import person_name
from shangyi.web.residents import PersonLine, person_line

RELATIONS = {
    "head": "Head of the household",
    "spouse": "Spouse",
    "son": "Son",
    "daughter": "Daughter",
    "grandchild": "Grandchild",
    "parent": "Parent",
    "father": "Father",
    "mother": "Mother",
    "grandparent": "Grandparent",
    "sibling": "Brother or sister",
    "other": "Other relation",
}


@dataclass(frozen=True, slots=True)
class Likely:
    """A resident who may be meant, for the page."""

    line: PersonLine
    reasons: list[str]
    points: int
    certain: bool


def values_of(context: Context) -> dict[str, str]:
    """The form's fields; a radio that was chosen stands for the hidden value."""
    found = {name: context.field(name) for name in FIELDS}
    for name in ("household", "doctor"):
        found[f"{name}_value"] = context.field(f"{name}_chosen") or found[f"{name}_value"]
    return found


def register(context: Context) -> Response:
    """GET and POST /residents/new."""
    now = dt.datetime.now(formats.ZONE)
    context.session.require("create", "Patient")
    if context.request.method != "POST":
        values = {name: context.field(name) for name in FIELDS}
        values |= {"key": str(uuid4()), "started": now.isoformat(timespec="seconds")}
        return _page(context, values, {}, [], [], {})
    if context.field("step") == "villages":
        return _page(context, values_of(context), {}, [], [], {})
    person = read(values_of(context), now)
    problems = {name: context.text(text) for name, text in person.problems.items()}
    choose: dict[str, list[Option]] = {}
    around = _surroundings(context, person, problems, choose)
    likely = _likely(context, person)
    sentences: list[str] = []
    if not problems and _registered(context, person.key):
        return RedirectResponse(f"/residents/{person.key}", status_code=303)
    if _elsewhere(context, person):
        sentences.append(
            context.text(
                "Somebody with this resident id has a record outside your area. Ask an administrator to move it."
            )
        )
    elif likely and not person["reason"] and not problems:
        sentences.append(
            context.text("This may be somebody who is registered already. Look at the list below.")
        )
        problems["reason"] = context.text("Say why this is another person")
    if not problems and not sentences:
        try:
            context.session.transaction(bundle(person, around, context.principal))
            return RedirectResponse(f"/residents/{person.key}", status_code=303)
        except PreconditionFailed:
            sentences = [
                context.text("The household was changed by somebody else meanwhile. Send the form again.")
            ]
        except ShangyiError as error:
            sentences = context.sentences(error)
    return _page(context, person.values, problems, likely, sentences, choose)


def check(context: Context) -> Response:
    """POST /residents/new/check: likely duplicates of what stands in the form so far."""
    context.session.require("create", "Patient")
    person = read(values_of(context), dt.datetime.now(formats.ZONE))
    return context.part(
        "parts/duplicates.html", likely=_likely(context, person), values=person.values, problems={}
    )


def villages(context: Context) -> Response:
    """GET /residents/new/villages?town=…: the field with the villages of a town."""
    found = places.villages(context, context.field("town"))
    return context.part("parts/villages.html", villages=found, values={"village": ""}, problems={})


def _page(
    context: Context,
    values: Mapping[str, str],
    problems: dict[str, str],
    likely: list[Likely],
    sentences: list[str],
    choose: dict[str, list[Option]],
) -> Response:
    towns = places.towns(context)
    town = values.get("town", "") or (towns[0][0] if len(towns) == 1 else "")
    return context.page(
        "pages/register.html",
        "register",
        status=422 if problems or sentences else 200,
        values={**values, "town": town},
        problems=problems,
        likely=likely,
        sentences=sentences,
        choose=choose,
        towns=towns,
        villages=places.villages(context, town),
        sexes=[(code, context.text(name)) for code, name in SEXES.items()],
        insurances=[(code, context.text(name)) for code, name in INSURANCES.items()],
        relations=[(code, context.text(RELATIONS[code])) for code in relations()],
    )


def _likely(context: Context, person: Person) -> list[Likely]:
    found = {}
    for question in duplicates.questions(person.likeness):
        for version in context.search("Patient", *question).matches:
            if version.id != person.key:
                found[version.id] = version.resource
    return [
        Likely(
            person_line(match.patient, {}, context.text, context.language),
            match.sentences(context.language),
            match.points,
            match.certain,
        )
        for match in duplicates.likely(person.likeness, found.values())[:5]
    ]


def _elsewhere(context: Context, person: Person) -> bool:
    number = person.likeness.resident_id
    return bool(number) and context.session.known_elsewhere(masking.RESIDENT_ID, number)


def _registered(context: Context, key: str) -> bool:
    try:
        context.session.read("Patient", key)
    except NotFound:
        return False
    return True


def _surroundings(
    context: Context, person: Person, problems: dict[str, str], choose: dict[str, list[Option]]
) -> Surroundings:
    """What the form refers to, looked up; what cannot be told apart goes to ``problems`` with its options."""
    town = person["village"][:9] + "000"
    names = dict([*places.towns(context), *places.villages(context, town)])
    if person["village"] and person["village"] not in names:
        problems["village"] = context.text("Choose the village or community")
    other = _one(context, person, "household", "resident", problems, choose)
    doctor = _one(context, person, "doctor", "doctor", problems, choose)
    insurer = (
        context.resources("Organization", ("type", "insurer"), ("_count", "1")) if person["insurance"] else []
    )
    return Surroundings(
        county=_name(context, person["village"][:6] + "000000"),
        town=names.get(town, ""),
        village=names.get(person["village"], ""),
        household=_household(context, other, person) if other else None,
        doctor=doctor,
        doctor_name=person_name(context.session.read("Practitioner", doctor.partition("/")[2]).resource)
        if doctor
        else "",
        insurer=f"Organization/{insurer[0]['id']}" if insurer else "",
    )


def _name(context: Context, division: str) -> str:
    try:
        return str(context.session.read("Location", f"div-{division}").resource.get("name", ""))
    except ShangyiError:
        return ""


def _one(
    context: Context,
    person: Person,
    name: str,
    kind: str,
    problems: dict[str, str],
    choose: dict[str, list[Option]],
) -> str:
    """The id that was chosen in a combo; the only match of its text where nothing was chosen."""
    if not person[name]:
        return ""
    if person[f"{name}_value"]:
        return person[f"{name}_value"]
    found = options(context, kind, person[name])
    if len(found) == 1:
        return found[0].value
    problems[name] = (
        context.text("Which one?")
        if found
        else context.text("Nobody found for “{query}”", query=person[name])
    )
    choose[name] = found
    return ""


def _household(context: Context, other: str, person: Person) -> dict[str, object]:
    """The household of a resident, a new one where they have none."""
    resident = context.session.read("Patient", other).resource
    groups = context.resources("Group", ("member", f"Patient/{other}"), ("_count", "5"))
    for group in groups:
        if any(c.get("code") == "household" for c in group.get("code", {}).get("coding", ())):
            return group
    coding = {"system": "https://shangyi.dev/fhir/CodeSystem/group", "code": "household", "display": "家庭户"}
    name = person_name(resident)
    return {
        "resourceType": "Group",
        "id": f"h-{other}"[:64],
        "active": True,
        "type": "person",
        "actual": True,
        "code": {"coding": [coding], "text": "家庭户"},
        "name": f"{name}户",
        "quantity": 1,
        "member": [{"entity": {"reference": f"Patient/{other}", "display": name}}],
    }
