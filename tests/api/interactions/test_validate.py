"""$validate (http://hl7.org/fhir/R4/resource-operation-validate.html)."""

from typing import Any

from tests.api.conftest import Client

WRONG = {"resourceType": "Patient", "gender": "nonsense", "unknown": 1, "birthDate": "1980-13-45"}


def severities(answer: Any) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {issue["severity"] for issue in answer.json()["issue"]}


def test_all_problems_are_told_and_nothing_is_kept(http: Client) -> None:
    answer = http.post("/fhir/Patient/$validate", WRONG)
    assert "error" in severities(answer)
    places = {place for issue in answer.json()["issue"] for place in issue.get("expression", [])}
    assert {"Patient.gender", "Patient.birthDate"} <= places
    assert http.get("/fhir/Patient/_history").json().get("entry") is None


def test_a_good_resource_has_no_errors(http: Client) -> None:
    assert not severities(http.post("/fhir/Patient/$validate", {"resourceType": "Patient"})) & {
        "error",
        "fatal",
    }


def test_parameters_body_and_modes(http: Client) -> None:
    def asked(**values: str) -> dict[str, Any]:
        parameters: list[dict[str, Any]] = [{"name": "resource", "resource": {"resourceType": "Patient"}}]
        parameters += [{"name": name, "valueCode": value} for name, value in values.items()]
        return {"resourceType": "Parameters", "parameter": parameters}

    assert "error" not in severities(http.post("/fhir/Patient/$validate", asked(mode="create")))
    assert "error" in severities(http.post("/fhir/Patient/$validate", asked(mode="update")))
    assert http.post("/fhir/Patient/$validate", asked(mode="nonsense")).status_code == 400
    assert http.post("/fhir/Patient/$validate", asked(color="red")).status_code == 400
    assert "error" in severities(http.post("/fhir/Observation/$validate", asked()))


def test_of_what_is_stored(http: Client) -> None:
    made = http.post("/fhir/Patient", {"resourceType": "Patient"}).json()["id"]
    assert "error" not in severities(http.get(f"/fhir/Patient/{made}/$validate"))
    assert "error" not in severities(http.get(f"/fhir/Patient/{made}/$validate?mode=delete"))
    assert http.get("/fhir/Patient/none/$validate?mode=delete").status_code == 404
    assert http.get("/fhir/Patient/$validate").status_code == 400
    base = "http://hl7.org/fhir/StructureDefinition/Patient"
    assert "error" not in severities(http.get(f"/fhir/Patient/{made}/$validate?mode=profile&profile={base}"))
    assert http.get(f"/fhir/Patient/{made}/$validate?mode=profile").status_code == 400
    unknown = http.get(f"/fhir/Patient/{made}/$validate?profile=http://example.org/x")
    assert unknown.status_code == 400


def test_an_invariant_refuses_a_write_and_advice_does_not(http: Client) -> None:
    bare = {"resourceType": "Patient", "name": [{"family": "单"}]}
    assert http.post("/fhir/Patient", bare).status_code == 201
    advised = http.post("/fhir/Patient/$validate", bare).json()["issue"]
    assert [(i["severity"], "dom-6" in i["diagnostics"]) for i in advised] == [("warning", True)]
    broken = bare | {"contact": [{"gender": "male"}]}
    refused = http.post("/fhir/Patient", broken)
    assert refused.status_code == 422
    (issue,) = refused.json()["issue"]
    assert (issue["severity"], issue["code"], issue["expression"]) == (
        "error",
        "invariant",
        ["Patient.contact[0]"],
    )
    assert issue["diagnostics"].endswith("(pat-1)")
