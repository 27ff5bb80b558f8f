"""http://hl7.org/fhir/R4/search.html and http.html#search over HTTP, batch, transaction, operations."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.api.conftest import Client


@pytest.fixture(scope="module")
def filled(http: Client) -> Client:
    """Two patients, five observations of the first."""
    entries = [
        {"resourceType": "Patient", "id": "one", "gender": "female", "name": [{"text": "单雄信"}]},
        {"resourceType": "Patient", "id": "two", "gender": "male"},
        *(
            {
                "resourceType": "Observation",
                "id": f"o{n}",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
                "subject": {"reference": "Patient/one"},
                "effectiveDateTime": f"2025-01-0{n}",
            }
            for n in range(1, 6)
        ),
    ]
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}}
            for r in entries
        ],
    }
    answer = http.post("/fhir", bundle)
    assert answer.status_code == 200, answer.text
    assert answer.json()["type"] == "transaction-response"
    return http


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [e["resource"]["id"] for e in answer.json().get("entry", []) if e["search"]["mode"] == "match"]


def links(answer: Any) -> dict[str, str]:
    return {link["relation"]: link["url"] for link in answer.json()["link"]}


def test_pages_hold_every_match_once(filled: Client) -> None:
    found: list[str] = []
    place = "/fhir/Observation?subject=Patient/one&_sort=-date&_count=2"
    while place:
        answer = filled.get(place)
        found += ids(answer)
        assert "_count=2" in links(answer)["self"]
        place = links(answer).get("next", "").removeprefix("http://test")
    assert found == ["o5", "o4", "o3", "o2", "o1"]


def test_self_says_what_was_applied(filled: Client) -> None:
    answer = filled.get("/fhir/Patient?gender=female&nonsense=1", headers={"prefer": "handling=lenient"})
    applied = parse_qsl(urlsplit(links(answer)["self"]).query)
    assert ("gender", "female") in applied
    assert "nonsense" not in dict(applied)
    assert "one" in ids(answer)


def test_an_unknown_parameter_is_refused_unless_lenient(filled: Client) -> None:
    answer = filled.get("/fhir/Patient?nonsense=1")
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_post_searches_as_get_does(filled: Client) -> None:
    answer = filled.request(
        "POST", "/fhir/Patient/_search?gender=female", data={"_id": "one,two"}
    )  # 3.1.0.9: parameters of the address and the form together
    assert ids(answer) == ["one"]
    assert links(answer)["self"].startswith("http://test/fhir/Patient?")


def test_a_search_in_another_form_is_refused_and_not_taken_for_one_without_conditions(filled: Client) -> None:
    answer = filled.post("/fhir/Patient/_search", {"gender": "female"})
    assert answer.status_code == 415
    assert ids(filled.request("POST", "/fhir/Patient/_search?_id=one")) == ["one"]


def test_included_resources_are_marked(filled: Client) -> None:
    entries = filled.get("/fhir/Observation?_id=o1&_include=Observation:subject").json()["entry"]
    assert [(e["resource"]["id"], e["search"]["mode"]) for e in entries] == [
        ("o1", "match"),
        ("one", "include"),
    ]


def test_total_count_and_subsets(filled: Client) -> None:
    place = "/fhir/Observation?subject=Patient/one"
    assert "total" not in filled.get(place).json()
    assert filled.get(f"{place}&_total=accurate").json()["total"] == 5
    counted = filled.get(f"{place}&_summary=count").json()
    assert (counted["total"], counted.get("entry")) == (5, None)
    part = filled.get(f"{place}&_elements=status").json()["entry"][0]["resource"]
    assert {"status", "code"} <= set(part)  # code is mandatory
    assert "effectiveDateTime" not in part
    assert part["meta"]["tag"][-1]["code"] == "SUBSETTED"


def test_compartment(filled: Client) -> None:
    assert ids(filled.get("/fhir/Patient/one/Observation?_sort=date&_count=2")) == ["o1", "o2"]
    assert ids(filled.get("/fhir/Patient/two/Observation")) == []
    assert {"one", "o1"} <= set(ids(filled.get("/fhir/Patient/one/*")))
    assert filled.get("/fhir/Patient/one/ValueSet").status_code == 404
    assert filled.get("/fhir/Organization/one/Patient").status_code == 404


def test_the_links_of_a_compartment_are_its_own_and_lead_on(filled: Client) -> None:
    first = filled.get("/fhir/Patient/one/Observation?_sort=date&_count=3")
    following = links(first)["next"]
    assert following.startswith("http://test/fhir/Patient/one/Observation?")
    assert ids(filled.get(following.removeprefix("http://test"))) == ["o4", "o5"]


def test_conditional_create_update_and_delete(filled: Client) -> None:
    person = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": "1"}]}
    condition = {"if-none-exist": "identifier=urn:x|1"}
    first = filled.post("/fhir/Patient", person, headers=condition)
    again = filled.post("/fhir/Patient", person, headers=condition)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    changed = filled.put("/fhir/Patient?identifier=urn:x|1", {**person, "active": True})
    assert (changed.status_code, changed.headers["etag"]) == (200, 'W/"2"')
    patched = filled.patch(
        "/fhir/Patient?identifier=urn:x|1", [{"op": "replace", "path": "/active", "value": False}]
    )
    assert patched.json()["active"] is False
    assert filled.delete("/fhir/Patient?identifier=urn:x|1").status_code == 204
    assert filled.get(f"/fhir/Patient/{first.json()['id']}").status_code == 410
    assert filled.put("/fhir/Patient", person).status_code == 400
    several = filled.request("DELETE", "/fhir/Observation?code=8867-4")
    assert several.status_code == 412
    assert len(ids(filled.get("/fhir/Observation?code=8867-4"))) == 5


def test_everything(filled: Client) -> None:
    answer = filled.get("/fhir/Patient/one/$everything")
    assert set(ids(answer)) == {"one", "o1", "o2", "o3", "o4", "o5"}
    only = filled.get("/fhir/Patient/one/$everything?_type=Observation&_count=2")
    assert len(ids(only)) == 2
    assert "_type=Observation" in links(only)["next"]
    assert filled.get("/fhir/Patient/none/$everything").status_code == 404
    assert filled.get("/fhir/Patient/one/$everything?nonsense=1").status_code == 400
    assert filled.get("/fhir/Observation/o1/$everything").status_code == 404


def test_a_transaction_is_all_or_nothing(filled: Client) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": {"resourceType": "Patient", "id": "never"}, "request": {"method": "PUT", "url": "Patient/never"}},
            {"resource": {"resourceType": "Patient"}, "request": {"method": "PUT", "url": "Patient"}},
        ],
    }  # fmt: skip
    assert 400 <= filled.post("/fhir", bundle).status_code < 500
    assert filled.get("/fhir/Patient/never").status_code == 404


def test_a_batch_does_each_entry_as_if_it_came_alone(filled: Client) -> None:
    requests: list[dict[str, Any]] = [
        {"request": {"method": "GET", "url": "Patient/one"}},
        {"request": {"method": "GET", "url": "Observation?subject=Patient/one&_count=1"}},
        {"request": {"method": "GET", "url": "Patient/none"}},
        {"request": {"method": "GET", "url": "Patient/one", "ifNoneMatch": 'W/"1"'}},
        {"resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}},
        {"resource": {"resourceType": "Patient"}, "request": {"method": "PUT", "url": "Patient/x"}},
        {"request": {"method": "GET", "url": "Patient/one/$everything"}},
        {"request": {"method": "FETCH", "url": "Patient/one"}},
        {"nothing": 1},
    ]
    answer = filled.post("/fhir", {"resourceType": "Bundle", "type": "batch", "entry": requests})
    assert answer.status_code == 200
    entries = answer.json()["entry"]
    statuses = [entry["response"]["status"].split()[0] for entry in entries]
    assert statuses == ["200", "200", "404", "304", "201", "400", "200", "405", "400"]
    assert entries[0]["resource"]["id"] == "one"
    assert entries[1]["resource"]["type"] == "searchset"
    assert entries[2]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert entries[4]["response"]["location"].startswith("Patient/")
    assert filled.post("/fhir", {"resourceType": "Bundle", "type": "document"}).status_code == 400
