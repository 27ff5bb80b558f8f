"""Small records to hold against the rules."""

from decimal import Decimal
from typing import Any

ICD10, LOINC, ATC = "http://hl7.org/fhir/sid/icd-10", "http://loinc.org", "http://www.whocc.no/atc"
Resource = dict[str, Any]


def patient(id: str = "p1", born: str = "1970-05-01", **more: Any) -> Resource:
    return {"resourceType": "Patient", "id": id, "gender": "female", "birthDate": born, **more}


def coded(system: str, code: str, text: str = "") -> Resource:
    return {"coding": [{"system": system, "code": code}], "text": text or code}


def problem(code: str, since: str, text: str = "", id: str = "", of: str = "p1", **more: Any) -> Resource:
    category = coded("http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item")
    return {
        "resourceType": "Condition",
        "id": id or f"c-{of}-{code}",
        "category": [category],
        "code": coded(ICD10, code, text),
        "subject": {"reference": f"Patient/{of}"},
        "onsetDateTime": since,
        **more,
    }


def pressure(day: str, systolic: int, diastolic: int, of: str = "p1") -> Resource:
    parts = (("8480-6", systolic), ("8462-4", diastolic))
    return {
        "resourceType": "Observation",
        "id": f"bp-{of}-{day}",
        "status": "final",
        "code": coded(LOINC, "85354-9"),
        "subject": {"reference": f"Patient/{of}"},
        "effectiveDateTime": f"{day}T09:00:00+08:00",
        "component": [
            {"code": coded(LOINC, code), "valueQuantity": {"value": value, "unit": "mmHg"}}
            for code, value in parts
        ],
    }


def measured(code: str, day: str, value: float | Decimal, unit: str, of: str = "p1") -> Resource:
    return {
        "resourceType": "Observation",
        "id": f"{code}-{of}-{day}",
        "status": "final",
        "code": coded(LOINC, code),
        "subject": {"reference": f"Patient/{of}"},
        "effectiveDateTime": day,
        "valueQuantity": {"value": value, "unit": unit},
    }


def order(code: str, day: str, of: str = "p1") -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": f"{code}-{of}-{day}",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": coded(ATC, code),
        "subject": {"reference": f"Patient/{of}"},
        "authoredOn": day,
    }


def examination(day: str, of: str = "p1") -> Resource:
    return {
        "resourceType": "Encounter",
        "id": f"exam-{of}-{day}",
        "status": "finished",
        "class": {"code": "AMB"},
        "type": [coded("https://shangyi.dev/fhir/CodeSystem/encounter-type", "health-examination")],
        "subject": {"reference": f"Patient/{of}"},
        "period": {"start": f"{day}T08:30:00+08:00"},
    }
