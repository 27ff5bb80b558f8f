"""Batch and transaction over HTTP, rule by rule (http://hl7.org/fhir/R4/http.html#trules)."""

import base64
import json
from typing import Any

import pytest
from tests.api.conftest import Client

ONE = "urn:uuid:11111111-1111-4111-8111-111111111111"
TWO = "urn:uuid:22222222-2222-4222-8222-222222222222"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><a href="{0}">{0}</a><img src="{0}" alt=""/></div>'


def entry(
    method: str, url: str, resource: Any = None, full: str | None = None, **more: Any
) -> dict[str, Any]:
    found: dict[str, Any] = {"request": {"method": method, "url": url, **more}}
    if resource is not None:
        found["resource"] = resource
    return found if full is None else {"fullUrl": full, **found}


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **more}


def send(http: Client, *entries: Any, type: str = "transaction", **more: Any) -> Any:
    return http.post("/fhir", {"resourceType": "Bundle", "type": type, "entry": list(entries)}, **more)


def observation(subject: str, **more: Any) -> dict[str, Any]:
    found = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    return {**found, "subject": {"reference": subject}, **more}


def test_links_are_made_literal_where_they_are_links(http: Client) -> None:
    told = {"status": "generated", "div": DIV.format(ONE)}
    extension = [{"url": "urn:x", "valueUri": ONE}, {"url": "urn:y", "valueString": ONE}]
    identifier = [{"system": "urn:ietf:rfc3986", "value": ONE}]
    answer = send(
        http,
        entry("POST", "Patient", patient(), ONE),
        entry(
            "POST",
            "Observation",
            observation(ONE, text=told, extension=extension, identifier=identifier, valueString=ONE),
            TWO,
        ),
        headers={"prefer": "return=representation"},
    ).json()
    made, observed = (item["resource"] for item in answer["entry"])
    literal = f"Patient/{made['id']}"
    assert observed["subject"]["reference"] == literal
    assert observed["extension"][0]["valueUri"] == literal
    assert f'href="{literal}"' in observed["text"]["div"]
    assert f'src="{literal}"' in observed["text"]["div"]
    assert f">{ONE}<" in observed["text"]["div"]  # texts stay as they are
    assert observed["extension"][1]["valueString"] == ONE
    assert observed["identifier"] == identifier
    assert observed["valueString"] == ONE


def test_relative_references_below_the_base_of_a_full_url(http: Client) -> None:
    """http://hl7.org/fhir/R4/bundle.html#references"""
    there = "http://elsewhere.example/fhir"
    answer = send(
        http,
        entry("POST", "Patient", patient(id="9"), f"{there}/Patient/9"),
        entry("POST", "Observation", observation("Patient/9", id="8"), f"{there}/Observation/8"),
        headers={"prefer": "return=representation"},
    ).json()
    made, observed = (item["resource"] for item in answer["entry"])
    assert made["id"] != "9"
    assert observed["subject"]["reference"] == f"Patient/{made['id']}"


@pytest.mark.parametrize(
    ("entries", "status", "places"),
    [
        (
            [entry("POST", "Observation", {"resourceType": "Observation"}), entry("POST", "Patient", patient(birthDate="x"))],
            422,
            {"Bundle.entry[1].resource.status", "Bundle.entry[1].resource.code", "Bundle.entry[2].resource.birthDate"},
        ),
        ([entry("POST", "Observation", observation(TWO))], 400, {"Bundle.entry[1]"}),
        ([entry("POST", "Observation", observation("Patient?identifier=urn:none|1"))], 400, {"Bundle.entry[1]"}),
        ([entry("POST", "Observation", observation("Patient?nonsense=1"))], 400, {"Bundle.entry[1]"}),
        ([entry("PUT", "Patient/tx-all", patient(id="tx-all", active=True))], 400, {"Bundle.entry[1]"}),
        ([entry("DELETE", "Patient/tx-all")], 400, {"Bundle.entry[0]"}),
        ([entry("PUT", "Patient/other", patient(id="other"), ifMatch='W/"4"')], 412, {"Bundle.entry[1]"}),
        ([entry("GET", "Patient/nobody")], 404, {"Bundle.entry[1]"}),
        ([entry("GET", "Patient?nonsense=1")], 400, {"Bundle.entry[1]"}),
        ([entry("GET", "Patient/tx-all/_history")], 400, {"Bundle.entry[1].request.url"}),
        ([entry("PATCH", "Patient/tx-all", {"resourceType": "Binary"})], 400, {"Bundle.entry[1]"}),
        ([entry("POST", "Patient", patient(), ONE), entry("POST", "Patient", patient(), ONE)], 400, {"Bundle.entry[2].fullUrl"}),
    ],
)  # fmt: skip
def test_all_or_nothing_and_every_error_says_where(
    http: Client, entries: list[Any], status: int, places: set[str]
) -> None:
    answer = send(http, entry("PUT", "Patient/tx-all", patient(id="tx-all")), *entries)
    assert answer.status_code == status, answer.text
    assert {place for issue in answer.json()["issue"] for place in issue["expression"]} == places
    assert http.get("/fhir/Patient/tx-all").status_code == 404


def test_prefer_says_what_comes_back(http: Client) -> None:
    def first(prefer: str) -> Any:
        return send(http, entry("POST", "Patient", patient()), headers={"prefer": prefer}).json()["entry"][0]

    assert "resource" not in first("return=minimal")
    assert first("return=representation")["resource"]["resourceType"] == "Patient"
    outcome = first("return=OperationOutcome")["response"]["outcome"]
    assert outcome["issue"][0]["severity"] == "information"
    response = first("")["response"]
    assert response["status"] == "201 Created"
    assert set(response) == {"status", "location", "etag", "lastModified"}


def test_two_creates_under_one_condition_make_one(http: Client) -> None:
    """Processed one after the other, the second finds what the first has made."""
    who = patient(identifier=[{"system": "urn:tx", "value": "same"}])
    condition = {"ifNoneExist": "identifier=urn:tx|same"}
    answer = send(
        http,
        entry("POST", "Patient", who, ONE, **condition),
        entry("POST", "Patient", who, TWO, **condition),
        entry("POST", "Observation", observation(TWO)),
        headers={"prefer": "return=representation"},
    ).json()
    first, second, observed = answer["entry"]
    assert (first["response"]["status"], second["response"]["status"]) == ("201 Created", "200 OK")
    assert first["response"]["location"] == second["response"]["location"]
    assert observed["resource"]["subject"]["reference"] == f"Patient/{first['resource']['id']}"
    assert http.get("/fhir/Patient?identifier=urn:tx|same&_summary=count").json()["total"] == 1


def test_conditional_references_and_updates(http: Client) -> None:
    send(
        http,
        entry("PUT", "Patient/tx-c", patient(id="tx-c", identifier=[{"system": "urn:tx", "value": "c"}])),
    )
    answer = send(
        http,
        entry("PUT", "Patient?identifier=urn:tx|c", patient(identifier=[{"system": "urn:tx", "value": "c"}], active=True), ONE),
        entry("POST", "Observation", observation(ONE)),
        entry("POST", "Observation", observation("Patient?identifier=urn:tx|c")),
        headers={"prefer": "return=representation"},
    ).json()  # fmt: skip
    assert answer["entry"][0]["resource"]["meta"]["versionId"] == "2"
    assert [e["resource"]["subject"]["reference"] for e in answer["entry"][1:]] == ["Patient/tx-c"] * 2


def test_get_in_a_transaction_sees_what_it_wrote(http: Client) -> None:
    answer = send(
        http,
        entry("GET", "Patient/tx-g"),
        entry("GET", "http://test/fhir/Patient/tx-g"),
        entry("GET", "Patient/tx-g", ifNoneMatch='W/"1"'),
        entry("GET", "Patient?_id=tx-g"),
        entry("PUT", "Patient/tx-g", patient(id="tx-g")),
    ).json()["entry"]
    assert [item["response"]["status"][:3] for item in answer] == ["200", "200", "304", "200", "201"]
    assert "resource" not in answer[2]
    assert answer[3]["resource"]["entry"][0]["resource"]["id"] == "tx-g"


def test_a_condition_that_finds_nothing_overwrites_nothing(http: Client) -> None:
    """The id in the body is taken where it is free only: what the condition did not find stays as it is."""
    http.put("/fhir/Patient/tx-kept", patient(id="tx-kept", active=True))
    body = patient(id="tx-kept", gender="male")
    assert http.put("/fhir/Patient?identifier=urn:tx|never", body).status_code == 409
    answer = send(http, entry("PUT", "Patient?identifier=urn:tx|never", body))
    assert answer.status_code == 409
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[0]"]
    assert "gender" not in http.get("/fhir/Patient/tx-kept").json()
    made = http.put("/fhir/Patient?identifier=urn:tx|never", patient(id="tx-free"))
    assert (made.status_code, made.json()["id"]) == (201, "tx-free")


def test_xml_in_and_out(http: Client) -> None:
    body = (
        '<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/><entry><resource><Patient><active value="true"/>'
        '</Patient></resource><request><method value="POST"/><url value="Patient"/></request></entry></Bundle>'
    )
    headers = {"content-type": "application/fhir+xml", "accept": "application/fhir+xml"}
    answer = http.request("POST", "/fhir", content=body, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/fhir+xml")
    assert b'<status value="201 Created"/>' in answer.content


def test_a_batch_may_patch_and_its_answers_say_when(http: Client) -> None:
    """http://hl7.org/fhir/R4/http.html#jsonpatch: a patch in a Bundle is a Binary."""
    http.put("/fhir/Patient/tx-p", patient(id="tx-p"))
    operations = json.dumps([{"op": "add", "path": "/gender", "value": "male"}]).encode()
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": base64.b64encode(operations).decode(),
    }
    answer = send(
        http,
        entry("PATCH", "Patient/tx-p", binary),
        entry("PATCH", "Patient/tx-p", patient()),
        entry("GET", "Patient/tx-p"),
        type="batch",
    ).json()["entry"]
    assert [item["response"]["status"][:3] for item in answer] == ["200", "400", "200"]
    assert answer[2]["resource"]["gender"] == "male"
    assert answer[0]["response"]["lastModified"] == answer[2]["resource"]["meta"]["lastUpdated"]
