"""Measures and CQL over HTTP: what is asked, what comes back, and who may ask."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from tests.api.conftest import Client

PERIOD = "periodStart=2025-01-01&periodEnd=2025-12-31"
TOWNS = ("330110001001", "330110002001")
"""A village each in two towns."""
TEXT = """library Pressure version '1.0.0'
using FHIR version '4.0.1'
valueset "Systolic": 'urn:test:systolic'
parameter "Measurement Period" Interval<DateTime>
context Patient
define "Adult": AgeInYearsAt(start of "Measurement Period") >= 18
define "Readings":
  [Observation: "Systolic"] O
    where O.status.value in { 'final', 'amended' } and O.effective as FHIR.dateTime during "Measurement Period"
define "Measured": exists "Readings"
define "Controlled": "Measured" and not exists ("Readings" R where (R.value as FHIR.Quantity) >= 140 'mm[Hg]')
define "Sex": Patient.gender.value
define "Highest": Max("Readings" R return (R.value as FHIR.Quantity).value.value)
define "Broken": singleton from { 1, 2 }
"""


def coded(code: str) -> dict[str, Any]:
    return {"coding": [{"code": code}]}


def criteria(expression: str) -> dict[str, str]:
    return {"language": "text/cql-identifier", "expression": expression}


MEASURE = {
    "resourceType": "Measure",
    "id": "pressure",
    "url": "urn:test:measure:pressure",
    "version": "1.0.0",
    "name": "Pressure",
    "title": "Blood pressure controlled",
    "status": "active",
    "library": ["urn:test:library:pressure|1.0.0"],
    "scoring": coded("proportion"),
    "improvementNotation": {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/measure-improvement-notation",
                "code": "increase",
            }
        ]
    },
    "group": [
        {
            "population": [
                {"code": coded(code), "criteria": criteria(name)}
                for code, name in (
                    ("initial-population", "Adult"),
                    ("denominator", "Measured"),
                    ("numerator", "Controlled"),
                )
            ],
            "stratifier": [{"code": {"text": "Sex"}, "criteria": criteria("Sex")}],
        }
    ],
    "supplementalData": [{"id": "highest", "criteria": criteria("Highest")}],
}
LIBRARY = {
    "resourceType": "Library",
    "id": "pressure",
    "url": "urn:test:library:pressure",
    "version": "1.0.0",
    "name": "Pressure",
    "status": "active",
    "type": coded("logic-library"),
    "content": [{"contentType": "text/cql", "data": base64.b64encode(TEXT.encode()).decode()}],
}
VALUE_SET = {
    "resourceType": "ValueSet",
    "id": "systolic",
    "url": "urn:test:systolic",
    "status": "active",
    "compose": {"include": [{"system": "http://loinc.org", "concept": [{"code": "8480-6"}]}]},
}


def resident(number: int, systolic: int | None) -> list[dict[str, Any]]:
    patient = {
        "resourceType": "Patient",
        "id": f"p{number}",
        "gender": "female" if number % 2 else "male",
        "birthDate": "1960-05-01",
        "address": [
            {
                "extension": [
                    {
                        "url": "https://shangyi.dev/fhir/StructureDefinition/division",
                        "valueCoding": {"code": TOWNS[number % 2]},
                    }
                ]
            }
        ],
    }
    reading = {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
        "subject": {"reference": f"Patient/p{number}"},
        "effectiveDateTime": "2025-03-01T08:00:00+08:00",
        "valueQuantity": {
            "value": systolic,
            "unit": "mmHg",
            "system": "http://unitsofmeasure.org",
            "code": "mm[Hg]",
        },
    }
    return [patient, reading] if systolic is not None else [patient]


READINGS = {1: 120, 2: 150, 3: 130, 4: None}


@pytest.fixture(scope="module")
def known(http: Client) -> Client:
    resources = [MEASURE, LIBRARY, VALUE_SET, *(r for n, s in READINGS.items() for r in resident(n, s))]
    entries = [
        {"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}}
        for r in resources
    ]
    made = http.post("/fhir/", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert made.status_code == 200, made.text
    return http


def counts(report: dict[str, Any]) -> dict[str, int]:
    (group,) = report["group"]
    return {p["code"]["coding"][0]["code"]: p["count"] for p in group["population"]}


def test_a_report_of_everybody(known: Client) -> None:
    found = known.get(f"/fhir/Measure/pressure/$evaluate-measure?{PERIOD}").json()
    assert (found["type"], found["measure"]) == ("summary", "urn:test:measure:pressure|1.0.0")
    assert counts(found) == {"initial-population": 4, "denominator": 3, "numerator": 2}
    assert found["group"][0]["measureScore"]["value"] == 0.66666667
    assert {s["value"]["text"] for s in found["group"][0]["stratifier"][0]["stratum"]} == {"female", "male"}
    by_url = known.get(f"/fhir/Measure/$evaluate-measure?measure=urn:test:measure:pressure&{PERIOD}").json()
    assert counts(by_url) == counts(found)


def test_a_report_of_one(known: Client) -> None:
    found = known.get(f"/fhir/Measure/pressure/$evaluate-measure?{PERIOD}&subject=Patient/p2").json()
    assert (found["type"], found["subject"]) == ("individual", {"reference": "Patient/p2"})
    assert counts(found) == {"initial-population": 1, "denominator": 1, "numerator": 0}
    assert found["contained"][0]["valueCodeableConcept"] == {"text": "150.0"}


def test_who_is_in_a_population(known: Client) -> None:
    found = known.get(f"/fhir/Measure/pressure/$evaluate-measure?{PERIOD}&reportType=subject-list").json()
    numerator = found["group"][0]["population"][2]["subjectResults"]["reference"]
    (listed,) = [r for r in found["contained"] if f"#{r['id']}" == numerator]
    assert {entry["item"]["reference"] for entry in listed["entry"]} == {"Patient/p1", "Patient/p3"}


def test_each_sees_their_area(known: Client, as_role: Callable[..., Client]) -> None:
    town = as_role("clinician", TOWNS[1][:9])
    address = f"/fhir/Measure/pressure/$evaluate-measure?{PERIOD}"
    assert counts(town.get(address).json()) == {"initial-population": 2, "denominator": 2, "numerator": 2}
    assert town.get(f"{address}&subject=Patient/p2").status_code in (403, 404)
    analyst = as_role("analyst")
    assert analyst.get(f"{address}&subject=Patient/p1").status_code == 403
    assert analyst.get(f"{address}&reportType=subject-list").status_code == 403
    figures = analyst.get(address).json()
    assert counts(figures)["initial-population"] == 4
    # Groups of fewer than five are not told to who may not see residents.
    assert "stratum" not in figures["group"][0]["stratifier"][0]
    assert "contained" not in figures
    assert as_role(None).get(address).status_code == 401


def test_every_evaluation_is_in_the_audit(known: Client) -> None:
    known.get(f"/fhir/Measure/pressure/$evaluate-measure?{PERIOD}")
    events = known.get("/fhir/AuditEvent?_sort=-date&_count=50").json()
    queries = [
        base64.b64decode(e["query"]).decode()
        for entry in events["entry"]
        for e in entry["resource"].get("entity", ())
        if "query" in e
    ]
    assert any("$evaluate-measure" in query for query in queries)


def test_gaps(known: Client) -> None:
    address = f"/fhir/Measure/$care-gaps?{PERIOD}&measureId=pressure"
    found = known.get(f"{address}&subject=Patient/p2&status=open-gap").json()
    document = found["parameter"][0]["resource"]
    kinds = [entry["resource"]["resourceType"] for entry in document["entry"]]
    assert kinds == ["Composition", "DetectedIssue", "MeasureReport"]
    assert "parameter" not in known.get(f"{address}&subject=Patient/p1&status=open-gap").json()
    assert "parameter" in known.get(f"{address}&subject=Patient/p1&status=closed-gap").json()
    assert "parameter" in known.get(f"{address}&subject=Patient/p4&status=not-applicable").json()


def test_requirements(known: Client) -> None:
    for address in ("Measure/pressure", "Library/pressure"):
        found = known.get(f"/fhir/{address}/$data-requirements").json()
        assert found["type"]["coding"][0]["code"] == "module-definition"
        needed = {r["type"]: r for r in found["dataRequirement"]}
        assert needed["Observation"]["codeFilter"] == [{"path": "code", "valueSet": "urn:test:systolic"}]
        assert {"name": "Measurement Period", "use": "in", "min": 0, "max": "1", "type": "Period"} in found[
            "parameter"
        ]


def test_definitions_of_a_library(known: Client) -> None:
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "subject", "valueReference": {"reference": "Patient/p1"}},
            *({"name": "expression", "valueString": name} for name in ("Readings", "Highest", "Broken", "Sex")),
            {
                "name": "parameters",
                "resource": {
                    "resourceType": "Parameters",
                    "parameter": [
                        {"name": "Measurement Period", "valuePeriod": {"start": "2025-01-01T00:00:00+08:00", "end": "2025-12-31T23:59:59+08:00"}}
                    ],
                },
            },
        ],
    }  # fmt: skip
    found = known.post("/fhir/Library/pressure/$evaluate", body).json()
    values = {entry["name"]: entry for entry in found["parameter"]}
    assert values["Readings"]["resource"]["id"] == "o1"
    assert values["Highest"]["valueDecimal"] == 120
    assert values["Sex"]["valueString"] == "female"
    assert "Pressure|1.0.0:14:18: " in values["Broken"]["resource"]["issue"][0]["diagnostics"]


def test_an_expression(known: Client) -> None:
    found = known.get("/fhir/$cql?expression=Interval%5B1%20'mg',%202%20'mg'%5D").json()
    assert found["parameter"][0]["valueRange"]["high"]["value"] == 2
    age = known.get("/fhir/$cql?expression=Patient.birthDate&subject=Patient/p1").json()
    assert age["parameter"][0]["valueDate"] == "1960-05-01"
    within = {"resourceType": "Parameters", "parameter": [
        {"name": "expression", "valueString": "Pressure.\"Sex\" + '!'"},
        {"name": "library", "valueString": "Pressure|1.0.0"},
        {"name": "subject", "valueReference": {"reference": "Patient/p2"}},
    ]}  # fmt: skip
    assert known.post("/fhir/$cql", within).json()["parameter"][0]["valueString"] == "male!"


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("$cql?expression=1%20%2B", 400, "Expression:5:1: "),
        ("$cql?expression=Agee", 400, "Expression:4:18: Agee is not known here"),
        ("$cql", 400, "expression"),
        ("Library/none/$evaluate", 404, ""),
        ("Measure/pressure/$evaluate-measure?periodStart=2025", 400, "periodEnd"),
        (f"Measure/$evaluate-measure?measure=urn:none&{PERIOD}", 404, "urn:none"),
        (f"Measure/pressure/$evaluate-measure?{PERIOD}&reportType=all", 400, "report type"),
        (f"Measure/pressure/$evaluate-measure?{PERIOD}&subject=Patient/nobody", 404, ""),
        (f"Measure/$care-gaps?{PERIOD}&subject=Patient/p1&status=open", 400, "status"),
    ],
)
def test_what_is_asked_wrongly(known: Client, address: str, status: int, said: str) -> None:
    found = known.get(f"/fhir/{address}")
    assert found.status_code == status, found.text
    assert found.json()["resourceType"] == "OperationOutcome"
    assert said in found.text
