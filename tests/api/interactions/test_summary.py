"""``_summary`` and ``_elements`` (http://hl7.org/fhir/R4/search.html#summary), history and ``$everything`` by time."""

import time
from typing import Any

import pytest
from tests.api.conftest import Client


@pytest.fixture(scope="module")
def filled(http: Client) -> Client:
    for resource in [
        {"resourceType": "Organization", "id": "sum-o", "name": "县医院", "alias": ["县一院"]},
        {
            "resourceType": "Patient",
            "id": "sum-p",
            "active": True,
            "name": [{"text": "单雄信"}],
            "deceasedBoolean": True,
            "birthDate": "1958-03-14",
            "maritalStatus": {"text": "married"},
            "managingOrganization": {"reference": "Organization/sum-o"},
            "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
        },
        {
            "resourceType": "Questionnaire",
            "id": "sum-q",
            "status": "draft",
            "title": "t",
            "item": [{"linkId": "1", "type": "string"}],
        },
        *(
            {
                "resourceType": "Observation",
                "id": f"sum-{year}",
                "status": "final",
                "code": {"text": "x"},
                "subject": {"reference": "Patient/sum-p"},
                "effectiveDateTime": f"{year}-06-01",
            }
            for year in (2020, 2022, 2024)
        ),
        {"resourceType": "Flag", "id": "sum-f", "status": "active", "code": {"text": "x"}, "subject": {"reference": "Patient/sum-p"}},
    ]:  # fmt: skip
        assert http.put(f"/fhir/{resource['resourceType']}/{resource['id']}", resource).status_code == 201
    return http


def part(http: Client, query: str, place: str = "Patient/sum-p") -> dict[str, Any]:
    return http.get(f"/fhir/{place}?{query}").json()


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("_summary=true", {"active", "name", "deceasedBoolean", "birthDate", "managingOrganization"}),
        ("_summary=text", {"text"}),
        (
            "_summary=data",
            {"active", "name", "deceasedBoolean", "birthDate", "maritalStatus", "managingOrganization"},
        ),
        ("_elements=birthDate", {"birthDate", "active", "deceasedBoolean"}),  # modifiers are never left out
        ("_elements=Patient.birthDate,Observation.code", {"birthDate", "active", "deceasedBoolean"}),
    ],
)
def test_a_part_and_what_it_holds(filled: Client, query: str, there: set[str]) -> None:
    found = part(filled, query)
    assert set(found) - {"resourceType", "id", "meta"} - {"link"} == there
    assert found["meta"]["tag"][-1]["code"] == "SUBSETTED"
    (entry,) = filled.get(f"/fhir/Patient?_id=sum-p&{query}").json()["entry"]
    assert entry["resource"] == found


def test_summary_false_is_the_whole(filled: Client) -> None:
    assert "tag" not in part(filled, "_summary=false")["meta"]


def test_elements_cut_what_is_included_where_they_name_its_type_only(filled: Client) -> None:
    def included(elements: str) -> dict[str, Any]:
        place = f"/fhir/Patient?_id=sum-p&_include=Patient:organization&_elements={elements}"
        (found,) = [e for e in filled.get(place).json()["entry"] if e["search"]["mode"] == "include"]
        return found["resource"]

    assert "alias" in included("name")
    assert "alias" not in included("birthDate,Organization.name")


def test_the_summary_of_backbone_elements(filled: Client) -> None:
    statement = filled.get("/fhir/metadata?_summary=true").json()
    assert {"fhirVersion", "rest"} <= set(statement)
    assert "searchParam" not in statement["rest"][0]["resource"][0]
    assert set(filled.get("/fhir/metadata?_elements=fhirVersion").json()) >= {"fhirVersion", "kind"}
    assert "item" not in part(filled, "_summary=true", "Questionnaire/sum-q")


def test_text_goes_with_no_include(filled: Client) -> None:
    assert filled.get("/fhir/Patient?_summary=text&_include=Patient:organization").status_code == 400


def test_links_keep_the_format(filled: Client) -> None:
    answer = filled.get("/fhir/Observation?subject=Patient/sum-p&_count=1&_format=json&_pretty=true").json()
    links = {link["relation"]: link["url"] for link in answer["link"]}
    assert "_format=json" in links["next"]
    assert "_pretty=true" in links["self"]
    assert "_count=1000" in filled.get("/fhir/Patient?_count=7000").json()["link"][0]["url"]


def test_history_at_an_instant(filled: Client) -> None:
    """http://hl7.org/fhir/R4/http.html#history: versions that were current at some point during the time."""
    place = "/fhir/Patient/sum-h"
    instants = []
    for gender in ("male", "female", "other"):
        answer = filled.put(place, {"resourceType": "Patient", "id": "sum-h", "gender": gender})
        instants.append(answer.json()["meta"]["lastUpdated"])
        time.sleep(0.01)

    def versions(at: str) -> list[str]:
        found = filled.get(f"{place}/_history?_at={at}").json()
        assert f"_at={at}" in found["link"][0]["url"]
        return [entry["resource"]["meta"]["versionId"] for entry in found.get("entry", [])]

    assert [versions(instant) for instant in instants] == [["1"], ["2"], ["3"]]
    assert versions(instants[0][:4]) == ["3", "2", "1"]
    assert versions("2001") == []
    of_type = filled.get(f"/fhir/Patient/_history?_at={instants[1]}").json()["entry"]
    mine = [e["resource"]["meta"]["versionId"] for e in of_type if e["resource"]["id"] == "sum-h"]
    assert mine == ["2"]
    assert filled.get(f"{place}/_history?_at=yesterday").status_code == 400


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("start=2021-01-01", "sum-2022 sum-2024 sum-f sum-p"),
        ("end=2022-06-01", "sum-2020 sum-2022 sum-f sum-p"),
        ("start=2021&end=2023", "sum-2022 sum-f sum-p"),
        ("start=2021&end=2023&_type=Observation", "sum-2022"),
    ],
)
def test_everything_of_a_time(filled: Client, query: str, found: str) -> None:
    answer = filled.get(f"/fhir/Patient/sum-p/$everything?{query}").json()
    matches = [e["resource"]["id"] for e in answer["entry"] if e["search"]["mode"] == "match"]
    assert " ".join(sorted(matches)) == found


def test_everything_page_by_page(filled: Client) -> None:
    place, found = "/fhir/Patient/sum-p/$everything?_count=2&start=2021", []
    while place:
        answer = filled.get(place).json()
        found += [e["resource"]["id"] for e in answer["entry"] if e["search"]["mode"] == "match"]
        links = {link["relation"]: link["url"] for link in answer["link"]}
        place = links.get("next", "").removeprefix("http://test")
    assert found[0] == "sum-p"
    assert sorted(found) == ["sum-2022", "sum-2024", "sum-f", "sum-p"]


def test_a_whole_compartment_takes_what_it_says(filled: Client) -> None:
    answer = filled.get("/fhir/Patient/sum-p/*?_type=Observation").json()
    assert {e["resource"]["resourceType"] for e in answer["entry"]} == {"Observation"}
    assert filled.get("/fhir/Patient/sum-p/*?gender=male").status_code == 400


def test_the_wrong_method_is_told_the_right_ones(filled: Client) -> None:
    """RFC 9110 section 15.5.6: a 405 has Allow."""
    answer = filled.request("OPTIONS", "/fhir/Patient/sum-p")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET, HEAD, PATCH, PUT"
