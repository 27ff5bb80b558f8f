"""The CapabilityStatement says what is served, and what it says is served (http://hl7.org/fhir/R4/capabilitystatement.html)."""

from typing import Any

import pytest
from tests.api.conftest import Client


@pytest.fixture(scope="module")
def rest(http: Client) -> dict[str, Any]:
    statement = http.get("/fhir/metadata").json()
    assert statement["fhirVersion"] == "4.0.1"
    return statement["rest"][0]


def requests(type_: str) -> dict[str, tuple[str, str]]:
    return {
        "read": ("GET", f"/fhir/{type_}/none"),
        "vread": ("GET", f"/fhir/{type_}/none/_history/1"),
        "update": ("PUT", f"/fhir/{type_}/none"),
        "patch": ("PATCH", f"/fhir/{type_}/none"),
        "delete": ("DELETE", f"/fhir/{type_}/none"),
        "history-instance": ("GET", f"/fhir/{type_}/none/_history"),
        "history-type": ("GET", f"/fhir/{type_}/_history"),
        "create": ("POST", f"/fhir/{type_}"),
        "search-type": ("GET", f"/fhir/{type_}"),
    }


@pytest.mark.parametrize("type_", ["Patient", "Observation", "ValueSet"])
def test_every_interaction_named_is_served(http: Client, rest: dict[str, Any], type_: str) -> None:
    (entry,) = [entry for entry in rest["resource"] if entry["type"] == type_]
    named = {item["code"] for item in entry["interaction"]}
    assert named == set(requests(type_))
    for code in named:
        method, place = requests(type_)[code]
        status = http.request(method, place).status_code
        assert status in (200, 204, 404, 410, 415), (
            f"{code}: {status}"
        )  # known, though without a body or a resource


def test_all_types_and_the_system_s_interactions(http: Client, rest: dict[str, Any]) -> None:
    assert len(rest["resource"]) == 146
    assert {i["code"] for i in rest["interaction"]} == {
        "transaction",
        "batch",
        "search-system",
        "history-system",
    }


def test_what_is_not_written_is_not_named(http: Client, rest: dict[str, Any]) -> None:
    (entry,) = [entry for entry in rest["resource"] if entry["type"] == "AuditEvent"]
    assert {item["code"] for item in entry["interaction"]} == {"read", "search-type"}
    assert http.post("/fhir/AuditEvent", {"resourceType": "AuditEvent"}).status_code == 403
    assert http.get("/fhir/AuditEvent?_count=1").status_code == 200


VALUES = {
    "token": "x",
    "string": "x",
    "reference": "Patient/x",
    "date": "2020-01-01",
    "number": "1",
    "quantity": "1",
    "uri": "http://x",
}


@pytest.mark.parametrize("type_", ["Patient", "Observation", "Encounter", "RiskAssessment", "ValueSet"])
def test_every_search_parameter_named_can_be_searched_by(
    http: Client, rest: dict[str, Any], type_: str
) -> None:
    (entry,) = [entry for entry in rest["resource"] if entry["type"] == type_]
    assert entry["searchParam"]
    refused = [
        (parameter["name"], answer.text)
        for parameter in entry["searchParam"]
        if (answer := http.get(f"/fhir/{type_}?{parameter['name']}={VALUES[parameter['type']]}")).status_code
        != 200
    ]
    assert not refused


def test_every_operation_named_is_served(http: Client, rest: dict[str, Any]) -> None:
    for entry in rest["resource"]:
        names = {operation["name"] for operation in entry.get("operation", [])}
        assert names == ({"validate", "everything"} if entry["type"] == "Patient" else {"validate"})
    assert http.get("/fhir/Observation/$everything").status_code == 404


def test_formats(http: Client) -> None:
    for form in http.get("/fhir/metadata").json()["format"]:
        assert http.request("GET", "/fhir/metadata", params={"_format": form}).status_code == 200
