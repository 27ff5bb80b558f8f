"""Searches against a real PostgreSQL (http://hl7.org/fhir/R4/search.html)."""

from decimal import Decimal
from typing import Any

import pytest

from shangyi.errors import Invalid, NotSupported
from shangyi.store.database import Store
from shangyi.store.model import Scope, SearchRequest, SearchResult

ICD, LOINC = "http://hl7.org/fhir/sid/icd-10", "http://loinc.org"
DIVISION = "https://shangyi.dev/fhir/StructureDefinition/division"


def patient(id: str, name: str, born: str, division: str, **more: Any) -> dict[str, Any]:
    address = {
        "use": "home",
        "city": "白水镇",
        "text": "云岭县白水镇上河村",
        "extension": [{"url": DIVISION, "valueCoding": {"code": division}}],
    }
    return {
        "resourceType": "Patient",
        "id": id,
        "name": [{"text": name, "family": name[:1], "given": [name[1:]]}],
        "gender": "male",
        "birthDate": born,
        "address": [address],
        "identifier": [
            {"system": "https://shangyi.dev/fhir/sid/resident-id", "value": f"99132119580314{id[-2:]}"}
        ],
        "telecom": [{"system": "phone", "value": "138 0000 0921"}],
    } | more


def observation(id: str, subject: str, value: float, when: str, code: str = "4548-4") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": f"Patient/{subject}"},
        "effectiveDateTime": when,
        "valueQuantity": {
            "value": Decimal(str(value)),
            "unit": "%",
            "system": "http://unitsofmeasure.org",
            "code": "%",
        },
    }


RECORDS = [
    patient(
        "p01", "单雄信", "1958-03-14", "991321101201", generalPractitioner=[{"reference": "Practitioner/d1"}]
    ),
    patient("p02", "曾国强", "1970-06-01", "991321101202", gender="female", deceasedDateTime="2025-01-01"),
    patient("p03", "欧阳锋", "2001-12-31", "991321102201"),
    {"resourceType": "Practitioner", "id": "d1", "name": [{"text": "李敏"}]},
    *[observation(f"o{i:02}", f"p0{i % 3 + 1}", 5 + i / 10, f"2026-{i % 9 + 1:02}-10") for i in range(30)],
    {
        "resourceType": "Condition",
        "id": "c1",
        "subject": {"reference": "Patient/p01"},
        "code": {
            "coding": [
                {"system": ICD, "code": "I10"},
                {"system": "http://snomed.info/sct", "code": "38341003"},
            ],
            "text": "高血压",
        },
        "onsetDateTime": "2016",
        "recordedDate": "2016-05-04",
    },
]


@pytest.fixture(scope="module")
def filled(store: Store) -> Store:
    for record in RECORDS:
        store.repository.update(record)
    return store


def search(store: Store, query: str, scope: Scope | None = None) -> SearchResult:
    type, _, rest = query.partition("?")
    parameters = [(part.partition("=")[0], part.partition("=")[2]) for part in rest.split("&") if part]
    return store.repository.search(SearchRequest(type or None, parameters), *([scope] if scope else []))


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("Patient?name=单雄信", "p01"),
        ("Patient?name=单", "p01"),
        ("Patient?name=shan", "p01"),
        ("Patient?name=sxx", "p01"),
        ("Patient?name=zeng", "p02"),
        ("Patient?name=zgq", "p02"),
        ("Patient?name=ouyang", "p03"),
        ("Patient?name=oyf", "p03"),
        ("Patient?name:contains=雄", "p01"),
        ("Patient?gender=female", "p02"),
        ("Patient?gender:not=female", "p01 p03"),
        ("Patient?gender=http://hl7.org/fhir/administrative-gender|female", "p02"),
        ("Patient?deceased=true", "p02"),
        ("Patient?deceased=false", "p01 p03"),
        ("Patient?birthdate=1958-03-14", "p01"),
        ("Patient?birthdate=1958", "p01"),
        ("Patient?birthdate=ge1970", "p02 p03"),
        ("Patient?birthdate=lt1970-06-01", "p01"),
        ("Patient?birthdate=ge1970&birthdate=le1990", "p02"),
        ("Patient?phone=13800000921&_id=p01,p03", "p01 p03"),
        ("Patient?identifier=https://shangyi.dev/fhir/sid/resident-id|9913211958031401", "p01"),
        ("Patient?identifier=9913211958031402", "p02"),
        ("Patient?general-practitioner=Practitioner/d1", "p01"),
        ("Patient?general-practitioner=d1", "p01"),
        ("Patient?general-practitioner.name=李敏", "p01"),
        ("Patient?address-city=白水镇&gender=female", "p02"),
        ("Patient?_has:Condition:subject:code=I10", "p01"),
        ("Condition?code=I10", "c1"),
        (f"Condition?code={ICD}|I10", "c1"),
        ("Condition?code=http://snomed.info/sct|38341003", "c1"),
        ("Condition?code=|I10", ""),
        ("Condition?subject=Patient/p01", "c1"),
        ("Condition?patient=p01", "c1"),
        ("Condition?patient.birthdate=1958", "c1"),
        ("Condition?subject:Patient.name=shan", "c1"),
        ("Condition?onset-date=2016", "c1"),
        ("Condition?recorded-date=2016-05-04", "c1"),
        ("Condition?recorded-date=gt2016-05-04", ""),
        ("Observation?value-quantity=gt7.8", "o29"),
        ("Observation?value-quantity=7.9||%25", ""),
        ("Observation?value-quantity=7.9|http://unitsofmeasure.org|%", "o29"),
        ("Observation?value-quantity=lt5.1||%", "o00"),
        ("Observation?code=4548-4&date=2026-09-10&patient=p03", "o08 o17 o26"),
        ("Observation?patient=Patient/p01&date=ge2026-09", ""),
        (r"Condition?code=I10,X99", "c1"),
    ],
)
def test_what_is_found(filled: Store, query: str, ids: str) -> None:
    assert " ".join(sorted(v.id for v in search(filled, query).matches)) == ids


@pytest.mark.parametrize(
    "query",
    [
        "Patient?nme=x",
        "Patient?birthdate=1958-13",
        "Patient?_sort=nothing",
        "Patient?_count=x",
        "Observation?value-quantity=abc",
        "Pateint?name=x",
        "Patient?name=",
        "Patient?_cursor=abc",
        "Patient?gender.name=x",
    ],
)
def test_what_makes_no_sense_is_refused(filled: Store, query: str) -> None:
    with pytest.raises((Invalid, NotSupported)):
        search(filled, query)


@pytest.mark.parametrize("sort", ["", "date", "-date", "_lastUpdated", "-_lastUpdated", "-date,_id"])
def test_pages_hold_every_match_once(filled: Store, sort: str) -> None:
    """Also while others write: a row that does not move is neither missed nor repeated."""
    query = [("code", "4548-4"), ("_count", "7"), *([("_sort", sort)] if sort else [])]
    seen: list[str] = []
    cursor: str | None = None
    for turn in range(10):
        page = filled.repository.search(
            SearchRequest("Observation", [*query, *([("_cursor", cursor)] if cursor else [])])
        )
        seen += [v.id for v in page.matches]
        filled.repository.update(
            observation(
                f"new{sort}{turn}".replace("_", "").replace(",", "-"), "p01", 3, "2020-01-01", "other"
            )
        )
        cursor = page.next
        if cursor is None:
            break
    assert sorted(seen) == [f"o{i:02}" for i in range(30)]


def test_sorting_by_date_is_by_date(filled: Store) -> None:
    found = search(filled, "Observation?code=4548-4&_sort=-date&_count=30").matches
    dates = [v.resource["effectiveDateTime"] for v in found]
    assert dates == sorted(dates, reverse=True)


def test_includes_and_their_bounds(filled: Store) -> None:
    found = search(
        filled, "Patient?_id=p01&_include=Patient:general-practitioner&_revinclude=Condition:subject"
    )
    assert {v.reference for v in found.included} == {"Practitioner/d1", "Condition/c1"}
    bounded = search(
        filled, "Patient?_id=p01&_revinclude=Condition:subject", Scope(types=frozenset({"Patient"}))
    )
    assert not bounded.included


def test_totals_are_given_when_asked(filled: Store) -> None:
    assert search(filled, "Observation?code=4548-4&_count=5").total is None
    assert search(filled, "Observation?code=4548-4&_count=5&_total=accurate").total == 30
    counted = search(filled, "Observation?code=4548-4&_summary=count")
    assert (counted.total, counted.matches) == (30, ())


def test_an_area_bounds_residents_and_what_is_theirs(filled: Store) -> None:
    village = Scope(area=(991321101201, 991321101201))
    assert [v.id for v in search(filled, "Patient?", village).matches] == ["p01"]
    assert {
        v.resource["subject"]["reference"]
        for v in search(filled, "Observation?code=4548-4&_count=50", village).matches
    } == {"Patient/p01"}
    town = Scope(area=(991321101000, 991321101999))
    assert len(search(filled, "Patient?", town).matches) == 2


def test_a_panel_bounds_to_the_family_doctors_residents(filled: Store) -> None:
    assert [v.id for v in search(filled, "Patient?", Scope(panel="Practitioner/d1")).matches] == ["p01"]


def test_lenient_handling_reports_what_it_ignores(filled: Store) -> None:
    found = filled.repository.search(
        SearchRequest("Patient", [("nme", "x"), ("gender", "female")], strict=False)
    )
    assert [v.id for v in found.matches] == ["p02"]
    assert len(found.issues) == 1
    assert found.applied == [("gender", "female")]


def test_suggestions_as_one_types(filled: Store) -> None:
    for typed in ("单", "shan", "sxx", "单雄"):
        assert [v.id for v in filled.repository.suggest(typed)] == ["p01"], typed
    assert [v.id for v in filled.repository.suggest("9913211958031402")] == ["p02"]
    assert {v.id for v in filled.repository.suggest("+86 138-0000-0921")} == {"p01", "p02", "p03"}
    assert filled.repository.suggest("  ") == []


def test_suggestions_are_not_used_up_by_who_may_not_be_seen(filled: Store) -> None:
    second = Scope(area=(991321102201, 991321102201))
    assert [v.id for v in filled.repository.suggest("13800000921", 1, second)] == ["p03"]
    assert [v.id for v in filled.repository.suggest("ou", 1, second)] == ["p03"]
