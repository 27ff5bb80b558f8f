from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from shangyi.access import Access, Area, Principal, Role, Session
from shangyi.access.placement import DIVISION, divisions
from shangyi.store import keys
from shangyi.store.database import Store
from shangyi.store.index import IndexRow

COUNTY, TOWN, VILLAGE, OTHER = "991302", "991302101", "991302101203", "991302102201"
CASE = {
    "coding": [
        {"system": "https://shangyi.dev/fhir/CodeSystem/condition-category", "code": "notifiable-case"}
    ]
}


def resident(id: str, division: str | None, **more: Any) -> dict[str, Any]:
    patient: dict[str, Any] = {"resourceType": "Patient", "id": id, "gender": "female", **more}
    if division:
        coding = {"system": "https://shangyi.dev/fhir/CodeSystem/division", "code": division}
        patient["address"] = [{"use": "home", "extension": [{"url": DIVISION, "valueCoding": coding}]}]
    return patient


def observation(id: str, patient: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


def has_search() -> bool:
    return (
        find_spec("shangyi.store.search") is not None
        and find_spec("shangyi.store.search.execute") is not None
    )


needs_search = pytest.mark.skipif(not has_search(), reason="the search is not there yet")


def places_only(resource: dict[str, Any]) -> IndexRow:
    subject = resource.get("subject", {}).get("reference")
    if resource["resourceType"] == "Patient":
        return IndexRow(patient=keys.key(f"Patient/{resource['id']}"), area=(divisions(resource) or [0])[0])
    return IndexRow(patient=keys.key(subject) if subject else 0)


@pytest.fixture(scope="module")
def access(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Access]:
    if find_spec("shangyi.store.search") is None:
        store.repository.indexer = places_only
    with Access(store.repository, store.pool, tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture(scope="module")
def county(access: Access) -> Access:
    """Two villages with a resident each, one with a notifiable case; an institution; a household across both."""
    owner = access.owner_session()
    for resource in (
        {
            "resourceType": "Organization",
            "id": "hospital",
            "name": "县医院",
            "address": resident("x", "991302001001")["address"],
        },
        resident("inside", VILLAGE, telecom=[{"system": "phone", "value": "13800000921"}]),
        resident("outside", OTHER),
        resident("nowhere", None),
        observation("obs-inside", "inside"),
        observation("obs-outside", "outside"),
        {
            "resourceType": "Condition",
            "id": "case-inside",
            "category": [CASE],
            "code": {"text": "流行性感冒"},
            "subject": {"reference": "Patient/inside"},
        },
        {
            "resourceType": "Condition",
            "id": "problem-outside",
            "code": {"text": "高血压"},
            "subject": {"reference": "Patient/outside"},
        },
        {"resourceType": "ValueSet", "id": "vs", "status": "active"},
    ):
        owner.update(resource)
    return access


def session(access: Access, role: Role | str, area: str = VILLAGE, **more: Any) -> Session:
    principal = Principal(f"account:{role}", str(role), str(role), Role(role), Area.parse(area), **more)
    return Session(access, principal)


def events(access: Access) -> list[tuple[Any, ...]]:
    """What the audit holds, oldest first: subtype, action, outcome, agent, entities, query, description."""
    access.drain.flush()
    with access.pool.connection() as connection:
        return connection.execute(
            "select subtype, action::text, outcome, agent, entities, query, description from audit_event order by id"
        ).fetchall()
