"""What of one resident's record the rules look at, read from the bodies without building the whole resources."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

ZONE = ZoneInfo("Asia/Shanghai")
"""Rules count days where the county lies."""

GONE = frozenset({"entered-in-error", "cancelled", "draft"})
REFUTED = frozenset({"entered-in-error", "refuted"})


class Coding(msgspec.Struct):
    """What a rule and a list need of a Coding."""

    system: str = ""
    code: str = ""
    display: str = ""


class Concept(msgspec.Struct):
    """CodeableConcept."""

    coding: list[Coding] = []
    text: str = ""

    def first(self) -> Coding:
        """The first coding, its display filled from the text; without a code where there is only text."""
        found = self.coding[0] if self.coding else Coding()
        return Coding(found.system, found.code, self.text or found.display or found.code)


class Period(msgspec.Struct):
    """Period."""

    start: str = ""
    end: str = ""


class Quantity(msgspec.Struct):
    """Quantity."""

    value: float | None = None
    unit: str = ""
    code: str = ""


class Reference(msgspec.Struct):
    """Reference."""

    reference: str = ""


class Name(msgspec.Struct):
    """HumanName."""

    use: str = ""
    text: str = ""
    family: str = ""
    given: list[str] = []


class Component(msgspec.Struct):
    """A part of an Observation."""

    code: Concept = msgspec.field(default_factory=Concept)
    valueQuantity: Quantity | None = None


class Patient(msgspec.Struct):
    """Patient."""

    name: list[Name] = []
    gender: str = "unknown"
    birthDate: str = ""
    active: bool = True
    deceasedDateTime: str = ""
    deceasedBoolean: bool = False
    generalPractitioner: list[Reference] = []


class Condition(msgspec.Struct):
    """Condition."""

    code: Concept = msgspec.field(default_factory=Concept)
    category: list[Concept] = []
    clinicalStatus: Concept = msgspec.field(default_factory=Concept)
    verificationStatus: Concept = msgspec.field(default_factory=Concept)
    onsetDateTime: str = ""
    onsetPeriod: Period | None = None
    recordedDate: str = ""
    abatementDateTime: str = ""


class Observation(msgspec.Struct):
    """Observation."""

    status: str = ""
    code: Concept = msgspec.field(default_factory=Concept)
    effectiveDateTime: str = ""
    effectiveInstant: str = ""
    effectivePeriod: Period | None = None
    valueQuantity: Quantity | None = None
    component: list[Component] = []


class MedicationRequest(msgspec.Struct):
    """MedicationRequest."""

    status: str = ""
    medicationCodeableConcept: Concept = msgspec.field(default_factory=Concept)
    authoredOn: str = ""


class Encounter(msgspec.Struct):
    """Encounter."""

    status: str = ""
    type: list[Concept] = []
    period: Period | None = None


class AllergyIntolerance(msgspec.Struct):
    """AllergyIntolerance."""

    code: Concept = msgspec.field(default_factory=Concept)
    clinicalStatus: Concept = msgspec.field(default_factory=Concept)
    verificationStatus: Concept = msgspec.field(default_factory=Concept)


DECODERS = {
    model.__name__: msgspec.json.Decoder(model)
    for model in (Patient, Condition, Observation, MedicationRequest, Encounter, AllergyIntolerance)
}
TYPES = tuple(DECODERS)


class Reading(NamedTuple):
    """One measurement: values by code, as written; ``text`` and ``unit`` to show it."""

    day: dt.date
    values: dict[str, float]
    text: str
    unit: str
    reference: str
    taken: str = ""

    @property
    def order(self) -> tuple[dt.date, str, str]:
        """By day; of one day by when it was taken as written, so that which is the last is not left to chance."""
        return self.day, self.taken, self.reference


class Problem(NamedTuple):
    """A diagnosis: ``listed`` on the problem list, else made at a visit."""

    coding: Coding
    begins: dt.date
    ends: dt.date | None
    listed: bool
    reference: str


@dataclass
class Facts:
    """One resident as the rules see them."""

    patient: Patient = field(default_factory=Patient)
    problems: list[Problem] = field(default_factory=list)
    allergies: list[Coding] = field(default_factory=list)
    readings: dict[str, list[Reading]] = field(default_factory=lambda: defaultdict(list))
    orders: list[tuple[Coding, dt.date]] = field(default_factory=list)
    visits: list[tuple[tuple[str, ...], dt.date, str]] = field(default_factory=list)

    @property
    def born(self) -> dt.date | None:
        """Day of birth; a partial date is its first day."""
        return day(self.patient.birthDate)

    @property
    def died(self) -> dt.date | None:
        """Day of death where it is known."""
        return day(self.patient.deceasedDateTime)

    @property
    def name(self) -> str:
        """The official name, written the way lists sort it: surname first."""
        names = sorted(self.patient.name, key=lambda n: n.use not in ("", "official", "usual"))
        found = next(iter(names), Name())
        return found.text or " ".join([found.family, *found.given]).strip()

    @property
    def counts(self) -> bool:
        """Whether the resident is in lists and figures: alive and active."""
        patient = self.patient
        return patient.active and not patient.deceasedBoolean and not patient.deceasedDateTime


def day(text: str) -> dt.date | None:
    """The day in the county's zone of a FHIR date, dateTime or instant; None where there is none to read."""
    try:
        if "T" in text:
            if text.endswith("+08:00"):
                return dt.date.fromisoformat(text[:10])
            return dt.datetime.fromisoformat(text).astimezone(ZONE).date()
        year, month, number = [*text.split("-"), "01", "01"][:3]
        return dt.date(int(year), int(month), int(number))
    except ValueError:
        return None


def read(bodies: Iterable[tuple[str, str, bytes]]) -> Facts:
    """The facts in (type, id, JSON) of one resident's resources; other types and broken bodies are passed over."""
    facts = Facts()
    for type, id, body in bodies:
        decoder = DECODERS.get(type)
        if decoder is None or not body:
            continue
        try:
            _add(facts, f"{type}/{id}", decoder.decode(body))
        except (msgspec.ValidationError, msgspec.DecodeError):
            continue
    for readings in facts.readings.values():
        readings.sort(key=lambda reading: reading.order)
    facts.orders.sort(key=lambda order: order[1])
    facts.visits.sort(key=lambda visit: visit[1])
    facts.problems.sort(key=lambda problem: problem.begins, reverse=True)
    return facts


def _add(facts: Facts, reference: str, resource: object) -> None:
    match resource:
        case Patient():
            facts.patient = resource
        case Condition():
            _problem(facts, reference, resource)
        case Observation():
            _reading(facts, reference, resource)
        case MedicationRequest():
            ordered = day(resource.authoredOn)
            if ordered and resource.status not in GONE:
                facts.orders += [(coding, ordered) for coding in resource.medicationCodeableConcept.coding]
        case Encounter():
            started = day(resource.period.start) if resource.period else None
            if started and resource.status not in GONE:
                codes = tuple(f"{c.system}|{c.code}" for concept in resource.type for c in concept.coding)
                facts.visits.append((codes, started, reference))
        case AllergyIntolerance():
            states = _codes(resource.clinicalStatus) | _codes(resource.verificationStatus)
            if not states & {"resolved", "inactive", *REFUTED}:
                facts.allergies.append(resource.code.first())


def _codes(concept: Concept) -> set[str]:
    return {coding.code for coding in concept.coding}


def _problem(facts: Facts, reference: str, condition: Condition) -> None:
    categories = {code for concept in condition.category for code in _codes(concept)}
    if _codes(condition.verificationStatus) & REFUTED or "notifiable-case" in categories:
        return
    began = condition.onsetDateTime or (condition.onsetPeriod.start if condition.onsetPeriod else "")
    begins = day(began) or day(condition.recordedDate)
    if begins is None:
        return
    ends = day(condition.abatementDateTime)
    if ends is None and _codes(condition.clinicalStatus) & {"resolved", "remission", "inactive"}:
        ends = begins
    listed = "problem-list-item" in categories
    facts.problems.append(Problem(condition.code.first(), begins, ends, listed, reference))


def _reading(facts: Facts, reference: str, observation: Observation) -> None:
    period = observation.effectivePeriod
    taken = observation.effectiveDateTime or observation.effectiveInstant or (period.start if period else "")
    on = day(taken)
    if on is None or observation.status in GONE:
        return
    parts: list[Observation | Component] = [observation, *observation.component]
    values: dict[str, float] = {}
    shown: list[str] = []
    unit = ""
    for part in parts:
        quantity = part.valueQuantity
        if quantity is not None and quantity.value is not None:
            values |= {coding.code: quantity.value for coding in part.code.coding}
            shown.append(f"{quantity.value:g}")
            unit = quantity.unit or quantity.code
    if not values:
        return
    text = "/".join(shown)
    for coding in observation.code.coding:
        key = f"{coding.system}|{coding.code}"
        facts.readings[key].append(Reading(on, values, text, unit, reference, taken))
