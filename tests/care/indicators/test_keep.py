"""Who counts where, over a real PostgreSQL: built, following the outbox, asked by scope."""

import datetime as dt
from typing import Any

import pytest
from tests.care.standing.records import patient, pressure, problem

from shangyi.care.indicators import figures, people
from shangyi.care.indicators.figures import Share
from shangyi.care.indicators.keep import Keeper, status
from shangyi.care.indicators.rates import TYPES, ends, rates
from shangyi.care.standing import keep as standing
from shangyi.query.cql.tree import Node, Retrieve
from shangyi.store.database import Store
from shangyi.store.model import EVERYTHING, Scope

TODAY = dt.date(2026, 11, 20)
DIVISION = "https://shangyi.dev/fhir/StructureDefinition/division"
VISITS = "https://shangyi.dev/fhir/CodeSystem/encounter-type"
CONTROLLED = ("hypertension", "controlled")


def resident(id: str, village: str, born: str, **more: Any) -> dict[str, Any]:
    extension = [{"url": DIVISION, "valueCoding": {"code": village}}]
    return patient(id, birthDate=born, address=[{"use": "home", "extension": extension}], **more)


def follow_up(of: str, day: str, systolic: int, diastolic: int) -> list[dict[str, Any]]:
    id = f"{of}-{day}"
    at = f"{day}T09:00:00+08:00"
    visit = {
        "resourceType": "Encounter",
        "id": id,
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "type": [{"coding": [{"system": VISITS, "code": "follow-up"}]}],
        "subject": {"reference": f"Patient/{of}"},
        "period": {"start": at, "end": at},
    }
    measured = pressure(day, systolic, diastolic, of=of)
    for part in measured["component"]:
        part["valueQuantity"] |= {"unit": "mm[Hg]", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}
    return [visit, {**measured, "id": f"{id}-bp", "encounter": {"reference": f"Encounter/{id}"}}]


@pytest.fixture(scope="module")
def kept(store: Store) -> Keeper:
    write = store.repository.update
    write({"resourceType": "Practitioner", "id": "d1"})
    panel = {"generalPractitioner": [{"reference": "Practitioner/d1"}]}
    write(resident("p1", "991321101201", "1970-01-01", **panel))
    write(resident("p2", "991321101202", "1970-01-01"))
    write(resident("p3", "991321102201", "1950-01-01"))
    for id in ("p1", "p2", "p3"):
        write(problem("I10.x00", "2020-01-01", "高血压病", of=id))
    for record in (*follow_up("p1", "2026-11-10", 150, 95), *follow_up("p2", "2026-11-10", 130, 80)):
        write(record)
    standing.catch_up(store.repository, TODAY)
    keeper = Keeper(store.repository)
    with store.repository.transaction_connection() as connection:
        assert status(connection, TODAY).total == 3
    assert keeper.catch_up(TODAY) == 3
    with store.repository.transaction_connection() as connection:
        assert not status(connection, TODAY).building
    return keeper


def asked(store: Store, key: tuple[str, str], bounds: Scope = EVERYTHING) -> Share | None:
    with store.repository.transaction_connection() as connection:
        return figures.shares(connection, bounds).get(key, {}).get(TODAY)


def found(store: Store, bounds: Scope = EVERYTHING, **query: Any) -> people.Page:
    with store.repository.transaction_connection() as connection:
        return people.find(connection, store.codec, bounds, people.Query(TODAY, **query))


def test_rates_are_of_those_who_count(kept: Keeper, store: Store) -> None:
    assert asked(store, ("hypertension", "managed")) == Share(2, 3)
    assert asked(store, CONTROLLED) == Share(1, 2)
    assert asked(store, ("older", "examined")) == Share(0, 1)
    assert asked(store, CONTROLLED, Scope(panel="Practitioner/d1")) == Share(0, 1)


def test_a_rate_is_divided_by_place_sex_and_age(kept: Keeper, store: Store) -> None:
    with store.repository.transaction_connection() as connection:
        parts = {
            by: figures.divided(connection, EVERYTHING, ("hypertension", "managed"), TODAY, by)
            for by in figures._BY
        }  # type: ignore[arg-type]
    assert parts["town"] == [("991321101000", Share(2, 2)), ("991321102000", Share(0, 1))]
    assert parts["age"] == [("55", Share(2, 2)), ("75", Share(0, 1))]
    assert sum(part.whole for _, part in parts["sex"]) == 3


def test_open_gaps_come_most_urgent_first_with_their_facts(kept: Keeper, store: Store) -> None:
    page = found(store, gaps=True)
    assert [version.id for version in page.versions] == ["p1", "p3", "p2"]
    first = page.open[0][0]
    assert (first.measure, first.part, first.grade) == ("hypertension", "controlled", 2)
    assert first.facts["systolic"] == "150"
    assert first.facts["limit"] == "140"
    assert first.facts["record"] == "Observation/p1-2026-11-10-bp"
    assert [v.id for v in found(store, Scope(panel="Practitioner/d1"), gaps=True).versions] == ["p1"]


def test_pages_of_a_list_go_on_where_the_last_ended(kept: Keeper, store: Store) -> None:
    first = found(store, gaps=True, limit=2)
    then = found(store, gaps=True, limit=2, cursor=first.next)
    assert [v.id for v in (*first.versions, *then.versions)] == ["p1", "p3", "p2"]
    assert then.next == ""


def test_residents_behind_a_number(kept: Keeper, store: Store) -> None:
    assert [v.id for v in found(store, key=CONTROLLED, met=True).versions] == ["p2"]
    assert [v.id for v in found(store, key=CONTROLLED, met=False).versions] == ["p1"]
    town = (991321102000, 991321102999)
    assert [v.id for v in found(store, key=("hypertension", "managed"), area=town).versions] == ["p3"]


def test_what_is_written_counts_a_moment_later(kept: Keeper, store: Store) -> None:
    for record in follow_up("p3", "2026-11-15", 149, 89):
        store.repository.update(record)
    assert kept.catch_up(TODAY) >= 1
    assert asked(store, CONTROLLED) == Share(2, 3)
    store.repository.delete("Encounter", "p3-2026-11-15")
    kept.catch_up(TODAY)
    assert asked(store, CONTROLLED) == Share(1, 2)


def test_a_new_day_is_made_anew_and_the_old_one_goes(kept: Keeper, store: Store) -> None:
    tomorrow = TODAY + dt.timedelta(days=1)
    assert kept.catch_up(tomorrow) == 3
    with store.repository.transaction_connection() as connection:
        days = set(figures.shares(connection, EVERYTHING)[CONTROLLED])
    assert TODAY not in days
    assert tomorrow in days
    kept.catch_up(TODAY)


def test_the_quarters_before_end_where_quarters_end() -> None:
    assert ends(TODAY)[1:] == [
        dt.date(2026, 9, 30), dt.date(2026, 6, 30), dt.date(2026, 3, 31), dt.date(2025, 12, 31),
    ]  # fmt: skip


def test_the_packages_ask_for_no_more_than_is_read() -> None:
    def walk(node: object) -> list[Retrieve]:
        if isinstance(node, Retrieve):
            return [node]
        if isinstance(node, tuple):
            return [found for part in node for found in walk(part)]
        slots = [s for kind in type(node).__mro__ for s in getattr(kind, "__slots__", ())]
        return (
            [f for s in slots if hasattr(node, s) for f in walk(getattr(node, s))] if _of_tree(node) else []
        )

    def _of_tree(node: object) -> bool:
        return isinstance(node, Node) or type(node).__module__.endswith("cql.tree")

    asked_for = {
        retrieve.data_type.name
        for known in rates()
        for library in known.package.program_of(known.measure).libraries.values()
        for definition in library.expressions
        for retrieve in walk(definition.expression)
    }
    assert asked_for
    assert asked_for <= set(TYPES)
