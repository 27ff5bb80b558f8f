"""Create, read, vread, update, delete, patch, history (http://hl7.org/fhir/R4/http.html, section by section)."""

from typing import Any

import pytest
from tests.api.conftest import Client


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "gender": "female", "birthDate": "1980-02-03", **more}


@pytest.fixture
def made(http: Client) -> dict[str, Any]:
    return http.post("/fhir/Patient", patient()).json()


def test_create_answers_201_with_location_etag_and_the_resource(http: Client) -> None:
    answer = http.post("/fhir/Patient", patient(id="ignored"))
    body = answer.json()
    assert answer.status_code == 201
    assert body["id"] != "ignored"  # 3.1.0.8: the server ignores the id
    assert answer.headers["location"] == f"http://test/fhir/Patient/{body['id']}/_history/1"
    assert answer.headers["etag"] == 'W/"1"'
    assert "GMT" in answer.headers["last-modified"]
    assert body["meta"]["versionId"] == "1"
    assert answer.headers["cache-control"] == "no-store"


def test_read_gives_the_stored_bytes_with_their_version(http: Client, made: dict[str, Any]) -> None:
    answer = http.get(f"/fhir/Patient/{made['id']}")
    assert answer.status_code == 200
    assert answer.json() == made
    assert answer.headers["content-type"] == "application/fhir+json; charset=utf-8"
    assert answer.headers["etag"] == 'W/"1"'


def test_decimals_keep_their_digits(http: Client) -> None:
    content = (
        b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":0.010}}'
    )
    answer = http.request(
        "POST", "/fhir/Observation", content=content, headers={"content-type": "application/fhir+json"}
    )
    assert answer.status_code == 201
    assert b'"value":0.010' in answer.content


def test_head_is_read_without_its_body(http: Client, made: dict[str, Any]) -> None:
    whole = http.get(f"/fhir/Patient/{made['id']}")
    head = http.request("HEAD", f"/fhir/Patient/{made['id']}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if-none-match": 'W/"1"'}, 304),
        ({"if-none-match": 'W/"7", W/"1"'}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": 'W/"2"'}, 200),
        ({"if-modified-since": "Tue, 24 Nov 2099 00:00:00 GMT"}, 304),
        ({"if-modified-since": "Tue, 24 Nov 2009 00:00:00 GMT"}, 200),
        ({"if-modified-since": "not a date"}, 200),
        # RFC 9110 13.1.3: If-None-Match wins
        ({"if-none-match": 'W/"2"', "if-modified-since": "Tue, 24 Nov 2099 00:00:00 GMT"}, 200),
    ],
)
def test_conditional_read(http: Client, made: dict[str, Any], headers: dict[str, str], status: int) -> None:
    answer = http.get(f"/fhir/Patient/{made['id']}", headers=headers)
    assert answer.status_code == status
    assert bool(answer.content) == (status == 200)


def test_update_makes_versions_that_stay_readable(http: Client, made: dict[str, Any]) -> None:
    place = f"/fhir/Patient/{made['id']}"
    answer = http.put(place, patient(id=made["id"], active=True))
    assert (answer.status_code, answer.headers["etag"]) == (200, 'W/"2"')
    assert "active" not in http.get(f"{place}/_history/1").json()
    assert http.get(f"{place}/_history/2").json()["active"] is True
    assert http.get(f"{place}/_history/3").status_code == 404
    assert http.get(f"{place}/_history/abc").status_code == 404


def test_update_as_create(http: Client) -> None:
    answer = http.put("/fhir/Patient/chosen-id", patient(id="chosen-id"))
    assert answer.status_code == 201
    assert answer.headers["location"].endswith("/Patient/chosen-id/_history/1")


@pytest.mark.parametrize("body", [patient(), patient(id="other"), {"resourceType": "Group", "id": "here"}])
def test_update_needs_the_type_and_id_of_the_address(http: Client, body: dict[str, Any]) -> None:
    answer = http.put("/fhir/Patient/here", body)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert http.get("/fhir/Patient/here").status_code == 404


def test_if_match_guards_against_lost_updates(http: Client, made: dict[str, Any]) -> None:
    place, body = f"/fhir/Patient/{made['id']}", patient(id=made["id"], active=True)
    assert http.put(place, body, headers={"if-match": 'W/"9"'}).status_code == 412
    assert http.put(place, body, headers={"if-match": "nonsense"}).status_code == 400
    assert http.put(place, body, headers={"if-match": 'W/"1"'}).status_code == 200
    assert http.delete(place, headers={"if-match": 'W/"1"'}).status_code == 412


def test_delete_leaves_410_and_the_history(http: Client, made: dict[str, Any]) -> None:
    place = f"/fhir/Patient/{made['id']}"
    assert http.delete(place).status_code == 204
    assert http.get(place).status_code == 410
    assert http.get(f"{place}/_history/2").status_code == 410
    assert http.get(f"{place}/_history/1").status_code == 200
    assert http.delete(place).status_code == 204  # 3.1.0.7: no error where there is nothing to delete
    methods = [entry["request"]["method"] for entry in http.get(f"{place}/_history").json()["entry"]]
    assert methods == ["DELETE", "POST"] or methods == ["DELETE", "PUT"]


@pytest.mark.parametrize(
    ("prefer", "check"),
    [
        ("return=minimal", lambda answer: answer.content == b""),
        ("return=representation", lambda answer: answer.json()["resourceType"] == "Patient"),
        ("return=OperationOutcome", lambda answer: answer.json()["resourceType"] == "OperationOutcome"),
    ],
)
def test_prefer_return(http: Client, prefer: str, check: Any) -> None:
    answer = http.post("/fhir/Patient", patient(), headers={"prefer": prefer})
    assert answer.status_code == 201
    assert answer.headers["location"]
    assert check(answer)


def test_json_patch(http: Client, made: dict[str, Any]) -> None:
    place = f"/fhir/Patient/{made['id']}"
    operations = [
        {"op": "test", "path": "/gender", "value": "female"},
        {"op": "add", "path": "/active", "value": True},
    ]
    answer = http.patch(place, operations)
    assert (answer.status_code, answer.json()["active"], answer.headers["etag"]) == (200, True, 'W/"2"')


@pytest.mark.parametrize(
    ("operations", "status"),
    [
        ([{"op": "test", "path": "/gender", "value": "male"}], 422),
        ([{"op": "remove", "path": "/photo"}], 422),
        ([{"op": "replace", "path": "/id", "value": "other"}], 400),
        ([{"op": "replace", "path": "/resourceType", "value": "Group"}], 400),
        ({"op": "remove", "path": "/gender"}, 400),
    ],
)
def test_a_patch_that_does_not_fit_changes_nothing(
    http: Client, made: dict[str, Any], operations: Any, status: int
) -> None:
    place = f"/fhir/Patient/{made['id']}"
    answer = http.patch(place, operations)
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert http.get(place).json() == made


def test_a_patch_that_leaves_an_invalid_resource_changes_nothing(http: Client, made: dict[str, Any]) -> None:
    answer = http.patch(
        f"/fhir/Patient/{made['id']}", [{"op": "replace", "path": "/gender", "value": "nonsense"}]
    )
    assert answer.status_code == 422
    assert http.get(f"/fhir/Patient/{made['id']}").json() == made


def test_a_patch_in_another_format_is_415(http: Client, made: dict[str, Any]) -> None:
    headers = {"content-type": "application/fhir+json"}
    assert http.patch(f"/fhir/Patient/{made['id']}", [], headers=headers).status_code == 415


def test_history_of_an_instance_pages_newest_first(http: Client, made: dict[str, Any]) -> None:
    place = f"/fhir/Patient/{made['id']}"
    for number in range(3):
        http.put(place, patient(id=made["id"], multipleBirthInteger=number))
    page = http.get(f"{place}/_history?_count=3").json()
    assert page["type"] == "history"
    links = {link["relation"]: link["url"] for link in page["link"]}
    assert links["self"] == f"http://test{place}/_history?_count=3"
    rest = http.get(links["next"].removeprefix("http://test")).json()
    versions = [entry["response"]["etag"] for entry in (*page["entry"], *rest["entry"])]
    assert versions == ['W/"4"', 'W/"3"', 'W/"2"', 'W/"1"']
    assert "next" not in {link["relation"] for link in rest["link"]}
    assert page["entry"][0]["fullUrl"] == f"http://test{place}"


def test_history_of_types_and_of_the_system(http: Client, made: dict[str, Any]) -> None:
    for place in ("/fhir/Patient/_history", "/fhir/_history"):
        entries = http.get(f"{place}?_count=5").json()["entry"]
        assert made["id"] in {entry.get("resource", {}).get("id") for entry in entries}
    assert http.get("/fhir/_history?_since=2099-01-01").json().get("entry") is None
    assert http.get("/fhir/_history?_since=yesterday").status_code == 400
    assert http.get("/fhir/_history?_unknown=1").status_code == 400
    assert http.get("/fhir/_history?_unknown=1", headers={"prefer": "handling=lenient"}).status_code == 200


def test_elements_and_summary_on_read_are_tagged(http: Client, made: dict[str, Any]) -> None:
    part = http.get(f"/fhir/Patient/{made['id']}?_elements=gender").json()
    assert set(part) == {"resourceType", "id", "meta", "gender"}
    assert part["meta"]["tag"][-1]["code"] == "SUBSETTED"
    assert "birthDate" in http.get(f"/fhir/Patient/{made['id']}?_summary=true").json()
    assert http.get(f"/fhir/Patient/{made['id']}?_summary=some").status_code == 400


@pytest.mark.parametrize(
    ("method", "place", "status"),
    [
        ("GET", "/fhir/Patient/no-such", 404),
        ("GET", "/fhir/Unicorn/1", 404),
        ("GET", "/fhir/Patient/with space", 400),
        ("GET", "/fhir/Patient/" + "x" * 65, 400),
        ("GET", "/fhir/Patient/a/b/c/d/e", 404),
        ("DELETE", "/fhir/metadata", 405),
        ("OPTIONS", "/fhir/Patient", 405),
        ("PUT", "/fhir/Patient/x/_history/1", 405),
        ("GET", "/fhir/Patient/$nothing", 404),
    ],
)
def test_what_is_not_there(http: Client, method: str, place: str, status: int) -> None:
    answer = http.request(method, place)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"
