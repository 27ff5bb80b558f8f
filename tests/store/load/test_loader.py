import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from shangyi.errors import Invalid
from shangyi.store.database import Store
from shangyi.store.load import Progress, load


def group(id: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Group", "id": id, "type": "person", "actual": True, **more}


def ndjson(*resources: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(resource).encode() + b"\n" for resource in resources)


def test_lines_go_in_and_the_same_input_adds_nothing(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    file.write_bytes(ndjson(*(group(f"l{n}", quantity=n) for n in range(30))))
    seen: list[int] = []

    def progress(state: Progress) -> None:
        seen.append(state.resources)

    first = load(store, [file], progress=progress)
    assert (first.added, first.refused, first.types["Group"]) == (30, 0, 30)
    assert seen == [30]
    assert load(store, [file]).skipped == 30
    assert load(store, [file], ledger=False).unchanged == 30
    assert store.repository.read("Group", "l7").resource["quantity"] == 7


def test_changed_content_makes_a_version(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    file.write_bytes(ndjson(group("v"), group("v", quantity=2), group("w")))
    assert load(store, [file]).updated == 1
    assert store.repository.read("Group", "v").version == 2
    store.repository.delete("Group", "w")
    file.write_bytes(ndjson(group("v", quantity=2), group("w", quantity=1)))
    report = load(store, [file])
    assert (report.unchanged, report.updated) == (1, 1)
    assert store.repository.read("Group", "w").version == 3


def test_references_within_a_bundle_become_literal(store: Store, tmp_path: Path) -> None:
    urn = "urn:uuid:6f1c2c1c-6f0e-4a57-9c54-0d6d0f7a3a10"
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": urn},
    }
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:ietf:rfc:3986", "value": urn}]}
    file = tmp_path / "b.json"
    entries = [{"fullUrl": "urn:uuid:0b0f6f0e-1111-4a57-9c54-0d6d0f7a3a10", "resource": observation}]
    entries.append({"fullUrl": urn, "resource": patient})
    file.write_text(json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}, indent=1))
    assert load(store, [file]).added == 2
    read = store.repository.read("Observation", "0b0f6f0e-1111-4a57-9c54-0d6d0f7a3a10").resource
    assert read["subject"]["reference"] == f"Patient/{urn.removeprefix('urn:uuid:')}"
    kept = store.repository.read("Patient", urn.removeprefix("urn:uuid:")).resource
    assert kept["identifier"][0]["value"] == urn


def test_what_is_refused_is_named_and_the_rest_goes_in(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    broken = [b'{"resourceType":"Group","id":\n', b'{"resourceType":"Nothing","id":"x"}\n']
    deep = b'{"resourceType":"Group","id":"deep","text":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}\n"
    nul = b'{"resourceType":"Group","id":"nul","type":"a\\u0000b"}\n'
    file.write_bytes(
        ndjson(group("ok1")) + b"".join(broken) + deep + nul + b"\xff\xfe\n" + ndjson(group("ok2"))
    )
    report = load(store, [file])
    assert report.added == 2
    assert [(r.source, r.place) for r in report.refusals] == [
        (str(file), f"line {n}") for n in (2, 3, 4, 5, 6)
    ]
    assert all(r.issues for r in report.refusals)


def test_directories_and_packed_files(store: Store, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "one.json").write_text(json.dumps(group("d1"), indent=2))
    (tmp_path / "two.ndjson.gz").write_bytes(
        gzip.compress(ndjson(group("d2"))) + gzip.compress(ndjson(group("d5")))
    )
    with zipfile.ZipFile(tmp_path / "three.zip", "w") as archive:
        archive.writestr("in/three.ndjson", ndjson(group("d3")))
        archive.writestr("in/four.json.gz", gzip.compress(json.dumps(group("d4")).encode()))
    (tmp_path / "readme.txt").write_text("not for us")
    assert load(store, [tmp_path]).added == 5


@pytest.mark.parametrize("keep", [40, 300, -20])
def test_a_cut_off_gzip_changes_nothing(store: Store, tmp_path: Path, keep: int) -> None:
    data = gzip.compress(ndjson(*(group(f"cut{n}", quantity=n * 7919 % 1000) for n in range(500))))
    (tmp_path / "cut.ndjson.gz").write_bytes(data[:keep])
    report = load(store, [tmp_path])
    assert (report.added, report.refused) == (0, 1)
    assert "cut off" in report.refusals[0].issues[0].diagnostics


def test_a_large_packed_file_is_tested_before_it_is_taken(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shangyi.store.load.sources.IN_MEMORY", 100)
    plain = ndjson(*(group(f"big{n}") for n in range(50)))
    data = gzip.compress(plain)
    (tmp_path / "cut.ndjson.gz").write_bytes(data[:-9])
    assert load(store, [tmp_path]).added == 0
    (tmp_path / "cut.ndjson.gz").write_bytes(data)
    said: list[tuple[int, int]] = []
    assert load(store, [tmp_path], progress=lambda s: said.append((s.tested, s.resources))).added == 50
    assert said == [(len(plain), 0), (0, 50)]


def test_what_foreign_input_must_not_hold_is_refused(store: Store, tmp_path: Path) -> None:
    twice = b'{"resourceType":"Group","id":"t","type":"person","actual":true,"quantity":1,"quantity":2}\n'
    escaped = b'{"resourceType":"Group","id":"e","type":"person","actual":true,"name":"\\u0022","name":"\\u0022\\u0022"}\n'
    apart = (
        b'{"resourceType":"Group","id":"a","meta":{"versionId":"1"},"id":"b","type":"person","actual":true}\n'
    )
    fine = b'{ "resourceType" : "Group", "id" : "f", "meta" : { "versionId" : "7" }, "type" : "person", "actual" : true,'
    fine += b' "name" : "a \\u0022quoted\\u0022 \\"name\\"" }\n'
    (tmp_path / "a.ndjson").write_bytes(twice + escaped + apart + fine)
    report = load(store, [tmp_path])
    assert [r.place for r in report.refusals] == ["line 1", "line 2", "line 3"]
    assert report.added == 1


def test_references_of_every_kind(store: Store, tmp_path: Path) -> None:
    one, other = (f"urn:uuid:0b0f6f0e-2222-4a57-9c54-0d6d0f7a3a1{n}" for n in (1, 2))
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": "cond-1"}]}

    def related(id: str, reference: str) -> dict[str, Any]:
        text = {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml">"reference":"urn:x"</div>',
        }
        return {"resourceType": "RelatedPerson", "id": id, "text": text, "patient": {"reference": reference}}

    entries: list[dict[str, Any]] = [
        {"fullUrl": one, "resource": patient},
        {"fullUrl": "http://far.example/Patient/9", "resource": {**patient, "id": "far9", "identifier": []}},
        {"resource": related("r1", one)},
        {"resource": related("r2", "http://far.example/Patient/9")},
        {"resource": related("r3", "https://elsewhere.example/Patient/3")},
        {"resource": related("r4", "Patient/plain")},
        {"resource": related("r5", other)},
        {"resource": related("r6", "Patient?identifier=urn:x|nobody")},
    ]
    del entries[1]["resource"]["identifier"]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    (tmp_path / "b.json").write_text(json.dumps(bundle, indent=2))
    report = load(store, [tmp_path])
    assert [r.place for r in report.refusals] == ["entry 6", "entry 7"]
    read = {
        n: store.repository.read("RelatedPerson", f"r{n}").resource["patient"]["reference"]
        for n in (1, 2, 3, 4)
    }
    literal = f"Patient/{one.removeprefix('urn:uuid:')}"
    assert read == {
        1: literal,
        2: "Patient/far9",
        3: "https://elsewhere.example/Patient/3",
        4: "Patient/plain",
    }


def test_a_file_that_is_not_there(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        load(store, [tmp_path / "nothing.json"])


def test_standard_input(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Standard:
        buffer = io.BufferedReader(io.BytesIO(ndjson(group("stdin1"), group("stdin2"))))  # type: ignore[arg-type]

    monkeypatch.setattr("sys.stdin", Standard())
    assert load(store, ["-"]).added == 2


def test_worker_processes_do_the_same(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "many.ndjson"
    file.write_bytes(ndjson(*(group(f"many{n}", quantity=n, name=f"Group number {n}") for n in range(2500))))
    assert load(store, [file], workers=2).added == 2500
    assert store.codec.trained
    assert store.repository.read("Group", "many2499").resource["name"] == "Group number 2499"
