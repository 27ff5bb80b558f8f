"""The parts of an entry that a person corrects, by type: how they are shown and how they are put back."""

import copy
import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from shangyi.access import masking
from shangyi.errors import Invalid
from shangyi.terminology import gb11643
from shangyi.web import choices, formats
from shangyi.web.registration.duplicates import digits
from shangyi.web.registration.form import iso_date
from shangyi.web.registration.resources import human_name
from shangyi.web.resident.reading import person_name, words
from shangyi.web.residents import home

Resource = dict[str, Any]
Kind = Literal["text", "long", "decimal", "date", "time", "select", "diagnosis", "medicine", "allergy"]
CLINICAL = "http://terminology.hl7.org/CodeSystem/"

CONDITION_STATUS = {
    "active": "Active",
    "remission": "In remission",
    "resolved": "Resolved",
    "inactive": "Inactive",
}
ALLERGY_STATUS = {"active": "Active", "inactive": "Inactive", "resolved": "Resolved"}
ORDER_STATUS = {"active": "In use", "on-hold": "On hold", "stopped": "Stopped", "completed": "Ended"}
CRITICALITY = {"low": "Low risk", "high": "High risk", "unable-to-assess": "Risk not assessed"}
SEXES = {"male": "Male", "female": "Female", "other": "Other sex", "unknown": "Sex unknown"}


class Wrong(ValueError):
    """What a field holds cannot be; the message is an English text."""


@dataclass(frozen=True, slots=True)
class Field:
    """One part. ``label``: an English text, or words of the record where ``own_label``. ``value``: as a form shows it."""

    name: str
    label: str
    kind: Kind
    value: str
    put: Callable[[Resource, str, str], None] = field(compare=False, repr=False)
    unit: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    own_label: bool = False
    needed: bool = False


def fields(resource: Resource, language: str = "zh-CN") -> list[Field]:
    """What can be corrected of this resource; nothing for a type that has no form."""
    make = FORMS.get(resource["resourceType"])
    return make(resource, language) if make else []


def corrected(
    resource: Resource, form: Mapping[str, str], language: str = "zh-CN"
) -> tuple[Resource, dict[str, str]]:
    """The resource with what the form holds, and what is wrong by field (English texts).

    A field that the form does not change leaves the resource as it is, to the last digit. ``<name>_value`` holds the
    code that was chosen for a field with codes.
    """
    found, problems = copy.deepcopy(resource), {}
    for part in fields(resource, language):
        text = form.get(part.name, part.value).strip()
        if text == part.value:
            continue
        if part.needed and not text:
            problems[part.name] = "This cannot be empty"
            continue
        try:
            part.put(found, text, form.get(f"{part.name}_value", ""))
        except Wrong as error:
            problems[part.name] = str(error)
    if (
        found != resource
        and found["resourceType"] == "Observation"
        and found["status"] in ("final", "amended")
    ):
        found["status"] = "corrected"
    return found, problems


# Reading and putting back


def decimal(text: str) -> Decimal:
    """A number as it is typed, full-width comma and stop too."""
    try:
        value = Decimal(text.replace("，", ".").replace("。", "."))
    except InvalidOperation:
        raise Wrong("Not a number") from None
    if not value.is_finite():
        raise Wrong("Not a number")
    return value


def _local(value: str | None) -> str:
    """A FHIR date or dateTime as a form's control takes it."""
    if not value or "T" not in value:
        return value or ""
    return dt.datetime.fromisoformat(value).astimezone(formats.ZONE).strftime("%Y-%m-%dT%H:%M")


def _moment(text: str) -> str:
    try:
        if "T" not in text:
            return _date(text)
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise Wrong("Not a date and time") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=formats.ZONE)
    if moment > dt.datetime.now(formats.ZONE) + dt.timedelta(minutes=5):
        raise Wrong("Lies in the future")
    return moment.isoformat(timespec="seconds")


def _date(text: str) -> str:
    try:
        day = dt.date.fromisoformat(iso_date(text))
    except ValueError:
        raise Wrong("Not a date") from None
    if day > dt.datetime.now(formats.ZONE).date():
        raise Wrong("Lies in the future")
    return day.isoformat()


def _at(name: str, element: str, label: str, resource: Resource) -> Field:
    def put(found: Resource, text: str, _: str) -> None:
        found[element] = _moment(text)

    value = resource.get(element, "")
    return Field(name, label, "time" if "T" in value else "date", _local(value), put, needed=True)


def _quantity(name: str, label: str, holder: Callable[[Resource], Resource], resource: Resource) -> Field:
    def put(found: Resource, text: str, _: str) -> None:
        holder(found)["value"] = decimal(text)

    quantity = holder(resource)
    unit = quantity.get("unit") or quantity.get("code", "")
    return Field(name, label, "decimal", str(quantity["value"]), put, unit=unit, own_label=True, needed=True)


def _concept(name: str, element: str, label: str, kind: Kind, resource: Resource, language: str) -> Field:
    def put(found: Resource, text: str, value: str) -> None:
        chosen = choices.exact(kind, text, value)
        found[element] = chosen.concept() if chosen else {"text": text}

    return Field(name, label, kind, words(resource.get(element), language), put, needed=True)


def _select(
    name: str, label: str, value: str, options: Mapping[str, str], put: Callable[[Resource, str], None]
) -> Field:
    def checked(found: Resource, text: str, _: str) -> None:
        if text not in options:
            raise Wrong("Choose one of the list")
        put(found, text)

    return Field(name, label, "select", value, checked, options=options, needed=True)


def _code(resource: Resource, element: str) -> str:
    return next((c.get("code", "") for c in resource.get(element, {}).get("coding", ())), "")


def _status(resource: Resource, system: str, options: Mapping[str, str]) -> Field:
    def put(found: Resource, text: str) -> None:
        found["clinicalStatus"] = {"coding": [{"system": CLINICAL + system, "code": text}]}

    return _select("status", "Status", _code(resource, "clinicalStatus"), options, put)


# The forms


def _observation(resource: Resource, language: str) -> list[Field]:
    found = []
    if "value" in resource.get("valueQuantity", {}):
        label = words(resource.get("code"), language)
        found.append(_quantity("value", label, lambda r: r["valueQuantity"], resource))
    for number, component in enumerate(resource.get("component", ())):
        if "value" in component.get("valueQuantity", {}):
            label = words(component.get("code"), language)
            found.append(_quantity(f"component-{number}", label, _component(number), resource))
    if "valueString" in resource:
        found.append(_text("value", "Value", "valueString", resource))
    if "effectiveDateTime" in resource:
        found.append(_at("at", "effectiveDateTime", "Time", resource))
    return found


def _component(number: int) -> Callable[[Resource], Resource]:
    def of(resource: Resource) -> Resource:
        quantity: Resource = resource["component"][number]["valueQuantity"]
        return quantity

    return of


def _text(name: str, label: str, element: str, resource: Resource, kind: Kind = "text") -> Field:
    def put(found: Resource, text: str, _: str) -> None:
        found[element] = text

    return Field(name, label, kind, resource.get(element, ""), put, needed=True)


def _condition(resource: Resource, language: str) -> list[Field]:
    found = [_concept("code", "code", "Diagnosis", "diagnosis", resource, language)]
    if "clinicalStatus" in resource:
        found.append(_status(resource, "condition-clinical", CONDITION_STATUS))
    for element in ("onsetDateTime", "recordedDate"):
        if element in resource:
            label = "Began" if element == "onsetDateTime" else "Recorded on"
            found.append(_at(element, element, label, resource))
    return found


def _order(resource: Resource, language: str) -> list[Field]:
    def dosage(found: Resource, text: str, _: str) -> None:
        # the structured dose says the old one: the text is what counts now
        found["dosageInstruction"] = [{"text": text}]

    def status(found: Resource, text: str) -> None:
        found["status"] = text

    said = next((d.get("text", "") for d in resource.get("dosageInstruction", ())), "")
    found = [
        _concept("medicine", "medicationCodeableConcept", "Medicine", "medicine", resource, language),
        Field("dosage", "Dosage", "text", said, dosage),
        _select("status", "Status", resource["status"], ORDER_STATUS, status),
    ]
    return [*found, _at("at", "authoredOn", "Prescribed", resource)] if "authoredOn" in resource else found


def _allergy(resource: Resource, language: str) -> list[Field]:
    def criticality(found: Resource, text: str) -> None:
        found["criticality"] = text

    found = [_concept("code", "code", "Substance", "allergy", resource, language)]
    if "clinicalStatus" in resource:
        found.append(_status(resource, "allergyintolerance-clinical", ALLERGY_STATUS))
    return [*found, _select("criticality", "Risk", resource.get("criticality", ""), CRITICALITY, criticality)]


def _encounter(resource: Resource, language: str) -> list[Field]:
    def start(found: Resource, text: str, _: str) -> None:
        moment = _moment(text)
        found["period"] = {**found.get("period", {}), "start": moment}
        if found["period"].get("end", moment) < moment:
            found["period"]["end"] = moment

    def reason(found: Resource, text: str, _: str) -> None:
        if text:
            found["reasonCode"] = [{"text": text}]
        else:
            found.pop("reasonCode", None)

    value = _local(resource.get("period", {}).get("start"))
    said = words(next(iter(resource.get("reasonCode", ())), None), language)
    return [
        Field("at", "Time", "time", value, start, needed=True),
        Field("visit_reason", "Reason for the visit", "text", said, reason),
    ]


def _note(resource: Resource, language: str) -> list[Field]:
    return [_text("summary", "Note", "summary", resource, "long")]


def _immunization(resource: Resource, language: str) -> list[Field]:
    found = (
        [_at("at", "occurrenceDateTime", "Given on", resource)] if "occurrenceDateTime" in resource else []
    )
    return [*found, *([_text("lot", "Lot", "lotNumber", resource)] if "lotNumber" in resource else [])]


def _identifier(system: str, check: bool) -> Callable[[Resource, str, str], None]:
    def put(found: Resource, text: str, _: str) -> None:
        value = text
        if check and text:
            try:
                value = gb11643.parse(text).value
            except Invalid as error:
                raise Wrong(error.issues[0].text) from None
        others = [
            i for i in found.get("identifier", ()) if i.get("system") != system or i.get("use") == "old"
        ]
        found["identifier"] = [*([{"system": system, "value": value}] if value else []), *others]
        if not found["identifier"]:
            del found["identifier"]

    return put


def _patient(resource: Resource, language: str) -> list[Field]:
    def name(found: Resource, text: str, _: str) -> None:
        others = [n for n in found.get("name", ()) if n.get("use") == "old"]
        found["name"] = [human_name(text), *others]

    def sex(found: Resource, text: str) -> None:
        found["gender"] = text

    def birth(found: Resource, text: str, _: str) -> None:
        found["birthDate"] = _date(text)

    def phone(found: Resource, text: str, _: str) -> None:
        number = digits(text)
        if text and not 7 <= len(number) <= 12:
            raise Wrong("A phone number has 7 to 12 digits")
        others = [t for t in found.get("telecom", ()) if t.get("system") != "phone"]
        found["telecom"] = [
            *([{"system": "phone", "value": number, "use": "mobile"}] if number else []),
            *others,
        ]
        if not found["telecom"]:
            del found["telecom"]

    def house(found: Resource, text: str, _: str) -> None:
        address = home(found)
        address["line"] = [text]
        address["text"] = "".join([address.get("district", ""), address.get("city", ""), text])

    line = next(iter(home(resource).get("line", ())), "")
    found = [
        Field("name", "Full name", "text", person_name(resource), name, needed=True),
        _select("sex", "Sex", resource.get("gender", "unknown"), SEXES, sex),
        Field("birth", "Birth date", "text", resource.get("birthDate", ""), birth, needed=True),
        Field(
            "resident_id",
            "Resident id",
            "text",
            masking.resident_id(resource) or "",
            _identifier(masking.RESIDENT_ID, True),
        ),
        Field(
            "insurance_number",
            "Insurance number",
            "text",
            masking.insurance_number(resource) or "",
            _identifier(masking.INSURANCE_NUMBER, False),
        ),
        Field("phone", "Phone", "text", masking.phone(resource) or "", phone),
    ]
    return [*found, Field("house", "Village and house", "text", line, house, needed=True)] if line else found


FORMS: Mapping[str, Callable[[Resource, str], list[Field]]] = {
    "Observation": _observation,
    "Condition": _condition,
    "MedicationRequest": _order,
    "AllergyIntolerance": _allergy,
    "Encounter": _encounter,
    "ClinicalImpression": _note,
    "Immunization": _immunization,
    "Patient": _patient,
}
