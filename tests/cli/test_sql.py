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
    for path, said in [
        ("gendr", "did you mean gender? (line 1, column 1)"),
        ("multipleBirth", "narrow it with ofType() (line 1, column 1)"),
        ("name.family > name.given", "choose one with first(), or ask exists() (line 1, column 6)"),
    ]:
        own.write_text(
            json.dumps({"resource": "Patient", "select": [{"column": [{"name": "g", "path": path}]}]})
        )
        wrong = home.run("view", "run", str(own), "--directory", directory, code=3).stderr
        assert "ViewDefinition.select[0].column[0].path" in wrong
        assert said in wrong
    circle = [{"repeat": ["$this"], "column": [column]}]
    own.write_text(json.dumps({"resource": "Patient", "select": circle}))
    wrong = home.run("view", "run", str(own), "--directory", directory, code=3).stderr
    assert "ViewDefinition.select[0].repeat[0]" in wrong
    assert "circle" in wrong
    assert "(line 1, column 1)" in wrong


def test_kept_views(home: Home, directory: str, tmp_path: Path) -> None:
    at = ("--directory", directory)
    assert "No view is kept" in home.run("view", "kept", *at).stdout
    own = tmp_path / "own-view.json"
    select = [{"column": [{"name": "g", "path": "gender"}]}]
    own.write_text(json.dumps({"resourceType": "ViewDefinition", "resource": "Patient", "select": select}))
    made = home.json("view", "materialise", "patient", str(own), *at)
    assert [(view["name"], view["rows"], view["kept"]) for view in made] == [
        ("own_view", 3, 1),
        ("patient", 3, 1),
    ]
    assert "own_view" in home.run("view", "kept", *at).stdout
    assert home.json("view", "refresh", *at) == made
    assert [view["name"] for view in home.json("view", "list", *at) if view["kept"]] == [
        "patient",
        "own_view",
    ]
    assert "(kept)" in home.run("view", "list", *at).stdout
    assert home.json("view", "run", "own_view", *at) == home.json("view", "run", str(own), *at)
    assert home.json("sql", "select count(*) n from own_view where g = 'female'", *at) == [{"n": 2}]
    assert [view["name"] for view in home.json("view", "drop", "own_view", *at)] == ["patient"]
    assert "No view own_view" in home.run("view", "drop", "own_view", *at, code=4).stderr
    home.run("view", "materialise", *at, code=2 + 1)


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
