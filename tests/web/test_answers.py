"""Lists and figures of many residents come from the population's arrays, bounded again by what the record says now."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from shangyi.care.population.keep import Keeper
from shangyi.care.standing import keep, people
from shangyi.lake import snapshot
from shangyi.settings import Settings
from shangyi.store.database import Store
from shangyi.store.model import EVERYTHING, Scope
from shangyi.web.answers import Answers, late

DIVISION = "https://shangyi.dev/fhir/StructureDefinition/division"
TOWN = Scope(area=(991321101000, 991321101999))
QUERY = people.Query(dt.date(2026, 11, 20), sort="name")


def resident(id: str, village: str) -> dict[str, Any]:
    address = [{"extension": [{"url": DIVISION, "valueCoding": {"code": village}}]}]
    return {"resourceType": "Patient", "id": id, "birthDate": "1960-05-01", "address": address}


@pytest.fixture
def answers(store: Store, tmp_path: Path) -> Answers:
    """Of a lake that was made before somebody moved away and somebody came."""
    for id in ("a", "b"):
        store.repository.update(resident(id, "991321101201"))
    store.repository.update(resident("c", "991321102201"))
    keep.catch_up(store.repository)
    snapshot.build(tmp_path / "lake", store.repository)
    Keeper(tmp_path, Settings(home=tmp_path, lake_memory_mb=512, lake_threads=1)).refresh()
    return Answers(tmp_path, many=2)


def test_what_was_written_since_is_waited_for_and_never_shown_beyond_the_area(
    store: Store, answers: Answers
) -> None:
    records = store.repository
    assert answers.count(records, TOWN, QUERY).total == 2
    before = answers.overview(records, TOWN).as_of
    records.update(resident("b", "991321102201"))
    records.update(resident("d", "991321101201"))
    keep.catch_up(records)
    page = answers.find(records, TOWN, QUERY)
    assert [version.id for version in page.versions] == ["a"], "b lives elsewhere now"
    total, _, as_of = answers.count(records, TOWN, QUERY)
    assert total == 2
    assert as_of is not None
    assert as_of < before, "the page says of when it is"
    assert answers.overview(records, TOWN).residents == 2


def test_few_residents_and_panels_are_asked_of_the_record(store: Store, answers: Answers) -> None:
    records = store.repository
    village = Scope(area=(991321102201, 991321102201))
    records.update(resident("e", "991321102201"))
    keep.catch_up(records)
    assert answers.count(records, village, QUERY).as_of is None
    assert "e" in [version.id for version in answers.find(records, village, QUERY).versions]
    panel = Scope(panel="Practitioner/d1")
    assert answers.count(records, panel, QUERY).total == 0
    assert answers.overview(records, panel).residents == 0
    assert answers.due(records, EVERYTHING)[""] > 0, "examinations of those of 65 and older"


def test_a_page_of_long_ago_says_so() -> None:
    now = dt.datetime(2026, 11, 20, 9, 0, tzinfo=dt.UTC)
    assert late(None, now) == ""
    assert late(now - dt.timedelta(minutes=1), now) == ""
    assert late(now - dt.timedelta(hours=1), now) == "11-20 16:00"
