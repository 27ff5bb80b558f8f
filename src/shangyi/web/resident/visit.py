"""A visit as a doctor types it, and the transaction that records it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4, uuid5

from shangyi.web import choices, formats
from shangyi.web.choices import Choice
from shangyi.web.resident.limits import possible
from shangyi.web.resident.measurements import definition
from shangyi.web.resident.reading import codes, words

Resource = dict[str, Any]

OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
MEASURED = ("systolic", "diastolic", "pulse", "glucose")
MOST_ROWS = 8
FORM = "https://shangyi.dev/fhir/sid/form"


@dataclass(frozen=True, slots=True)
class Coded:
    """A diagnosis or substance: its code where one was chosen, its words in any case."""

    name: str
    choice: Choice | None = None

    def concept(self) -> Resource:
        """The CodeableConcept."""
        return self.choice.concept() if self.choice else {"text": self.name}


@dataclass(frozen=True, slots=True)
class Medicine:
    """A medicine to prescribe. ``before``: the order that it repeats."""

    name: str
    dosage: str = ""
    choice: Choice | None = None
    before: Resource | None = None

    @property
    def code(self) -> str:
        """The ATC code, empty where there is none."""
        concept = self.before["medicationCodeableConcept"] if self.before else self.concept()
        return next(iter(codes(concept)), "")

    def concept(self) -> Resource:
        """The CodeableConcept."""
        if self.before:
            found: Resource = self.before["medicationCodeableConcept"]
            return found
        return self.choice.concept() if self.choice else {"text": self.name}


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
    diagnoses: Sequence[Coded] = ()
    medicines: Sequence[Medicine] = ()
    repeats: Sequence[Medicine] = ()
    allergy: Coded | None = None
    note: str = ""
    digest: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing but the time was entered."""
        said = (self.diagnoses, self.medicines, self.repeats, self.allergy, self.note)
        return not any(said) and all(getattr(self, name) is None for name in MEASURED)


Rows = Sequence[tuple[str, str, str]]
"""Text, value chosen, dosage: one row of a list in the form."""


def read(
    form: Mapping[str, str],
    now: dt.datetime,
    diagnoses: Rows = (),
    medicines: Rows = (),
    repeats: Sequence[Resource] = (),
) -> Entry:
    """The entry in a form. Full-width digits and commas are read as a Chinese keyboard writes them."""
    problems: dict[str, str] = {}
    numbers = {name: _number(form, name, problems) for name in MEASURED}
    systolic, diastolic = numbers["systolic"], numbers["diastolic"]
    if (systolic is None) != (diastolic is None) and not problems:
        problems["diastolic" if diastolic is None else "systolic"] = "Both pressures are needed"
    elif systolic is not None and diastolic is not None and diastolic >= systolic:
        problems["diastolic"] = "Must be lower than the systolic pressure"
    for number, (text, _, dosage) in enumerate(medicines):
        if dosage and not text:
            problems[f"medicine-{number}"] = "Which medicine?"
    allergy = form.get("allergy", "").strip()
    said = [form.get(name, "") for name in (*MEASURED, "at", "glucose_kind", "allergy", "note")]
    said += [part for row in (*diagnoses, *medicines) for part in row] + [r["id"] for r in repeats]
    return Entry(
        key=_key(form.get("key", "")),
        at=_time(form.get("at", ""), now, problems),
        **numbers,
        glucose_kind=_glucose_kind(form.get("glucose_kind", "")),
        diagnoses=[Coded(t, choices.exact("diagnosis", t, v)) for t, v, _ in diagnoses if t],
        medicines=[Medicine(t, d, choices.exact("medicine", t, v)) for t, v, d in medicines if t],
        repeats=[
            Medicine(words(r.get("medicationCodeableConcept")), dosage_of(r), before=r) for r in repeats
        ],
        allergy=Coded(allergy, choices.exact("allergy", allergy, form.get("allergy_value", "")))
        if allergy
        else None,
        note=form.get("note", "").strip(),
        digest=sha256("\x1f".join(said).encode()).hexdigest()[:16],
        problems=problems,
    )


def recorded() -> dict[str, Any]:
    """What a visit records: codes, names and units by field (``data/measurements.yaml``)."""
    found: dict[str, Any] = definition()["recorded"]
    return found


def _glucose_kind(asked: str) -> str:
    kinds = recorded()["glucose"]["kinds"]
    return asked if asked in kinds else next(iter(kinds))


def dosage_of(order: Resource) -> str:
    """How a medicine is taken, in words."""
    return next((d.get("text", "") for d in order.get("dosageInstruction", ())), "")


def _number(form: Mapping[str, str], name: str, problems: dict[str, str]) -> Decimal | None:
    text = form.get(name, "").strip().replace("，", ".").replace("。", ".")
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        problems[name] = "Not a number"
        return None
    if not value.is_finite() or not possible(name, value):
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
    """The transaction. All ids come from the form's key, so that a form sent twice is recorded once."""
    subject = {"reference": patient}
    visit = {"reference": f"Encounter/{entry.key}"}
    moment = entry.at.isoformat(timespec="seconds")
    performer = [{"reference": practitioner}] if practitioner else []
    encounter: Resource = {
        "resourceType": "Encounter",
        "id": entry.key,
        "identifier": [{"system": FORM, "value": entry.digest}],
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
    if entry.diagnoses:
        encounter["reasonCode"] = [diagnosis.concept() for diagnosis in entry.diagnoses]
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
                {
                    "resource": {**resource, "id": (id := str(uuid5(UUID(entry.key), str(number))))},
                    "request": {"method": "PUT", "url": f"{resource['resourceType']}/{id}"},
                }
                for number, resource in enumerate(resources)
            ),
        ],
    }


def _quantity(value: Decimal, data: Mapping[str, str]) -> Resource:
    return {"value": value, "unit": data["unit"], "system": UCUM, "code": data["ucum"]}


def _named(data: Mapping[str, str]) -> Resource:
    coding = {"system": LOINC, "code": data["code"], "display": data["zh"]}
    return {"coding": [coding], "text": data["zh"]}


def _observations(
    entry: Entry, subject: Resource, visit: Resource, moment: str, performer: list[Resource]
) -> list[Resource]:
    def observation(category: str, code: Resource) -> Resource:
        found: Resource = {
            "resourceType": "Observation",
            "status": "final",
            "category": [{"coding": [{"system": OBSERVATION_CATEGORY, "code": category}]}],
            "code": code,
            "subject": subject,
            "encounter": visit,
            "effectiveDateTime": moment,
        }
        return found | ({"performer": performer} if performer else {})

    pressure, pulse, glucose = (recorded()[name] for name in ("pressure", "pulse", "glucose"))
    found = []
    if entry.systolic is not None and entry.diastolic is not None:
        values = {"systolic": entry.systolic, "diastolic": entry.diastolic}
        components = [
            {"code": _named(part), "valueQuantity": _quantity(values[name], pressure)}
            for name, part in pressure["parts"].items()
        ]
        found.append(observation(pressure["category"], _named(pressure)) | {"component": components})
    if entry.pulse is not None:
        value = _quantity(entry.pulse, pulse)
        found.append(observation(pulse["category"], _named(pulse)) | {"valueQuantity": value})
    if entry.glucose is not None:
        kind, value = glucose["kinds"][entry.glucose_kind], _quantity(entry.glucose, glucose)
        found.append(observation(glucose["category"], _named(kind)) | {"valueQuantity": value})
    return found


def _coded(system: str, code: str, **more: str) -> Resource:
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code, **more}]}


def _statements(
    entry: Entry, subject: Resource, visit: Resource, moment: str, performer: list[Resource]
) -> list[Resource]:
    found: list[Resource] = [
        {
            "resourceType": "Condition",
            "clinicalStatus": _coded("condition-clinical", "active"),
            "verificationStatus": _coded("condition-ver-status", "confirmed"),
            "category": [_coded("condition-category", "encounter-diagnosis")],
            "code": diagnosis.concept(),
            "subject": subject,
            "encounter": visit,
            "recordedDate": moment,
        }
        for diagnosis in entry.diagnoses
    ]
    for medicine in (*entry.medicines, *entry.repeats):
        order: Resource = {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": medicine.concept(),
            "subject": subject,
            "encounter": visit,
            "authoredOn": moment,
        }
        if performer:
            order["requester"] = performer[0]
        if medicine.before:
            order["priorPrescription"] = {"reference": f"MedicationRequest/{medicine.before['id']}"}
            if "dosageInstruction" in medicine.before:
                order["dosageInstruction"] = medicine.before["dosageInstruction"]
        elif medicine.dosage:
            order["dosageInstruction"] = [{"text": medicine.dosage}]
        found.append(order)
    if entry.allergy:
        found.append(
            {
                "resourceType": "AllergyIntolerance",
                "clinicalStatus": _coded("allergyintolerance-clinical", "active"),
                "verificationStatus": _coded("allergyintolerance-verification", "unconfirmed"),
                "code": entry.allergy.concept(),
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
