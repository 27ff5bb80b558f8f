from collections.abc import Iterator

import pytest
from tests.people import CASE, OTHER, VILLAGE, observation, resident

from shangyi.access import Access
from shangyi.store.database import Store


@pytest.fixture(scope="module")
def access(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Access]:
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
            "address": [resident("x", "991302001001")["address"][0] | {"use": "work"}],
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
