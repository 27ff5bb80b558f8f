"""A visit as a doctor types it, and the transaction that records it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID, uuid4

from shangyi.web import formats

Resource = dict[str, Any]

OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
GLUCOSE = {"fasting": ("1558-6", "空腹血糖"), "random": ("2345-7", "随机血糖")}
"""LOINC for glucose in serum or plasma, fasting and not specified."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The form's fields, cleaned. ``problems`` maps a field to what is wrong with it (an English text)."""

    key: str
    at: dt.datetime
    systolic: Decimal | None = None
    diastolic: Decimal | None = None
    pulse: Decimal | None = None
    glucose: Decimal | None = None
    glucose_kind: str = "fasting"
    diagnosis: str = ""
    medicine: str = ""
    dosage: str = ""
    allergy: str = ""
    note: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing but the time was entered."""
        numbers = (self.systolic, self.diastolic, self.pulse, self.glucose)
        return not any((self.diagnosis, self.medicine, self.allergy, self.note)) and all(
            n is None for n in numbers
        )


def read(form: Mapping[str, str], now: dt.datetime) -> Entry:
    """The entry in a form. Full-width digits and commas are read as a Chinese keyboard writes them."""
    problems: dict[str, str] = {}
    numbers = {name: _number(form, name, problems) for name in ("systolic", "diastolic", "pulse", "glucose")}
    systolic, diastolic = numbers["systolic"], numbers["diastolic"]
    if (systolic is None) != (diastolic is None) and not problems:
        problems["diastolic" if diastolic is None else "systolic"] = "Both pressures are needed"
    elif systolic is not None and diastolic is not None and diastolic >= systolic:
        problems["diastolic"] = "Must be lower than the systolic pressure"
    if form.get("dosage") and not form.get("medicine"):
        problems["medicine"] = "Which medicine?"
    text = {
        name: form.get(name, "").strip() for name in ("diagnosis", "medicine", "dosage", "allergy", "note")
    }
    return Entry(
        key=_key(form.get("key", "")),
        at=_time(form.get("at", ""), now, problems),
        systolic=systolic,
        diastolic=diastolic,
        pulse=numbers["pulse"],
        glucose=numbers["glucose"],
        glucose_kind=form.get("glucose_kind", "") if form.get("glucose_kind") in GLUCOSE else "fasting",
        diagnosis=text["diagnosis"],
        medicine=text["medicine"],
        dosage=text["dosage"],
        allergy=text["allergy"],
        note=text["note"],
        problems=problems,
    )


def _number(form: Mapping[str, str], name: str, problems: dict[str, str]) -> Decimal | None:
    text = form.get(name, "").strip().replace("，", ".").replace("。", ".")
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        problems[name] = "Not a number"
        return None
    if not value.is_finite() or not 0 < value < 1000:
        problems[name] = "Not a possible value"
        return None
    return value


def _time(text: str, now: dt.datetime, problems: dict[str, str]) -> dt.datetime:
    if not text:
        return now
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        problems["at"] = "Not a date and time"
        return now
    moment = moment if moment.tzinfo else moment.replace(tzinfo=formats.ZONE)
    if moment > now + dt.timedelta(minutes=5):
        problems["at"] = "Lies in the future"
    return moment


def _key(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return str(uuid4())


def bundle(entry: Entry, patient: str, practitioner: str | None) -> Resource:
    """The transaction. The visit's id is the form's key, so that a form sent twice is recorded once."""
    subject = {"reference": patient}
    visit = {"reference": f"Encounter/{entry.key}"}
    moment = entry.at.isoformat(timespec="seconds")
    performer = [{"reference": practitioner}] if practitioner else []
    encounter: Resource = {
        "resourceType": "Encounter",
        "id": entry.key,
        "status": "finished",
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": "AMB",
            "display": "门诊",
        },
        "subject": subject,
        "period": {"start": moment, "end": moment},
    }
    if performer:
        encounter["participant"] = [{"individual": performer[0]}]
    if entry.diagnosis:
        encounter["reasonCode"] = [{"text": entry.diagnosis}]
    resources = [
        *_observations(entry, subject, visit, moment, performer),
        *_statements(entry, subject, visit, moment, performer),
    ]
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": f"urn:uuid:{entry.key}",
                "resource": encounter,
                "request": {"method": "PUT", "url": f"Encounter/{entry.key}"},
            },
            *(
                {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}
                for resource in resources
            ),
        ],
    }


def _quantity(value: Decimal, unit: str, code: str | None = None) -> Resource:
    return {"value": value, "unit": unit, "system": UCUM, "code": code or unit}


def _observations(
    entry: Entry, subject: Resource, visit: Resource, moment: str, performer: list[Resource]
) -> list[Resource]:
    def observation(category: str, code: str, display: str) -> Resource:
        found: Resource = {
            "resourceType": "Observation",
            "status": "final",
            "category": [{"coding": [{"system": OBSERVATION_CATEGORY, "code": category}]}],
            "code": {"coding": [{"system": LOINC, "code": code, "display": display}], "text": display},
            "subject": subject,
            "encounter": visit,
            "effectiveDateTime": moment,
        }
        return found | ({"performer": performer} if performer else {})

    found = []
    if entry.systolic is not None and entry.diastolic is not None:
        parts = (("8480-6", "收缩压", entry.systolic), ("8462-4", "舒张压", entry.diastolic))
        components = [
            {
                "code": {"coding": [{"system": LOINC, "code": code, "display": display}]},
                "valueQuantity": _quantity(value, "mmHg", "mm[Hg]"),
            }
            for code, display, value in parts
        ]
        found.append(observation("vital-signs", "85354-9", "血压") | {"component": components})
    if entry.pulse is not None:
        found.append(
            observation("vital-signs", "8867-4", "心率")
            | {"valueQuantity": _quantity(entry.pulse, "次/分", "/min")}
        )
    if entry.glucose is not None:
        code, display = GLUCOSE[entry.glucose_kind]
        found.append(
            observation("laboratory", code, display) | {"valueQuantity": _quantity(entry.glucose, "mmol/L")}
        )
    return found


def _coded(system: str, code: str, **more: str) -> Resource:
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code, **more}]}


def _statements(
    entry: Entry, subject: Resource, visit: Resource, moment: str, performer: list[Resource]
) -> list[Resource]:
    found: list[Resource] = []
    if entry.diagnosis:
        found.append(
            {
                "resourceType": "Condition",
                "clinicalStatus": _coded("condition-clinical", "active"),
                "verificationStatus": _coded("condition-ver-status", "confirmed"),
                "category": [_coded("condition-category", "encounter-diagnosis")],
                "code": {"text": entry.diagnosis},
                "subject": subject,
                "encounter": visit,
                "recordedDate": moment,
            }
        )
    if entry.medicine:
        order: Resource = {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"text": entry.medicine},
            "subject": subject,
            "encounter": visit,
            "authoredOn": moment,
        }
        if performer:
            order["requester"] = performer[0]
        if entry.dosage:
            order["dosageInstruction"] = [{"text": entry.dosage}]
        found.append(order)
    if entry.allergy:
        found.append(
            {
                "resourceType": "AllergyIntolerance",
                "clinicalStatus": _coded("allergyintolerance-clinical", "active"),
                "verificationStatus": _coded("allergyintolerance-verification", "unconfirmed"),
                "code": {"text": entry.allergy},
                "patient": subject,
                "encounter": visit,
                "recordedDate": moment,
            }
        )
    if entry.note:
        found.append(
            {
                "resourceType": "ClinicalImpression",
                "status": "completed",
                "subject": subject,
                "encounter": visit,
                "effectiveDateTime": moment,
                "summary": entry.note,
            }
        )
    return found
