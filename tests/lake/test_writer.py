"""What a lake takes, what it refuses, and that it takes nothing where it refuses something."""

import gzip
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from shangyi import lake
from shangyi.errors import Invalid, NotFound
from shangyi.lake import spool, writer
from shangyi.lake.shape import Shape
from shangyi.store import keys

LINE = '{"resourceType":"Patient","id":"%s"}'


def ids(directory: Path, type_: str = "Patient") -> list[str]:
    with lake.open(directory) as opened:
        return sorted(r["id"] for r in opened.resources(type_))


def test_files_of_every_kind(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.ndjson").write_text(LINE % "a" + "\n\n" + LINE % "b" + "\n")
    (source / "c.ndjson.gz").write_bytes(gzip.compress((LINE % "c").encode()))
    with zipfile.ZipFile(source / "d.zip", "w") as archive:
        archive.writestr("d.json", '{\n "id": "d",\n "resourceType": "Patient"\n}')
    (source / "e.json").write_text(
        '{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:0000-e","resource":{"resourceType":"Patient"}},'
        '{"fullUrl":"urn:uuid:0000-o","resource":{"resourceType":"Observation","status":"final","subject":{"reference":"urn:uuid:0000-e"}}}]}'
    )
    (source / "f.xml").write_text('<Patient xmlns="http://hl7.org/fhir"><id value="f"/></Patient>')
    lake.write(tmp_path / "lake", [source])
    assert ids(tmp_path / "lake") == ["0000-e", "a", "b", "c", "d", "f"]
    with lake.open(tmp_path / "lake") as opened:
        [observation] = opened.resources("Observation")
    assert observation["subject"] == {"reference": "Patient/0000-e"}


def test_the_last_of_two_counts(tmp_path: Path) -> None:
    resources = [{"resourceType": "Patient", "id": "a", "gender": g} for g in ("male", "female", "other")]
    lake.write(tmp_path, [*resources, {"resourceType": "Patient", "id": "b"}])
    with lake.open(tmp_path) as opened:
        assert opened.rows("Patient") == 2
        assert {r["id"]: r.get("gender") for r in opened.resources("Patient")} == {"a": "other", "b": None}


def test_the_last_of_two_counts_however_they_are_written(tmp_path: Path) -> None:
    file = tmp_path / "in.ndjson"
    file.write_text(
        f"{LINE % 'a'}\n"
        '{"id":"a","resourceType":"Patient","gender":"male"}\n'
        '{"resourceType":"Patient","id":"a","gender":"female"}\n'
        f"{LINE % 'b'}\n"
        '{"resourceType":"Bundle","id":"x","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"b","gender":"other"}}]}\n'
    )
    lake.write(tmp_path / "lake", [file])
    with lake.open(tmp_path / "lake") as opened:
        assert {r["id"]: r["gender"] for r in opened.resources("Patient")} == {"a": "female", "b": "other"}


WRONG = {
    "not JSON": ('{"resourceType":"Patient",', "line 2"),
    "cut off": ('{"resourceType":"Patient","id":"x"', "line 2"),
    "no FHIR": ('{"resourceType":"Patienz","id":"x"}', "line 2.*Patienz"),
    "no type": ('{"id":"x"}', "line 2"),
    "a list": ("[1]", "line 2"),
    "a name given twice": (
        '{"resourceType":"Patient","id":"x","gender":"male","gender":"female"}',
        "line 2.*twice",
    ),
    "NUL": ('{"resourceType":"Patient","id":"x","gender":"\\u0000"}', "line 2.*NUL"),
    "half a character": ('{"resourceType":"Patient","id":"x","gender":"\\ud800"}', "line 2"),
    "too deep": ('{"resourceType":"Patient","id":"x","a":' + '{"a":' * 300 + "1" + "}" * 301, "line 2"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_its_line_and_changes_nothing(tmp_path: Path, name: str) -> None:
    lake.write(tmp_path / "lake", [{"resourceType": "Patient", "id": "before"}])
    text, told = WRONG[name]
    file = tmp_path / "in.ndjson"
    file.write_text(f"{LINE % 'a'}\n{text}\n{LINE % 'b'}\n")
    with pytest.raises(Invalid, match=rf"in\.ndjson.*{told}"):
        lake.write(tmp_path / "lake", [file])
    assert ids(tmp_path / "lake") == ["before"]
    assert sorted(p.name for p in (tmp_path / "lake").iterdir() if p.name.startswith("scratch")) == []


def test_what_is_no_utf8_is_told(tmp_path: Path) -> None:
    file = tmp_path / "in.ndjson"
    file.write_bytes(b'{"resourceType":"Patient","id":"a","gender":"\xff"}\n')
    with pytest.raises(Invalid, match="UTF-8"):
        lake.write(tmp_path / "lake", [file])


def test_a_cut_off_archive_is_told(tmp_path: Path) -> None:
    file = tmp_path / "in.ndjson.gz"
    file.write_bytes(gzip.compress((LINE % "a").encode() * 100)[:-9])
    with pytest.raises(Invalid, match=r"in\.ndjson\.gz"):
        lake.write(tmp_path / "lake", [file])
    with pytest.raises(NotFound):
        lake.open(tmp_path / "lake")


def test_nothing_is_an_empty_lake(tmp_path: Path) -> None:
    lake.write(tmp_path, [])
    with lake.open(tmp_path) as opened:
        assert opened.tables() == ()


def test_buckets_spools_and_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens with much data, made to happen with little."""
    monkeypatch.setattr(spool, "IN_MEMORY", 20_000)
    monkeypatch.setattr("shangyi.lake.parquet.RUN_BYTES", 30_000)
    monkeypatch.setattr(writer, "CHUNK_ROWS", 100)
    observations = [
        {
            "resourceType": "Observation",
            "id": f"o{n}",
            "subject": {"reference": f"Patient/{n % 7}"},
            "code": {"coding": [{"system": "s", "code": str(n % 5)}]},
            # an element that is met late: the schema grows after rows were spooled
            **({"note": [{"text": "x"}], "valueQuantity": {"value": n}} if n > 900 else {}),
        }
        for n in range(1000)
    ]
    observations += [{**observations[3], "status": "amended"}]
    made = lake.write(tmp_path, observations, buckets=4)
    kept = made.types["Observation"]
    assert len(kept.base) > len({file.bucket for file in kept.base}) > 1
    with lake.open(tmp_path) as opened:
        found = {r["id"]: r for r in opened.resources("Observation")}
        assert len(found) == opened.rows("Observation") == 1000
        assert found["o3"]["status"] == "amended"
        assert found["o950"]["valueQuantity"] == {"value": 950}
        for file in kept.base:
            patients = patients_in(tmp_path / file.path)
            assert {bucket_of(p) for p in patients} == {file.bucket}


def patients_in(path: Path) -> set[str]:
    return set(pq.read_table(path, columns=["patient_key"])["patient_key"].to_pylist())


def bucket_of(patient: str) -> int:
    return keys.shard(keys.key(patient), 0) % 4


def test_a_file_is_sorted_by_code_and_date(tmp_path: Path) -> None:
    lake.write(
        tmp_path,
        [
            {"resourceType": "Condition", "id": f"{n}", "code": {"coding": [{"code": c}]}, "recordedDate": d}
            for n, (c, d) in enumerate([("b", "2020"), ("a", "2021"), ("b", "2019"), ("a", "2018")])
        ],
    )
    with lake.open(tmp_path) as opened:
        assert [(r["code"]["coding"][0]["code"], r["recordedDate"]) for r in opened.resources("Condition")] == [
            ("a", "2018"), ("a", "2021"), ("b", "2019"), ("b", "2020"),
        ]  # fmt: skip


def test_the_schema_only_grows(tmp_path: Path) -> None:
    first = lake.write(tmp_path, [{"resourceType": "Patient", "id": "a", "gender": "male"}])
    same = lake.write(tmp_path, [{"resourceType": "Patient", "id": "a"}])
    more = lake.write(tmp_path, [{"resourceType": "Patient", "id": "a", "active": True}])
    assert (first.schema, same.schema, more.schema) == (1, 1, 2)
    with lake.open(tmp_path) as opened:
        assert [c.name for c in opened.schema("Patient")] == ["id", "active", "gender"]


def test_a_shape_grows_by_what_r4_knows_only() -> None:
    shape = Shape("Patient")
    assert shape.learn({"resourceType": "Patient", "id": "a", "shoeSize": 4, "name": [{"nickname": 1}]})
    assert [c.name for c in shape.columns] == ["id"]
    assert not shape.learn({"id": "b"})


def test_importing_the_platform_does_not_load_engines() -> None:
    code = "import sys, shangyi, shangyi.lake, shangyi.cli.main; print(sorted({'pyarrow', 'duckdb', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
