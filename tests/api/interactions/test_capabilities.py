"""The CapabilityStatement says what is served, and what it says is served (http://hl7.org/fhir/R4/capabilitystatement.html)."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from tests.api.conftest import Client

from shangyi.fhir import definitions


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


def value(type_: str, parameter: dict[str, Any]) -> str:
    if parameter["type"] != "composite":
        return VALUES[parameter["type"]]
    definition = definitions.search_parameters(type_)[parameter["name"]]
    parts = [definitions.search_parameter_by_url(url) for url, _ in definition.component]
    return "$".join(VALUES[part.type] for part in parts if part)


def test_every_search_parameter_and_include_named_is_served(http: Client, rest: dict[str, Any]) -> None:
    """All of a type in one search: strict handling refuses what is not known, and ``self`` says what was processed."""
    for entry in rest["resource"]:
        type_ = entry["type"]
        asked = [(parameter["name"], value(type_, parameter)) for parameter in entry["searchParam"]]
        includes = [("_include", name) for name in entry.get("searchInclude", ())]
        assert asked, type_
        for part in (asked, includes):
            answer = http.get(f"/fhir/{type_}?{urlencode([*part, ('_count', '1')])}")
            assert answer.status_code == 200, (type_, answer.text)
            processed = parse_qsl(urlsplit(answer.json()["link"][0]["url"]).query)
            assert set(part) <= set(processed), type_
        if "searchRevInclude" in entry:
            assert http.get(f"/fhir/{type_}?_id=none&_revinclude=*").status_code == 200, type_


def test_what_all_types_are_searched_by(http: Client, rest: dict[str, Any]) -> None:
    assert {parameter["name"] for parameter in rest["searchParam"]} == {
        "_id", "_lastUpdated", "_profile", "_security", "_source", "_tag",
    }  # fmt: skip
    for parameter in rest["searchParam"]:
        answer = http.get(f"/fhir?{parameter['name']}={VALUES[parameter['type']]}")
        assert answer.status_code == 200, (parameter, answer.text)


def test_the_compartment_named_is_served(http: Client, rest: dict[str, Any]) -> None:
    assert rest["compartment"] == ["http://hl7.org/fhir/CompartmentDefinition/patient"]
    for member in definitions.compartment("Patient"):
        if member != "AuditEvent":
            assert http.get(f"/fhir/Patient/none/{member}").status_code == 200, member


def test_conditions_and_versions_are_as_stated(http: Client, rest: dict[str, Any]) -> None:
    (entry,) = [entry for entry in rest["resource"] if entry["type"] == "Organization"]
    assert [
        entry[name] for name in ("conditionalCreate", "conditionalUpdate", "updateCreate", "readHistory")
    ] == [True] * 4
    assert (entry["conditionalDelete"], entry["conditionalRead"]) == ("single", "full-support")
    assert entry["versioning"] == "versioned-update"
    body = {
        "resourceType": "Organization",
        "name": "cap",
        "identifier": [{"system": "urn:cap", "value": "1"}],
    }
    condition = "identifier=urn:cap|1"
    made = [
        http.post("/fhir/Organization", body, headers={"if-none-exist": condition}).status_code for _ in "12"
    ]
    assert made == [201, 200]
    assert http.put(f"/fhir/Organization?{condition}", {**body, "active": True}).status_code == 200
    assert http.put("/fhir/Organization/cap", {**body, "id": "cap"}).status_code == 201
    assert http.delete(f"/fhir/Organization?{condition}").status_code == 412
    assert http.delete("/fhir/Organization/cap").status_code == 204
    assert http.get("/fhir/Organization/cap/_history/1").status_code == 200
    assert http.delete(f"/fhir/Organization?{condition}").status_code == 204
    stale = http.put("/fhir/Organization/cap", {**body, "id": "cap"}, headers={"if-match": 'W/"1"'})
    assert stale.status_code == 412


def test_patches_are_of_the_format_stated(http: Client) -> None:
    assert http.get("/fhir/metadata").json()["patchFormat"] == ["application/json-patch+json"]


def test_every_operation_named_is_served(http: Client, rest: dict[str, Any]) -> None:
    for entry in rest["resource"]:
        names = {operation["name"] for operation in entry.get("operation", [])}
        more = {
            "Patient": {"everything"},
            "Library": {"sqlquery-run", "evaluate", "data-requirements"},
            "Measure": {"evaluate-measure", "care-gaps", "data-requirements"},
            "ValueSet": {"expand", "validate-code"},
            "CodeSystem": {"lookup", "subsumes", "validate-code"},
            "ConceptMap": {"translate"},
        }
        assert names == {"validate"} | more.get(entry["type"], set())
    assert http.get("/fhir/Observation/$everything").status_code == 404
    assert {operation["name"] for operation in rest["operation"]} == {
        "viewdefinition-run",
        "viewdefinition-export",
        "sqlquery-run",
        "cql",
    }
    for operation in rest["operation"]:
        # served, and in need of input; or of POST
        assert http.get(f"/fhir/${operation['name']}").status_code in (400, 405)
    assert http.get("/fhir/$validate").status_code == 404
    assert http.get("/fhir/ViewDefinition/$validate").status_code == 404


def test_formats(http: Client) -> None:
    for form in http.get("/fhir/metadata").json()["format"]:
        assert http.request("GET", "/fhir/metadata", params={"_format": form}).status_code == 200
