"""Rewritten files hold what the former ones said, and no more of them are kept than there have to be."""

import random
from pathlib import Path

import pytest
from tests.lake.test_sync import current, equal, patient, reading, with_buckets

from shangyi import lake
from shangyi.errors import Unavailable
from shangyi.lake import compaction, manifest
from shangyi.lake.compaction import compact
from shangyi.lake.snapshot import build
from shangyi.lake.sync import refresh
from shangyi.store.database import Store


def test_small_files_are_made_one(store: Store, tmp_path: Path) -> None:
    records = store.repository
    build(tmp_path, records)
    for number in range(40):
        records.update(patient(f"p{number % 7}", multipleBirthInteger=number))
        refresh(tmp_path, records)
        while compact(tmp_path):
            equal(tmp_path, records, asked=number == 20)
    kept = current(tmp_path).types["Patient"]
    assert len(kept.base) + len(kept.deltas) <= compaction.MOST_SMALL
    assert sum(file.rows for file in (*kept.base, *kept.deltas)) < 40
    equal(tmp_path, records)


def test_everything(store: Store, tmp_path: Path) -> None:
    records = store.repository
    for number in range(9):  # the store may be empty yet: other tests may run elsewhere
        records.update(patient(f"e{number}"))
    build(tmp_path, records)
    with_buckets(tmp_path, records, 4)
    for number in range(30):
        records.update(patient(f"e{number % 9}", multipleBirthInteger=number))
        records.update(reading(f"e{number % 9}", f"e{number}"))
        refresh(tmp_path, records)
    while compact(tmp_path, everything=True):
        equal(tmp_path, records, asked=False)
    for kept in current(tmp_path).types.values():
        assert kept.deltas == kept.deletions == ()
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/*.parquet")} == current(
        tmp_path
    ).paths


def test_a_file_with_many_superseded_rows_is_rewritten(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "FEW", 0)
    records = store.repository
    for number in range(20):
        records.update(patient(f"d{number}"))
    build(tmp_path, records)
    assert compact(tmp_path) is None
    records.update(patient("d3", active=True))
    refresh(tmp_path, records)
    unit = compact(tmp_path)
    assert unit is not None
    assert unit.type == "Patient"
    assert current(tmp_path).types["Patient"].deletions == ()
    equal(tmp_path, records)


def test_a_type_of_which_nothing_is_left(store: Store, tmp_path: Path) -> None:
    records = store.repository
    records.update({"resourceType": "Basic", "id": "b", "code": {"text": "x"}})
    build(tmp_path, records)
    records.delete("Basic", "b")
    refresh(tmp_path, records)
    while compact(tmp_path, everything=True):
        pass
    equal(tmp_path, records)
    with lake.open(tmp_path) as opened, lake.DuckDBEngine(opened) as engine:
        assert engine.sql("select code from Basic").num_rows == 0
    records.update({"resourceType": "Basic", "id": "b", "code": {"text": "y"}})
    refresh(tmp_path, records)
    equal(tmp_path, records)


def test_a_reader_keeps_the_files_that_compaction_replaces(store: Store, tmp_path: Path) -> None:
    records = store.repository
    records.update(patient("k", gender="other"))
    build(tmp_path, records)
    with lake.open(tmp_path) as old, lake.DuckDBEngine(old) as engine:
        records.update(patient("k", gender="male"))
        refresh(tmp_path, records)
        while compact(tmp_path, everything=True):
            pass
        assert engine.sql("select gender from Patient where id = 'k'").to_pylist() == [{"gender": "other"}]
        assert all(path.exists() for path in old.files("Patient"))
    refresh(tmp_path, records)
    records.update(patient("k", gender="female"))
    refresh(tmp_path, records)
    assert len(list(tmp_path.glob("leases/*"))) <= 1


def test_only_one_writes(store: Store, tmp_path: Path) -> None:
    build(tmp_path, store.repository)
    with manifest.writing(tmp_path), pytest.raises(Unavailable, match="Another process"):
        compact(tmp_path)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_at_any_time_between_writes(
    store: Store, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(compaction, "SMALL_BYTES", 6000)
    monkeypatch.setattr(compaction, "MOST_SMALL", 2)
    records = store.repository
    build(tmp_path, records)
    with_buckets(tmp_path, records, 2)
    for number in range(12):
        for _ in range(chance.randrange(9)):
            id = f"c{seed}-{chance.randrange(9)}"
            if chance.random() < 0.3:
                records.delete("Observation", id)
            else:
                records.update(reading(id, f"c{chance.randrange(4)}", f"{chance.randrange(999)}.0"))
        refresh(tmp_path, records)
        if chance.random() < 0.5:
            compact(tmp_path, everything=chance.random() < 0.3)
        equal(tmp_path, records, asked=number % 4 == 3)
