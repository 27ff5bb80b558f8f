"""The tables over a real PostgreSQL: built, following the outbox, asked by scope."""

import datetime as dt
from typing import Any

import pytest
from tests.care.standing.records import coded, order, patient, pressure, problem

from shangyi.care.standing import figures, keep, people
from shangyi.store.database import Store
from shangyi.store.model import EVERYTHING, Scope

TODAY = dt.date(2026, 11, 20)
DIVISION = "https://shangyi.dev/fhir/StructureDefinition/division"


def living_in(code: str, **more: Any) -> dict[str, Any]:
    extension = [{"url": DIVISION, "valueCoding": {"code": code}}]
    return {"address": [{"use": "home", "extension": extension}], **more}


@pytest.fixture(scope="module")
def county(store: Store) -> Store:
    write = store.repository.update
    write({"resourceType": "Practitioner", "id": "d1"})
    panel = {"generalPractitioner": [{"reference": "Practitioner/d1"}]}
    for id, name, code, more in (
        ("p1", "单秀兰", "991321101201", panel),
        ("p2", "曾国强", "991321101202", {}),
        ("p3", "安娜", "991321102201", {}),
    ):
        write(patient(id, **living_in(code, name=[{"text": name}], **more)))
    write(patient("gone", **living_in("991321101201", active=False)))
    for id in ("p1", "p2", "p3"):
        write(problem("I10.x00", "2020-01-01", "高血压病", of=id))
    write(pressure("2026-11-10", 190, 100, of="p1"))
    write(pressure("2026-11-10", 150, 95, of="p2"))
    write(pressure("2026-11-10", 130, 80, of="p3"))
    write(order("C08CA01", "2026-11-10", of="p3"))
    assert keep.catch_up(store.repository, TODAY) == 4
    return store


def ids(store: Store, bounds: Scope = EVERYTHING, **asked: Any) -> list[str]:
    with store.repository.transaction_connection() as connection:
        page = people.find(connection, store.codec, bounds, people.Query(TODAY, **asked))
    return [version.id for version in page.versions]


def test_the_most_urgent_comes_first(county: Store) -> None:
    assert ids(county, due=True) == ["p1", "p2"]
    assert ids(county, kind="urgent") == ["p1"]
    assert ids(county, sort="name") == ["p3", "p1", "p2"], "an, shan, zeng: surnames read as surnames"


def test_a_list_is_bounded_by_area_and_panel(county: Store) -> None:
    town = Scope(area=(991321101000, 991321101999))
    assert set(ids(county, town)) == {"p1", "p2"}
    assert ids(county, Scope(area=town.area, panel="Practitioner/d1")) == ["p1"]
    assert ids(county, town, states=("hypertension.treated",)) == []
    assert ids(county, states=("hypertension.treated", "hypertension.controlled")) == ["p3"]


def test_pages_hold_everybody_once(county: Store) -> None:
    for sort in people.ORDERS:
        seen: list[str] = []
        cursor = ""
        while True:
            with county.repository.transaction_connection() as connection:
                query = people.Query(TODAY, sort=sort, limit=1, cursor=cursor)  # type: ignore[arg-type]
                page = people.find(connection, county.codec, EVERYTHING, query)
            seen += [version.id for version in page.versions]
            cursor = page.next
            assert len(cursor) < 64, "the key of the last row and a mark of the query, no name"
            if not cursor:
                break
        assert sorted(seen) == ["p1", "p2", "p3"], sort


def test_figures_count_people_on_each_day(county: Store) -> None:
    with county.repository.transaction_connection() as connection:
        states = ("hypertension", "hypertension.controlled")
        days = [TODAY, dt.date(2026, 11, 9)]
        assert figures.holding(connection, EVERYTHING, states, days) == {
            "hypertension": [3, 3],
            "hypertension.controlled": [1, 0],
        }
        places = figures.by_place(connection, EVERYTHING, states, TODAY, figures.TOWN)
        assert [(p.code, p.residents, p.holding["hypertension.controlled"]) for p in places] == [
            (991321101000, 2, 0),
            (991321102000, 1, 1),
        ]
        assert people.counts(connection, EVERYTHING, TODAY) == {"": 2, "urgent": 1, "chronic": 1}
        assert figures.commonest(connection, EVERYTHING, "problem:", TODAY, 5)[0][2] == 3
        assert people.count(connection, EVERYTHING, people.Query(TODAY, due=True)) == 2


def test_a_change_is_followed_and_only_its_resident_is_evaluated(county: Store) -> None:
    assert keep.catch_up(county.repository, TODAY) == 0
    county.repository.update(pressure("2026-11-15", 138, 84, of="p1"))
    assert keep.catch_up(county.repository, TODAY) == 1
    assert ids(county, due=True) == ["p2"]
    county.repository.delete("Observation", "bp-p1-2026-11-15")
    keep.catch_up(county.repository, TODAY)
    assert ids(county, due=True) == ["p1", "p2"]


def test_who_dies_or_is_deleted_leaves_the_lists(county: Store) -> None:
    county.repository.update(patient("p4", name=[{"text": "王一"}]))
    keep.catch_up(county.repository, TODAY)
    assert "p4" in ids(county)
    county.repository.update(patient("p4", name=[{"text": "王一"}], deceasedDateTime="2026-11-01"))
    keep.catch_up(county.repository, TODAY)
    assert "p4" not in ids(county)


def test_a_changed_rule_makes_everything_anew(county: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shangyi.care.standing.keep.digest", lambda: "other")
    with county.repository.transaction_connection() as connection:
        assert keep.status(connection).building
    assert keep.catch_up(county.repository, TODAY) >= 4
    with county.repository.transaction_connection() as connection:
        assert not keep.status(connection).building
    assert ids(county, due=True) == ["p1", "p2"]


def test_reports_are_counted_by_week_and_disease(county: Store) -> None:
    for number, day in enumerate(("2026-11-18", "2026-11-17", "2026-11-10", "2025-11-20")):
        county.repository.update(
            problem("B08.400", day, "手足口病", id=f"case-{number}", of="p1")
            | {
                "category": [
                    coded("https://shangyi.dev/fhir/CodeSystem/condition-category", "notifiable-case")
                ],
                "recordedDate": f"{day}T10:00:00+08:00",
            }
        )
    until = dt.datetime(2026, 11, 20, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    with county.repository.transaction_connection() as connection:
        found = figures.reports(connection, county.codec, EVERYTHING, until, 4)
    assert [(r.code, r.display, r.weeks) for r in found] == [("B08.400", "手足口病", [0, 0, 1, 2])]
    assert sum(found[0].year_ago) == 1
