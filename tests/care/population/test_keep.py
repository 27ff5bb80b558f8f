"""Figures and lists of the population's arrays against the same ones of the record."""

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.care.standing.records import coded, measured, order, patient, pressure, problem

from shangyi.care.population import figures, lists
from shangyi.care.population.columns import Population
from shangyi.care.population.keep import Keeper, Populations
from shangyi.care.standing import keep, people
from shangyi.lake import snapshot, sync
from shangyi.settings import Settings
from shangyi.store.database import Store
from shangyi.store.model import EVERYTHING, Scope
from shangyi.web import overview

TODAY = dt.date(2026, 11, 20)
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=overview.formats.ZONE)
DIVISION = "https://shangyi.dev/fhir/StructureDefinition/division"
CASE = coded("https://shangyi.dev/fhir/CodeSystem/condition-category", "notifiable-case")
VILLAGES = ("991321101201", "991321101202", "991321102201", "")
SCOPES = (
    EVERYTHING,
    Scope(area=(991321000000, 991321999999)),
    Scope(area=(991321101000, 991321101999)),
    Scope(area=(991321102201, 991321102201)),
    Scope(area=(991322000000, 991322999999)),
)


def living_in(code: str) -> dict[str, Any]:
    extension = [{"url": DIVISION, "valueCoding": {"code": code}}]
    return {"address": [{"use": "home", "extension": extension}]} if code else {}


def records() -> list[dict[str, Any]]:
    chance, found = random.Random(7), []

    def ago(most: int) -> str:
        return (TODAY - dt.timedelta(days=chance.randrange(most))).isoformat()

    for number in range(36):
        id, born = f"p{number}", f"{chance.randrange(1930, 2020)}-{chance.randrange(1, 13):02}-11"
        sex = chance.choice(["male", "female"])
        name = [{"text": chance.choice(["单秀兰", "曾国强", "安娜", "周建国"])}]
        gone = {"active": False} if number == 35 else {}
        found.append(
            patient(id, born, name=name, **living_in(chance.choice(VILLAGES)), **gone) | {"gender": sex}
        )
        if number % 2:
            found.append(problem("I10.x00", ago(3000), "高血压病", of=id))
            found.append(order("C08CA01", ago(600), of=id))
        if number % 5 == 0:
            found.append(problem("E11.900", ago(3000), "2型糖尿病", of=id))
            found.append(measured("4548-4", ago(400), Decimal("7.4"), "%", of=id))
        found += [
            pressure(ago(500), chance.randrange(120, 190), chance.randrange(70, 115), of=id)
            for _ in range(chance.randrange(4))
        ]
        found.append(visit(f"v{number}", id, f"{ago(80)}T08:30:00+08:00"))
        found.append(visit(f"w{number}", id, f"{ago(600)}T23:30:00Z"))
        if number % 4 == 0:
            found.append(
                report(
                    f"r{number}", "A37", f"{ago(40)}T10:00:00+08:00", subject={"reference": f"Patient/{id}"}
                )
            )
    inner = {"resourceType": "Patient", "id": "x", **living_in(VILLAGES[0])}
    found.append(
        report("r", "A38", f"{ago(40)}T10:00:00+08:00", contained=[inner], subject={"reference": "#x"})
    )
    return found


def visit(id: str, of: str, start: str) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/{of}"},
        "period": {"start": start},
    }


def report(id: str, code: str, at: str, **more: Any) -> dict[str, Any]:
    concept = coded("http://hl7.org/fhir/sid/icd-10", code)
    return {
        "resourceType": "Condition",
        "id": id,
        "category": [CASE],
        "code": concept,
        "recordedDate": at,
        **more,
    }


@pytest.fixture(scope="module")
def home(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    for record in records():
        store.repository.update(record)
    keep.catch_up(store.repository, TODAY)
    made: Path = tmp_path_factory.mktemp("home")
    snapshot.build(made / "lake", store.repository)
    assert Keeper(made, Settings(home=made, lake_memory_mb=512, lake_threads=1)).refresh(TODAY)
    return made


@pytest.fixture(scope="module")
def population(home: Path) -> Population:
    found = Populations(home).current()
    assert found is not None
    return found


@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_figures_are_those_of_the_record(store: Store, population: Population, scope: Scope) -> None:
    expected = overview.compute(store.repository, scope, NOON)
    found = overview.of_population(population, scope, NOON)
    for field in overview.Overview.__slots__:
        assert getattr(found, field) == getattr(expected, field), field
    with store.repository.transaction_connection() as connection:
        kinds = people.counts(connection, scope, TODAY)
    assert {kind: n for kind, n in figures.due(population, scope).items() if n} == {
        k: n for k, n in kinds.items() if n
    }


ASKED: tuple[dict[str, Any], ...] = (
    {"sort": "name"},
    {"sort": "age", "sex": "male"},
    {"sort": "visit"},
    {"sort": "urgency"},
    {"due": True},
    {"kind": "urgent"},
    {"kind": "chronic", "sort": "name"},
    {"states": ("hypertension.uncontrolled",)},
    {"states": ("problem:I10.x00", "diabetes"), "sort": "visit"},
    {"states": ("illness:unknown",)},
    {"born": people.born_between(65, None, TODAY)},
    {"area": (991321101000, 991321101999), "sort": "name"},
    {"area": (991322000000, 991322999999)},
    {"seen": TODAY - dt.timedelta(days=9)},
)


@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_lists_are_those_of_the_record(store: Store, population: Population, scope: Scope) -> None:
    with store.repository.transaction_connection() as connection:
        for asked in ASKED:
            expected, found, cursor, after = [], [], "", None
            for _ in range(12):
                query = people.Query(TODAY, limit=5, cursor=cursor, **asked)
                page = people.find(connection, store.codec, scope, query)
                listed = lists.find(population, scope, query, after)
                shown = people.shown(connection, store.codec, scope, query, listed.rids, listed.more)
                assert shown.next == page.next, asked
                expected += [version.id for version in page.versions]
                found += [version.id for version in shown.versions]
                if not page.next:
                    break
                cursor, after = page.next, listed.rids[-1]
                assert people.last_of(people.Query(TODAY, cursor=cursor, **asked)) == after
            assert found == expected, asked
            assert (
                lists.count(population, scope, query)
                == len(expected)
                == people.count(connection, scope, query)
            )


def test_a_list_of_long_ago_is_asked_of_the_record(population: Population) -> None:
    assert lists.answers(population, people.Query(TODAY, seen=TODAY))
    assert not lists.answers(population, people.Query(TODAY, seen=TODAY - dt.timedelta(days=100)))


def test_a_page_says_of_when_it_is(store: Store, home: Path) -> None:
    keeper = Keeper(home, Settings(home=home, lake_memory_mb=512, lake_threads=1))
    assert not keeper.refresh(TODAY), "nothing is new"
    populations = Populations(home)
    before = populations.current()
    assert before is not None

    def as_of(population: Population) -> dt.datetime:
        with store.repository.transaction_connection() as connection:
            return populations.as_of(connection, population)

    assert as_of(before) > before.about.as_of, "nothing was written since: it is of now"
    store.repository.update(patient("new", **living_in(VILLAGES[0])))
    assert as_of(before) == before.about.as_of
    sync.refresh(home / "lake", store.repository)
    assert keeper.refresh(TODAY)
    after = populations.current()
    assert after is not None
    assert after is not before
    assert after.residents(EVERYTHING) == before.residents(EVERYTHING) + 1, "the old one still answers"
    assert as_of(after) > after.about.as_of


def test_a_population_of_other_rules_or_half_of_one_is_none(home: Path, tmp_path: Path) -> None:
    assert Populations(tmp_path).current() is None
    (tmp_path / "population" / "x").mkdir(parents=True)
    (tmp_path / "population" / "current").write_text("x")
    assert Populations(tmp_path).current() is None
    whole = next(path for path in (home / "population").iterdir() if path.is_dir())
    (tmp_path / "population" / "x" / "about.json").write_bytes(
        (whole / "about.json").read_bytes().replace(b'"digest":"', b'"digest":"other')
    )
    assert Populations(tmp_path).current() is None
