"""What can be corrected, and that nothing else changes."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shangyi.fhir import json
from shangyi.query.conformance import validate
from shangyi.web.correction.fields import corrected, fields
from shangyi.web.correction.void import can_be_void, is_void, void

PRESSURE: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o",
    "status": "final",
    "code": {"text": "血压"},
    "subject": {"reference": "Patient/p"},
    "effectiveDateTime": "2026-11-20T09:00:00+08:00",
    "component": [
        {"code": {"text": "收缩压"}, "valueQuantity": {"value": Decimal("150.0"), "unit": "mmHg"}},
        {"code": {"text": "舒张压"}, "valueQuantity": {"value": Decimal(95), "unit": "mmHg"}},
    ],
}
ACTIVE = "http://terminology.hl7.org/CodeSystem/condition-clinical"
EXAMPLES: dict[str, dict[str, Any]] = {
    "Observation": PRESSURE,
    "Condition": {
        "resourceType": "Condition",
        "id": "c",
        "clinicalStatus": {"coding": [{"system": ACTIVE, "code": "active"}]},
        "code": {
            "coding": [
                {"system": "http://hl7.org/fhir/sid/icd-10", "code": "E11.900", "display": "2型糖尿病"}
            ]
        },
        "subject": {"reference": "Patient/p"},
        "onsetDateTime": "2019-02",
        "recordedDate": "2019-03-01",
    },
    "MedicationRequest": {
        "resourceType": "MedicationRequest",
        "id": "m",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "阿司匹林肠溶片 100mg"},
        "subject": {"reference": "Patient/p"},
        "authoredOn": "2026-11-20T09:00:00+08:00",
        "dosageInstruction": [{"text": "每次100mg", "doseAndRate": [{"doseQuantity": {"value": 100}}]}],
    },
    "AllergyIntolerance": {
        "resourceType": "AllergyIntolerance",
        "id": "a",
        "clinicalStatus": {
            "coding": [{"system": ACTIVE.replace("condition", "allergyintolerance"), "code": "active"}]
        },
        "code": {"text": "青霉素"},
        "patient": {"reference": "Patient/p"},
    },
    "Encounter": {
        "resourceType": "Encounter",
        "id": "e",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p"},
        "period": {"start": "2026-11-20T09:00:00+08:00", "end": "2026-11-20T09:05:00+08:00"},
    },
    "ClinicalImpression": {
        "resourceType": "ClinicalImpression",
        "id": "i",
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "summary": "无不适",
    },
    "Patient": {
        "resourceType": "Patient",
        "id": "p",
        "name": [{"text": "单秀兰"}],
        "gender": "female",
        "birthDate": "1949-12-31",
        "identifier": [{"system": "https://shangyi.dev/fhir/sid/resident-id", "value": "11010519491231002X"}],
        "telecom": [{"system": "email", "value": "a@b.c"}, {"system": "phone", "value": "13900000001"}],
        "address": [{"use": "home", "line": ["上河村"], "city": "白水镇"}],
    },
}


@pytest.mark.parametrize("type", EXAMPLES)
def test_a_form_sent_back_unchanged_changes_nothing(type: str) -> None:
    resource = EXAMPLES[type]
    form = {part.name: part.value for part in fields(resource)}
    found, problems = corrected(resource, form)
    assert (json.dumps(found), problems) == (json.dumps(resource), {})


CHANGES = [
    ("Observation", {"component-0": "130"}, ("component", 0, "valueQuantity", "value"), Decimal(130)),
    ("Observation", {"component-1": "85，5"}, ("component", 1, "valueQuantity", "value"), Decimal("85.5")),
    ("Observation", {"at": "2026-11-19T08:00"}, ("effectiveDateTime",), "2026-11-19T08:00:00+08:00"),
    ("Condition", {"code": "I10.x00"}, ("code", "coding", 0, "display"), "高血压病"),
    ("Condition", {"status": "resolved"}, ("clinicalStatus", "coding", 0, "code"), "resolved"),
    ("MedicationRequest", {"medicine": "苯磺酸氨氯地平片 5mg"}, ("medicationCodeableConcept", "coding", 0, "code"), "C08CA01"),
    ("MedicationRequest", {"dosage": "每次50mg"}, ("dosageInstruction",), [{"text": "每次50mg"}]),
    ("AllergyIntolerance", {"code": "芒果"}, ("code",), {"text": "芒果"}),
    ("AllergyIntolerance", {"criticality": "high"}, ("criticality",), "high"),
    ("Encounter", {"at": "2026-11-20T10:00"}, ("period", "end"), "2026-11-20T10:00:00+08:00"),
    ("ClinicalImpression", {"summary": "头晕"}, ("summary",), "头晕"),
    ("Patient", {"name": "单秀岚"}, ("name", 0, "family"), "单"),
    ("Patient", {"phone": "139 0000 0002"}, ("telecom", 0, "value"), "13900000002"),
    ("Patient", {"birth": "19500101"}, ("birthDate",), "1950-01-01"),
]  # fmt: skip


@pytest.mark.parametrize(("type", "form", "path", "value"), CHANGES)
def test_one_part_is_corrected_and_no_other(
    type: str, form: dict[str, str], path: tuple[Any, ...], value: Any
) -> None:
    before = {p.name: p.value for p in fields(EXAMPLES[type])}
    found, problems = corrected(EXAMPLES[type], form)
    at: Any = found
    for step in path:
        at = at[step]
    assert (at, problems) == (value, {})
    after = {p.name: p.value for p in fields(found)}
    assert {name for name in before if before[name] != after[name]} == set(form)
    assert not [i.diagnostics for i in validate(found) if i.severity in ("error", "fatal")]


@pytest.mark.parametrize(
    ("type", "form"),
    [
        ("Observation", {"component-0": "high"}),
        ("Observation", {"component-0": "NaN"}),
        ("Observation", {"component-0": ""}),
        ("Observation", {"at": "2126-01-01T00:00"}),
        ("Condition", {"status": "gone"}),
        ("Condition", {"recordedDate": "yesterday"}),
        ("Patient", {"resident_id": "110105194912310021"}),
        ("Patient", {"phone": "12"}),
        ("Patient", {"name": ""}),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(type: str, form: dict[str, str]) -> None:
    assert set(corrected(EXAMPLES[type], form)[1]) == set(form)


def test_a_corrected_measurement_says_that_it_is_one() -> None:
    assert corrected(PRESSURE, {"component-0": "130"})[0]["status"] == "corrected"


@pytest.mark.parametrize("type", sorted(set(EXAMPLES) - {"Patient"}))
def test_a_void_entry_is_valid_and_stays_void(type: str) -> None:
    assert can_be_void(EXAMPLES[type])
    found = void(EXAMPLES[type])
    assert is_void(found)
    assert not can_be_void(found)
    assert not [i.diagnostics for i in validate(found) if i.severity in ("error", "fatal")]


def test_a_person_is_never_void() -> None:
    assert not can_be_void(EXAMPLES["Patient"])


@given(st.decimals(0, 400, allow_nan=False, places=2))
def test_decimals_stay_as_they_are_typed(value: Decimal) -> None:
    found, _ = corrected(PRESSURE, {"component-0": str(value)})
    if str(value) != "150.0":
        assert str(found["component"][0]["valueQuantity"]["value"]) == str(value)
