"""``shangyi sql`` and ``shangyi view``: rows, files, errors with their place, the audit."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Home
from tests.cli.test_records import patient

from shangyi import lake


@pytest.fixture
def directory(tmp_path: Path) -> str:
    people = [patient(f"p{n}", "张", "三") | {"gender": "female" if n else "male"} for n in range(3)]
    lake.write(tmp_path / "lake", people)
    return str(tmp_path / "lake")


def test_rows(home: Home, directory: str, tmp_path: Path) -> None:
    text = "select gender, count(*) n from patient group by 1 order by 1"
    assert home.json("sql", text, "--directory", directory) == [
        {"gender": "female", "n": 2},
        {"gender": "male", "n": 1},
    ]
    shown = home.run("sql", "-", "--directory", directory, stdin=text.encode()).stdout
    assert "gender" in shown
    assert "female" in shown
    out = tmp_path / "rows.csv"
    assert "2 rows" in home.run("sql", text, "--directory", directory, "--out", str(out)).stderr
    assert out.read_text().split() == ["gender,n", "female,2", "male,1"]


def test_views(home: Home, directory: str, tmp_path: Path) -> None:
    listed = home.json("view", "list", "--directory", directory)
    assert "blood_pressure" in [view["name"] for view in listed]
    assert "patient_id, gender" in home.run("view", "list", "--directory", directory).stdout
    assert len(home.json("view", "run", "patient", "--directory", directory)) == 3
    own = tmp_path / "own.json"
    column = {"name": "g", "path": "gender"}
    own.write_text(
        json.dumps(
            {"resourceType": "ViewDefinition", "resource": "Patient", "select": [{"column": [column]}]}
        )
    )
    assert (
        home.run("view", "run", str(own), "--directory", directory, "--format", "csv").stdout.split()[0]
        == "g"
    )
    own.write_text(own.read_text().replace("gender", "gendr"))
    wrong = home.run("view", "run", str(own), "--directory", directory, code=3).stderr
    assert "ViewDefinition.select[0].column[0].path" in wrong
    assert "line 1, column 1" in wrong


def test_errors(home: Home, directory: str) -> None:
    assert (
        "line 1, column 8"
        in home.run("sql", "select foo from patient", "--directory", directory, code=3).stderr
    )
    assert (
        "refused" in home.run("sql", "from read_csv('/etc/passwd')", "--directory", directory, code=5).stderr
    )
    assert "lake build" in home.run("sql", "select 1", code=4).stderr
    assert (
        "--format" in home.run("sql", "select 1", "--directory", directory, "--out", "x.xls", code=3).stderr
    )
