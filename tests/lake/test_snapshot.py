"""The lake of a store says what the store said at one instant."""

from pathlib import Path
from typing import Any

import pytest

from shangyi import lake
from shangyi.errors import Unprocessable
from shangyi.lake.snapshot import build
from shangyi.lake.verify import verify
from shangyi.store.database import Store


def patient(id: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id, "name": [{"text": "张三"}], **more}


def held(directory: Path, type_: str = "Patient") -> dict[str, Any]:
    with lake.open(directory) as opened:
        return {r["id"]: r for r in opened.resources(type_)}


def test_current_versions_and_no_others(store: Store, tmp_path: Path) -> None:
    records = store.repository
    records.update(patient("a", active=True))
    records.update(patient("a", active=False))
    records.update(patient("b"))
    records.update(patient("gone"))
    records.delete("Patient", "gone")
    written = records.update(
        {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/a"}}
    )  # fmt: skip
    told: list[tuple[int, int]] = []
    made = build(tmp_path, records, lambda done, total: told.append((done, total)))
    assert set(held(tmp_path)) == {"a", "b"}
    assert held(tmp_path)["a"] == records.read("Patient", "a").resource
    assert held(tmp_path, "Observation")["o"] == written.version.resource
    assert told[-1] == (3, 3)
    assert made.source["kind"] == "store"
    with lake.open(tmp_path) as opened, lake.DuckDBEngine(opened) as engine:
        assert engine.sql("select id, version_id from Patient order by id").to_pylist() == [
            {"id": "a", "version_id": "2"},
            {"id": "b", "version_id": "1"},
        ]


def test_the_outbox_goes_on_where_the_snapshot_ends(store: Store, tmp_path: Path) -> None:
    made = build(tmp_path, store.repository)
    written = store.repository.update(patient("later"))
    changes, _ = store.repository.changes(made.source["cursor"], 1000)
    assert [change.version.reference for change in changes] == [written.version.reference]


def test_what_is_open_at_the_instant_is_not_in_it_but_comes_by_the_outbox(
    store: Store, tmp_path: Path
) -> None:
    records = store.repository
    with records.transaction_connection() as connection:
        connection.execute("select pg_current_xact_id()")  # an open writer holds the horizon
        records.update(patient("during"))
        made = build(tmp_path, records)
    assert "during" in held(tmp_path)
    changes, _ = records.changes(made.source["cursor"], 1000)
    assert "Patient/during" in {change.version.reference for change in changes}


def test_verify_holds_a_lake_against_its_instant(store: Store, tmp_path: Path) -> None:
    records = store.repository
    records.update(patient("v", multipleBirthInteger=2))
    build(tmp_path, records)
    records.update(patient("v", multipleBirthInteger=3))
    records.update(patient("w"))
    with lake.open(tmp_path) as opened:
        found = verify(opened, records)
    assert found.problems == []
    assert found.lake == found.store
    assert found.lake["Patient"].resources == len(held(tmp_path))


def test_verify_finds_what_differs(store: Store, tmp_path: Path) -> None:
    records = store.repository
    records.update(patient("d", active=True))
    build(tmp_path, records)
    with lake.open(tmp_path) as opened:
        wrong = [{**r, "active": False} if r["id"] == "d" else r for r in opened.resources("Patient")]
        source = opened.manifest.source
        others = [r for type_ in opened.tables() if type_ != "Patient" for r in opened.resources(type_)]
    changed = lake.write(tmp_path, wrong + others)
    with lake.open(tmp_path) as opened:
        opened.manifest = type(changed)(
            **{**{f: getattr(changed, f) for f in changed.__struct_fields__}, "source": source}
        )
        found = verify(opened, records)
        assert [problem.partition(":")[0] for problem in found.problems] == ["Patient"]


def test_a_lake_of_files_has_no_store_to_be_held_against(store: Store, tmp_path: Path) -> None:
    lake.write(tmp_path, [patient("x")])
    with lake.open(tmp_path) as opened:
        assert verify(opened).lake["Patient"].resources == 1
        with pytest.raises(Unprocessable, match="not built of a record"):
            verify(opened, store.repository)


def test_verify_finds_a_damaged_file(tmp_path: Path) -> None:
    lake.write(tmp_path, [patient(str(n)) for n in range(50)])
    with lake.open(tmp_path) as opened:
        [file] = opened.files("Patient")
        data = bytearray(file.read_bytes())
        data[len(data) // 3] ^= 0xFF
        file.write_bytes(data)
        assert [problem.partition(":")[0] for problem in verify(opened).problems] == ["Patient"]
