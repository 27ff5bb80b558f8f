"""Chains, ``_has``, includes, compartments, searches over several types (http://hl7.org/fhir/R4/search.html#chaining …)."""

from typing import Any

import pytest
from tests.store.search.asking import ask, ids

from shangyi.errors import Invalid, NotFound, NotSupported
from shangyi.store.database import Store
from shangyi.store.model import Scope
from shangyi.store.search.conditions import links

LOINC, TAG = "http://loinc.org", {"tag": [{"system": "urn:tag", "code": "t"}]}


def observation(id: str, patient: str, encounter: str, performer: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "8867-4"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{encounter}"},
        "performer": [{"reference": performer}],
    } | more


def encounter(id: str, patient: str, kind: str, provider: str) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": kind},
        "subject": {"reference": f"Patient/{patient}"},
        "serviceProvider": {"reference": f"Organization/{provider}"},
    }


RECORDS: list[dict[str, Any]] = [
    {"resourceType": "Organization", "id": "county", "name": "县医院"},
    {"resourceType": "Organization", "id": "town", "name": "镇卫生院", "partOf": {"reference": "Organization/county"}},
    {"resourceType": "Practitioner", "id": "li", "name": [{"text": "李敏"}], "meta": TAG},
    {"resourceType": "Practitioner", "id": "wu", "name": [{"text": "吴强"}]},
    {"resourceType": "Patient", "id": "a", "gender": "female", "name": [{"text": "单雄信"}],
     "generalPractitioner": [{"reference": "Practitioner/li"}]},
    {"resourceType": "Patient", "id": "b", "gender": "male", "meta": TAG},
    encounter("e1", "a", "AMB", "town"),
    encounter("e2", "b", "IMP", "county"),
    observation("o1", "a", "e1", "Practitioner/li"),
    observation("o2", "b", "e2", "Organization/county", meta=TAG),
    observation("o3", "b", "e1", "Patient/a"),
    {"resourceType": "Provenance", "id": "p1", "target": [{"reference": "Observation/o1"}],
     "recorded": "2026-01-01T00:00:00Z", "agent": [{"who": {"reference": "Practitioner/wu"}}]},
]  # fmt: skip


@pytest.fixture(scope="module")
def filled(store: Store) -> Store:
    for record in RECORDS:
        store.repository.update(record)
    return store


LINKED = [
    ("Observation?patient.gender=female", "o1"),
    ("Observation?subject:Patient.name=shan", "o1"),
    ("Observation?encounter.class=AMB", "o1 o3"),
    ("Observation?encounter.service-provider.name=县医院", "o2"),
    ("Observation?performer:Practitioner.name=李敏", "o1"),
    ("Observation?patient.general-practitioner.name=limin", "o1"),
    ("Observation?encounter.patient.gender=female", "o1 o3"),
    ("Encounter?service-provider.partof.name=县医院", "e1"),
    ("Patient?_has:Observation:patient:code=8867-4", "a b"),
    ("Patient?_has:Observation:performer:code=8867-4", "a"),
    ("Encounter?_has:Observation:encounter:patient=Patient/b", "e1 e2"),
    ("Practitioner?_has:Patient:general-practitioner:gender=female", "li"),
    ("Practitioner?_has:Patient:general-practitioner:_has:Observation:subject:code=8867-4", "li"),
    ("Organization?_has:Encounter:service-provider:class=AMB", "town"),
    ("Observation?_has:Provenance:target:agent=Practitioner/wu", "o1"),
    ("Observation?patient._id=a", "o1"),
    ("Observation?patient:missing=true", ""),
]


@pytest.mark.parametrize(("query", "found"), LINKED)
def test_chains_and_has(filled: Store, query: str, found: str) -> None:
    assert ids(filled, query) == found


@pytest.mark.parametrize(("query", "found"), LINKED)
def test_where_many_are_linked_the_candidates_are_asked(
    filled: Store, query: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "MOST_LINKED", 0)
    assert ids(filled, query) == found


def test_what_may_not_be_seen_is_not_asked_about(filled: Store) -> None:
    """A condition on what is linked tells nothing that the reader may not read."""
    narrow = Scope(types=frozenset({"Practitioner", "Patient"}))
    assert ids(filled, "Practitioner?_has:Patient:general-practitioner:gender=female", narrow) == "li"
    for query in (
        "Patient?_has:Observation:patient:code=8867-4",
        "Practitioner?_has:Patient:general-practitioner:_has:Observation:subject:code=8867-4",
    ):
        assert ids(filled, query, narrow) == "", query


@pytest.mark.parametrize(
    ("query", "included"),
    [
        ("Observation?_id=o1&_include=Observation:patient", "Patient/a"),
        ("Observation?_id=o1&_include=Observation:performer:Organization", ""),
        ("Observation?_id=o1&_include=Observation:performer:Practitioner", "Practitioner/li"),
        ("Observation?_id=o1&_include=Observation:*", "Encounter/e1 Patient/a Practitioner/li"),
        ("Observation?_id=o1&_include=*", "Encounter/e1 Patient/a Practitioner/li"),
        (
            "Observation?_id=o1&_include=Observation:encounter&_include:iterate=Encounter:service-provider",
            "Encounter/e1 Organization/town",
        ),
        (
            "Encounter?_id=e1&_include=Encounter:service-provider&_include:iterate=Organization:partof",
            "Organization/county Organization/town",
        ),
        ("Encounter?_id=e1&_include=Encounter:service-provider&_include=Organization:partof", "Organization/town"),
        ("Patient?_id=a&_revinclude=Observation:subject", "Observation/o1"),
        ("Patient?_id=a&_revinclude=Observation:*", "Observation/o1 Observation/o3"),
        ("Patient?_id=a&_revinclude=*", "Encounter/e1 Observation/o1 Observation/o3"),
        (
            "Patient?_id=a&_revinclude=Observation:subject&_revinclude:iterate=Provenance:target",
            "Observation/o1 Provenance/p1",
        ),
    ],
)  # fmt: skip
def test_includes(filled: Store, query: str, included: str) -> None:
    found = ask(filled, query)
    assert " ".join(sorted(v.reference for v in found.included)) == included
    assert not found.issues


def test_what_is_not_included_is_said(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from shangyi.store.search import includes

    monkeypatch.setattr(includes, "MOST", 2)
    found = ask(filled, "Patient?_id=a&_revinclude=*")
    assert len(found.included) == 2
    assert [issue.code for issue in found.issues] == ["incomplete"]


@pytest.mark.parametrize(
    "query",
    [
        "Patient?_include=Patient",
        "Patient?_include=Patient:gender",
        "Patient?_include=Nothing:patient",
        "Observation?_include=Observation:patient:Organization",
        "Patient?_has:Observation:encounter:code=1",
        "Patient?_has:Observation:patient=1",
        "Patient?gender.name=x",
        "Observation?patient.vaccine-code=x",
    ],
)
def test_links_that_make_no_sense_are_refused(filled: Store, query: str) -> None:
    with pytest.raises(Invalid):
        ask(filled, query)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?_tag=urn:tag|t", "b li o2"),
        ("?_type=Patient,Observation&_tag=t", "b o2"),
        ("?_id=a,li", "a li"),
        ("?_type=Observation,Encounter&patient=Patient/b", "e2 o2 o3"),
        ("?_type=Observation,Encounter&patient.gender=female", "e1 o1"),
        ("?_type=Observation&status=final", "o1 o2 o3"),
        ("?patient=Patient/b&_type=Encounter", "e2"),
    ],
)
def test_over_several_types(filled: Store, query: str, found: str) -> None:
    """http://hl7.org/fhir/R4/search.html#all: what all types of the search have."""
    assert ids(filled, query) == found


def test_over_all_types_only_what_all_have(filled: Store) -> None:
    with pytest.raises(NotSupported):
        ask(filled, "?gender=female")
    with pytest.raises(Invalid):
        ask(filled, "?_type=Patient,Observation&gender=female")


def test_a_compartment_is_by_all_its_parameters(filled: Store) -> None:
    """http://hl7.org/fhir/R4/compartmentdefinition-patient.html: Observation by subject and by performer."""
    assert ids(filled, "Observation?", compartment=("Patient", "a")) == "o1 o3"
    assert ids(filled, "Observation?encounter=e1", compartment=("Patient", "b")) == "o3"
    assert ids(filled, "Patient?", compartment=("Patient", "a")) == "a"
    with pytest.raises(NotFound):
        ask(filled, "ValueSet?", compartment=("Patient", "a"))


def test_a_reference_may_be_this_servers_address(filled: Store) -> None:
    query = "Observation?patient=https://here.example/fhir/Patient/b"
    assert ids(filled, query, base="https://here.example/fhir") == "o2 o3"
    assert ids(filled, query, base="https://other.example/fhir") == ""
