"""A lake that takes in what its store writes says what the store says, whatever was written."""

import random
from pathlib import Path
from typing import Any

import pytest

from shangyi import lake
from shangyi.errors import NotFound, Unavailable
from shangyi.lake import manifest
from shangyi.lake.snapshot import build
from shangyi.lake.sync import Strange, pending, refresh, sync
from shangyi.lake.verify import verify
from shangyi.store.database import Store
from shangyi.store.merging import merge
from shangyi.store.repository import Repository

WHY = {
    "recorded": "2026-01-02T03:04:05Z",
    "agent": [{"who": {"display": "李敏"}}],
    "reason": [{"text": "同一人重复建档"}],
}


def patient(id: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id, "name": [{"text": "张三"}], **more}


def reading(id: str, of: str, value: str = "1.20", **more: Any) -> dict[str, Any]:
    from decimal import Decimal

    return {
        "resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": f"Patient/{of}"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
        "valueQuantity": {"value": Decimal(value)}, **more,
    }  # fmt: skip


def current(directory: Path) -> manifest.Manifest:
    found = manifest.read(directory)
    assert found is not None
    return found


def equal(directory: Path, records: Repository, asked: bool = True) -> None:
    """The lake, rebuilt row by row, is the store; and the engine, where it is ``asked``, sees each resource once."""
    with lake.open(directory) as opened:
        found = verify(opened, records)
        assert found.problems == []
        if not asked:
            return
        with lake.DuckDBEngine(opened, threads=1) as engine:
            for name in opened.tables():
                counted = engine.sql(
                    f'select count(*) n, count(distinct id) d, count(distinct version_id) from "{name}"'
                )
                assert counted.to_pylist()[0]["n"] == counted.to_pylist()[0]["d"] == opened.rows(name)


def test_created_changed_deleted_and_created_again(store: Store, tmp_path: Path) -> None:
    records = store.repository
    for name in ("stays", "changes", "goes", "returns"):
        records.update(patient(name))
    records.update(reading("o", "stays"))
    build(tmp_path, records)
    assert not pending(records, current(tmp_path))
    records.update(patient("changes", active=True))
    records.update(patient("new"))
    records.delete("Patient", "goes")
    records.delete("Patient", "returns")
    records.update(patient("returns", gender="female"))
    records.update(patient("came and went"[:4]))
    records.delete("Patient", "came")
    assert pending(records, current(tmp_path))
    done = sync(tmp_path, records)
    assert (done.version, done.written, done.removed, done.more) == (2, 3, 2, False)
    equal(tmp_path, records)
    assert not pending(records, current(tmp_path))
    assert sync(tmp_path, records).written == 0
    with lake.open(tmp_path) as opened, lake.DuckDBEngine(opened) as engine:
        found = engine.sql("select id, version_id, active, gender from Patient order by id").to_pylist()
    assert {row["id"]: (row["version_id"], row["active"], row["gender"]) for row in found} == {
        "stays": ("1", None, None), "changes": ("2", True, None), "new": ("1", None, None), "returns": ("3", None, "female"),
    }  # fmt: skip


def test_elements_that_were_not_there_before(store: Store, tmp_path: Path) -> None:
    """Files without the new columns, some of their rows superseded, beside files that have them."""
    records = store.repository
    for number in range(5):
        records.update(patient(f"plain{number}"))
    build(tmp_path, records)
    before = current(tmp_path).schema
    records.update(patient("plain0", name=[{"family": "张", "given": ["三"]}], birthDate="1970"))
    records.update(patient("wide", contact=[{"name": {"text": "x"}, "gender": "male"}]))
    records.update({"resourceType": "Basic", "id": "a new type", "code": {"text": "x"}} | {"id": "basic"})
    sync(tmp_path, records)
    assert current(tmp_path).schema == before + 1
    equal(tmp_path, records)
    with lake.open(tmp_path) as opened, lake.DuckDBEngine(opened) as engine:
        found = engine.sql(
            "select id, name[1].family f, name[1].text t, contact[1].gender g from Patient where id in ('plain0', 'plain1', 'wide') order by id"
        ).to_pylist()
        assert [tuple(row.values()) for row in found] == [
            ("plain0", "张", None, None), ("plain1", None, "张三", None), ("wide", None, "张三", "male"),
        ]  # fmt: skip
        assert engine.sql("select id from Basic").to_pylist() == [{"id": "basic"}]


def test_many_versions_in_one_transaction_and_steps_that_end_between_transactions(
    store: Store, tmp_path: Path
) -> None:
    records = store.repository
    build(tmp_path, records)
    for number in range(30):
        entries = [
            {"request": {"method": "PUT", "url": f"Patient/t{n}"}, "resource": patient(f"t{n}", multipleBirthInteger=number)}
            for n in range(4)
        ]  # fmt: skip
        records.transaction({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    steps = [sync(tmp_path, records, changes=10)]
    while steps[-1].more:
        steps.append(sync(tmp_path, records, changes=10))
        equal(tmp_path, records, asked=False)
    assert len(steps) == 15  # two transactions of four each
    records.update(patient("t0", multipleBirthInteger=99))
    assert sync(tmp_path, records, changes=1).written == 1
    equal(tmp_path, records)


def test_transactions_are_numbers_999_before_1000(store: Store, tmp_path: Path) -> None:
    records = store.repository
    with store.pool.connection() as connection:
        connection.autocommit = True
        [(now,)] = connection.execute("select pg_current_xact_id()::text").fetchall()
        wasted = 10 ** len(now) - 2 - int(now)
        connection.execute(
            "do $$ begin for n in 1.."
            + str(wasted)
            + " loop perform pg_current_xact_id(); commit; end loop; end $$"
        )
        connection.autocommit = False
    build(tmp_path, records)
    for number in range(4):
        records.update(patient(f"n{number}", multipleBirthInteger=number))
    build(tmp_path / "then", records)
    assert current(tmp_path / "then").source["witness"].split()[0] == str(10 ** len(now) + 2)
    steps = 0
    while sync(tmp_path, records, changes=1).more:
        steps += 1
    assert steps == 3
    equal(tmp_path, records)


def test_a_merge_moves_rows_to_another_bucket(store: Store, tmp_path: Path) -> None:
    records = store.repository
    for n in range(8):
        records.update(patient(f"m{n}"))
        records.update(reading(f"mo{n}", f"m{n}"))
    built = build(tmp_path, records)
    with_buckets(tmp_path, records, 8)
    for n in range(0, 8, 2):
        merge(records, (f"m{n}", 1), (f"m{n + 1}", 1), WHY)
    refresh(tmp_path, records)
    assert current(tmp_path).version > built.version
    equal(tmp_path, records)
    with lake.open(tmp_path) as opened, lake.DuckDBEngine(opened) as engine:
        found = engine.sql(
            "select patient_key, count(*) n from Observation where id like 'mo%' group by 1 order by 1"
        )
        assert [row["n"] for row in found.to_pylist()] == [2, 2, 2, 2]


def with_buckets(directory: Path, records: Repository, count: int) -> None:
    """The same lake in so many parts."""
    from shangyi.lake import snapshot

    former, snapshot.TYPICAL_BYTES = snapshot.TYPICAL_BYTES, count * (4 << 30)
    try:
        assert build(directory, records).buckets > 1
    finally:
        snapshot.TYPICAL_BYTES = former


def test_what_was_open_when_it_was_built_comes_once(store: Store, tmp_path: Path) -> None:
    records = store.repository
    with records.transaction_connection() as connection:
        connection.execute(
            "select pg_current_xact_id()"
        )  # holds the horizon: what follows is seen, and comes again
        records.update(patient("during", gender="male"))
        records.update(patient("during", gender="female"))
        build(tmp_path, records)
        records.update(patient("during", gender="other"))
        assert not sync(tmp_path, records).written
        equal(tmp_path, records)
    assert sync(tmp_path, records).written == 1
    equal(tmp_path, records)


@pytest.mark.parametrize("seed", range(3))
def test_any_sequence_of_writes(store: Store, tmp_path: Path, seed: int) -> None:
    records, chance = store.repository, random.Random(seed)
    build(tmp_path, records)
    with_buckets(tmp_path, records, 4)
    for number in range(12):
        for _ in range(chance.randrange(12)):
            id = f"s{seed}-{chance.randrange(9)}"
            match chance.randrange(5):
                case 0:
                    records.delete("Patient", id)
                case 1:
                    records.delete("Observation", id)
                case 2:
                    records.update(patient(id, multipleBirthInteger=chance.randrange(99)))
                case _:
                    of = f"s{seed}-{chance.randrange(9)}"
                    records.update(reading(id, of, f"{chance.randrange(999)}.{chance.randrange(10)}0"))
        refresh(tmp_path, records)
        equal(tmp_path, records, asked=number % 4 == 3)


def test_readers_keep_their_version(store: Store, tmp_path: Path) -> None:
    records = store.repository
    records.update(patient("r", gender="male"))
    build(tmp_path, records)
    with lake.open(tmp_path) as old, lake.DuckDBEngine(old) as engine:
        for gender in ("female", "other", "unknown"):
            records.update(patient("r", gender=gender))
            sync(tmp_path, records)
        assert engine.sql("select gender from Patient where id = 'r'").to_pylist() == [{"gender": "male"}]
        assert [r["gender"] for r in old.resources("Patient") if r["id"] == "r"] == ["male"]
    with lake.open(tmp_path) as new:
        assert [r["gender"] for r in new.resources("Patient") if r["id"] == "r"] == ["unknown"]


def test_a_second_writer_is_refused(store: Store, tmp_path: Path) -> None:
    build(tmp_path, store.repository)
    with manifest.writing(tmp_path), pytest.raises(Unavailable, match="Another process"):
        sync(tmp_path, store.repository)


def test_a_lake_of_another_store_is_built_anew(store: Store, other: Store, tmp_path: Path) -> None:
    store.repository.update(patient("here"))
    other.repository.update(patient("there"))
    build(tmp_path, store.repository)
    with pytest.raises(Strange):
        sync(tmp_path, other.repository)
    with pytest.raises(Strange):
        pending(other.repository, current(tmp_path))
    refresh(tmp_path, other.repository)
    equal(tmp_path, other.repository)


def test_a_store_that_was_set_back_is_found_out(store: Store, tmp_path: Path) -> None:
    records = store.repository
    records.update(patient("kept"))
    lost = records.update(patient("lost"))
    build(tmp_path, records)
    with records.transaction_connection() as connection:  # as after a restore to an earlier instant
        for table in ("search", "resource"):
            connection.execute(f"delete from {table} where rid = %s", [rid(lost.version.id)])
    with pytest.raises(Strange):
        sync(tmp_path, records)
    refresh(tmp_path, records)
    equal(tmp_path, records)


def rid(id: str) -> int:
    from shangyi.store import keys

    return keys.rid("Patient", id)


def test_without_a_lake(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        sync(tmp_path, store.repository)
    refresh(tmp_path, store.repository)
    equal(tmp_path, store.repository)
