"""``shangyi cql eval`` over the resources of a file."""

import json
from pathlib import Path
from typing import Any

import pytest

from shangyi.cli import codes, main

LIBRARY = """library T version '1'
using FHIR version '4.0.1'
valueset "Pressures": 'urn:v'
parameter "Measurement Period" Interval<DateTime>
context Patient
define "Readings": [Observation: "Pressures"]
define "High": exists ("Readings" O where (O.value as Quantity) > 140 'mm[Hg]'
  and O.effective as dateTime during "Measurement Period")
define "Age": AgeInYearsAt(@2026-01-01)
define "Bad": singleton from { 1, 2 }
"""
RECORD = [
    {"resourceType": "Patient", "id": "p", "birthDate": "1960-05-01"},
    {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"coding": [{"system": "urn:s", "code": "x"}]},
        "effectiveDateTime": "2025-03-01T08:00:00+08:00",
        "valueQuantity": {"value": 150, "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
    },
    {
        "resourceType": "ValueSet",
        "url": "urn:v",
        "status": "active",
        "compose": {"include": [{"system": "urn:s", "concept": [{"code": "x"}]}]},
    },
]
PERIOD = "Measurement Period=Interval[@2025-01-01T00:00:00.000, @2025-12-31T23:59:59.999]"


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("SHANGYI_HOME", str(tmp_path / "home"))
    library, data = tmp_path / "t.cql", tmp_path / "t.json"
    library.write_text(LIBRARY, encoding="utf-8")
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "collection"}
    bundle["entry"] = [{"resource": resource} for resource in RECORD]
    data.write_text(json.dumps(bundle), encoding="utf-8")
    return ["cql", "eval", str(library), "--data", str(data)]


def test_each_definition_and_the_place_of_a_fault(
    asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run([*asked, "--parameter", PERIOD]) == codes.OK
    shown = capsys.readouterr()
    assert "Readings: { Observation/o }" in shown.out
    assert "High: true" in shown.out
    assert "Age: 65" in shown.out
    assert "T|1, line 10, column" in shown.err


def test_json_of_some(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([*asked, "--define", "Age", "--define", "Bad", "--json"]) == codes.OK
    found = json.loads(capsys.readouterr().out)
    assert found["values"] == {"Age": 65}
    assert found["faults"].keys() == {"Bad"}


@pytest.mark.parametrize(
    "wrong",
    [["--define", "Missing"], ["--parameter", "nothing"], ["--parameter", "P=1 +"], ["--resident", "p"]],
)
def test_what_is_asked_wrongly_is_said(asked: list[str], wrong: list[str]) -> None:
    assert main.run([*asked, *wrong]) != codes.OK


def test_every_error_of_a_library_is_told_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = tmp_path / "t.cql"
    library.write_text("library T\ndefine X: Agee + 1\ndefine Y: Fooo + 1\ndefine Age: 1\n", encoding="utf-8")
    assert main.run(["cql", "translate", str(library)]) != codes.OK
    shown = capsys.readouterr().err
    assert "T:2:11: Agee is not known here; did you mean Age?" in shown
    assert "T:3:11: Fooo is not known here" in shown


@pytest.fixture
def of_a_lake(asked: list[str], tmp_path: Path) -> list[str]:
    from shangyi.lake import writer

    resources = [dict(r) for r in RECORD if r["resourceType"] != "ValueSet"]
    resources[1]["subject"] = {"reference": "Patient/p"}
    writer.write(tmp_path / "lake", [*resources, {"resourceType": "Patient", "id": "q"}])
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes" / "v.json").write_text(json.dumps(RECORD[2]), encoding="utf-8")
    return [
        asked[2],
        "--lake",
        str(tmp_path / "lake"),
        "--codes",
        str(tmp_path / "codes"),
        "--parameter",
        PERIOD,
    ]


def test_all_residents_of_a_lake(of_a_lake: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["cql", "eval", *of_a_lake]) == codes.OK
    assert "High: 1 of 2 residents" in capsys.readouterr().out
    assert main.run(["cql", "eval", *of_a_lake, "--define", "High", "--json"]) == codes.OK
    rows = json.loads(capsys.readouterr().out)
    assert {row["patient_key"]: row["High"] for row in rows} == {"Patient/p": True, "Patient/q": False}


def test_the_plan_says_what_is_scanned(of_a_lake: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["cql", "explain", *of_a_lake]) == codes.OK
    shown = capsys.readouterr().out
    assert "T.Readings\n  scan Observation where" in shown
    assert "T.High\n  scan Patient\n  read T.Readings" in shown
    assert main.run(["cql", "explain", *of_a_lake, "--sql"]) == codes.OK
    assert capsys.readouterr().out.startswith("WITH ")
