"""Kept views: at every version the rows that the view gives when it is run afresh, and nothing computed twice."""

import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.lake.conftest import County
from tests.lake.test_sync import current, equal, patient, reading, with_buckets

import shangyi
from shangyi import lake
from shangyi.errors import Conflict, Invalid, NotFound, NotSupported, Unavailable
from shangyi.lake import compaction, library, manifest, materialisation, materialised, relations
from shangyi.lake.analyst_engine import AnalystEngine, Reach
from shangyi.lake.snapshot import build
from shangyi.lake.sync import refresh, sync
from shangyi.query.views import ViewError
from shangyi.store.database import Store

TWINS = {
    "resourceType": "ViewDefinition",
    "name": "twins",
    "resource": "Patient",
    "select": [
        {"column": [{"name": "who", "path": "getResourceKey()"}, {"name": "n", "path": "multipleBirth.ofType(integer)"}]},
        {"forEachOrNull": "name", "column": [{"name": "text", "path": "text"}]},
    ],
}  # fmt: skip
ONE_NAME = {
    "resource": "Practitioner",
    "select": [{"column": [{"name": "text", "path": "name.text"}]}],
}


def ask(opened: lake.Lake, views: list[str]) -> dict[str, list[str]]:
    with lake.DuckDBEngine(opened, threads=1) as engine:
        return {
            name: sorted(map(repr, engine.sql(f'select * from views."{name}"').to_pylist())) for name in views
        }


def afresh(directory: Path, views: list[str]) -> dict[str, list[str]]:
    """The rows as if nothing were kept, by the names of the library or ``twins``."""
    opened = lake.open(directory)
    kept = {name: manifest.Materialised(view.definition) for name, view in opened.manifest.views.items()}
    opened.manifest = msgspec.structs.replace(opened.manifest, views=kept)
    return ask(opened, views)


def same(directory: Path) -> None:
    names = [*current(directory).views]
    assert ask(lake.open(directory), names) == afresh(directory, names)


def keep_all(directory: Path, *more: dict[str, Any]) -> None:
    materialisation.keep(directory, {**{n: {} for n in library.names()}, **{v["name"]: v for v in more}})
    while materialisation.refresh(directory):
        pass


@pytest.fixture(scope="module")
def kept_county(county: County, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("kept") / "lake"
    lake.write(directory, [resource for resources in county.values() for resource in resources], buckets=4)
    keep_all(directory)
    return directory


def test_every_view_of_the_library(kept_county: Path) -> None:
    for standing in materialisation.standings(current(kept_county)):
        assert standing.kept == standing.files > 0
        assert not standing.failed
    same(kept_county)
    with lake.open(kept_county) as opened:
        for _, view in relations.every(opened, {}):
            assert len(materialised.found(opened, view)) == len(opened.files(view.type))


@pytest.mark.parametrize("area", ["", "level"])
@pytest.mark.parametrize("persons", [True, False])
def test_within_an_area(kept_county: Path, county: County, area: str, persons: bool) -> None:
    """Who sees an area sees of what is kept what they would see of what is computed."""
    if area:
        with lake.DuckDBEngine(lake.open(kept_county)) as engine:
            area = engine.sql(
                "select left(division, 9) a from views.patient group by 1 order by count(*) limit 1"
            )["a"][0].as_py()
    found = []
    for keeping in (True, False):
        opened = lake.open(kept_county)
        if not keeping:
            opened.manifest = msgspec.structs.replace(opened.manifest, views={})
        with AnalystEngine.reaching(Reach(area, persons, frozenset(county)))(opened) as engine:
            found.append(
                {n: sorted(map(repr, engine.sql(f"select * from {n}").to_pylist())) for n in engine.views}
            )
    assert found[0] == found[1]
    assert all(rows for name, rows in found[0].items() if not area or name == "patient")


def write_some(store: Store, chance: random.Random) -> None:
    records = store.repository
    for _ in range(chance.randrange(12)):
        id = f"k{chance.randrange(9)}"
        match chance.randrange(6):
            case 0:
                records.delete("Patient", id)
            case 1:
                records.delete("Observation", id)
            case 2:
                records.update(patient(id, multipleBirthInteger=chance.randrange(99)))
            case 3:  # elements that were not there before
                records.update(patient(id, birthDate="1970", name=[{"text": "a"}, {"text": "b"}]))
            case _:
                records.update(
                    reading(id, f"k{chance.randrange(9)}", f"{chance.randrange(999)}.{chance.randrange(10)}0")
                )


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_any_sequence_of_writes(
    store: Store, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept as far as chance would have it, at every version the rows are those of the view run afresh."""
    monkeypatch.setattr(compaction, "SMALL_BYTES", 8_000)
    monkeypatch.setattr(compaction, "MOST_SMALL", 2)
    chance = random.Random(seed)
    for number in range(9):
        store.repository.update(patient(f"k{number}"))
    with_buckets(tmp_path, store.repository, 4)
    names = ["patient", "observation"]
    materialisation.keep(tmp_path, {**{n: {} for n in names}, "twins": TWINS})
    for number in range(10):
        write_some(store, chance)
        refresh(tmp_path, store.repository)
        if chance.random() < 0.4:
            compaction.compact(tmp_path, everything=chance.random() < 0.5)
        for _ in range(chance.randrange(4)):
            materialisation.refresh(tmp_path)
        if number % 3 == 2:
            same(tmp_path)
    equal(tmp_path, store.repository)
    while materialisation.refresh(tmp_path):
        pass
    same(tmp_path)
    assert all(s.kept == s.files for s in materialisation.standings(current(tmp_path)))
    there = {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/*.parquet")}
    assert there == current(tmp_path).paths


def test_only_what_changed_is_computed(store: Store, tmp_path: Path) -> None:
    records = store.repository
    for number in range(30):
        records.update(patient(f"o{number}", multipleBirthInteger=number))
    build(tmp_path, records)
    materialisation.keep(tmp_path, {"twins": TWINS})
    assert materialisation.refresh(tmp_path) is not None
    before = current(tmp_path).views["twins"].files
    records.update(patient("o3", multipleBirthInteger=99))
    records.delete("Patient", "o4")
    sync(tmp_path, records)
    assert materialisation.standings(current(tmp_path))[0][1:4] == (current(tmp_path).version, 2, 1)
    same(tmp_path)  # between the two steps
    due = materialisation.refresh(tmp_path)
    assert due is not None
    assert sum(file.rows for file in due.files) == 1
    after = current(tmp_path).views["twins"].files
    assert before.items() <= after.items()
    assert len(after) == len(before) + 1
    assert materialisation.refresh(tmp_path) is None
    same(tmp_path)
    build(tmp_path, records)  # anew: what is to be kept stays, its rows do not
    assert current(tmp_path).views["twins"].files == {}
    assert materialisation.refresh(tmp_path) is not None
    same(tmp_path)


def test_a_view_of_ones_own(tmp_path: Path) -> None:
    lake.write(tmp_path, [patient("a", multipleBirthInteger=2), patient("b")])
    keep_all(tmp_path, TWINS)
    with shangyi.open(tmp_path) as population:
        assert population.sql("select n from twins order by who").rows() == [{"n": 2}, {"n": None}]
        rows = population.view("twins").rows()
        assert population.view(TWINS).rows() == rows
        assert population.view(TWINS, patient="Patient/b").rows() == [
            r for r in rows if r["who"] == "Patient/b"
        ]
        assert {"who", "n", "text"} == set(population.tables()["twins"])
        kept = next(standing for standing in population.kept() if standing.name == "twins")
        assert (kept.files, kept.kept, kept.rows) == (1, 1, 2)
        materialisation.drop(tmp_path, ["twins"])
    with shangyi.open(tmp_path) as population:
        with pytest.raises(NotFound):
            population.view("twins")
        assert population.view(TWINS).rows() == rows
    with pytest.raises(NotFound):
        materialisation.drop(tmp_path, ["twins"])
    assert len(list((tmp_path / "views").glob("*twins*"))) == 0


def test_who_reads_goes_on_when_a_view_is_dropped(tmp_path: Path) -> None:
    lake.write(tmp_path, [patient("a"), patient("b")])
    keep_all(tmp_path)
    with lake.DuckDBEngine(lake.open(tmp_path)) as engine:
        materialisation.drop(tmp_path, ["patient"])
        assert engine.sql("select count(*) n from views.patient").to_pylist() == [{"n": 2}]
    lake.write(tmp_path, [patient("a")])
    same(tmp_path)


@pytest.mark.parametrize(
    ("name", "definition", "error"),
    [
        ("patient", TWINS, Conflict),
        ("observation2!", TWINS, Invalid),
        ("careplan", TWINS, Invalid),
        ("own", {**TWINS, "resource": "Pateint"}, ViewError),
        ("own", {**TWINS, "where": [{"path": "birthDate < today()"}]}, NotSupported),
    ],
)
def test_what_cannot_be_kept(tmp_path: Path, name: str, definition: dict[str, Any], error: type) -> None:
    lake.write(tmp_path, [patient("a")])
    with pytest.raises(error):
        materialisation.keep(tmp_path, {"condition": {}, name: definition})
    assert current(tmp_path).version == 1
    with pytest.raises(NotFound):
        materialisation.keep(tmp_path / "none", {"patient": {}})


def test_a_view_that_fails_on_a_row(store: Store, tmp_path: Path) -> None:
    """It fails when it is read, kept or not, until the row is gone; the other files are kept."""
    records = store.repository
    doctor: dict[str, Any] = {"resourceType": "Practitioner", "id": "two"}
    records.update({**doctor, "name": [{"text": "a"}, {"text": "b"}]})
    build(tmp_path, records)
    materialisation.keep(tmp_path, {"one_name": ONE_NAME})
    assert materialisation.refresh(tmp_path) is not None
    assert materialisation.refresh(tmp_path) is None
    assert "name.text" in materialisation.standings(current(tmp_path))[0].failed
    with lake.DuckDBEngine(lake.open(tmp_path)) as engine, pytest.raises(Invalid, match=r"name\.text"):
        engine.sql("select * from views.one_name")
    records.update({**doctor, "name": [{"text": "c"}]})
    sync(tmp_path, records)
    materialisation.retry(tmp_path)
    while materialisation.refresh(tmp_path):
        pass
    assert materialisation.standings(current(tmp_path))[0].failed == ""
    assert ask(lake.open(tmp_path), ["one_name"]) == {"one_name": ["{'text': 'c'}"]}


@contextmanager
def full_disk() -> Iterator[None]:
    """No file grows beyond a few hundred bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_changes_nothing(tmp_path: Path, county: County) -> None:
    lake.write(tmp_path, [*county["Patient"], *county["Observation"]])
    materialisation.keep(tmp_path, {"patient": {}, "observation": {}})
    before = current(tmp_path)
    with full_disk(), pytest.raises(Unavailable):
        materialisation.refresh(tmp_path)
    assert current(tmp_path) == before
    assert not list((tmp_path / "views").glob("*"))
    same(tmp_path)
