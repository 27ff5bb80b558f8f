"""``shangyi knowledge``: what is here, and test patients that pass, fail, or cannot be run."""

import json
import shutil
from pathlib import Path

import pytest

from shangyi.cli import codes
from shangyi.cli.main import run
from shangyi.knowledge import named

PACKAGE = "cn-basic-public-health"
KEPT = ("older-examined", "older-64")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package with two of its test patients."""
    folder = tmp_path / "copy"
    shutil.copytree(named(PACKAGE).root, folder, ignore=shutil.ignore_patterns("tests"))
    for name in KEPT:
        shutil.copytree(named(PACKAGE).root / "tests" / name, folder / "tests" / name)
    return folder


def test_the_list_says_what_each_package_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["knowledge", "list", "--json"]) == codes.OK
    (package,) = json.loads(capsys.readouterr().out)
    assert package["name"] == PACKAGE
    assert "https://shangyi.dev/knowledge/cn-basic-public-health/Measure/hypertension" in package["measures"]


def test_a_package_of_ones_own_is_tested_by_its_directory(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["knowledge", "test", str(copy), "--json"]) == codes.OK
    assert json.loads(capsys.readouterr().out) == [
        {"package": PACKAGE, "passed": 2, "failed": [], "count": 2}
    ]


def test_a_number_that_is_not_the_promised_one_fails(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library = copy / "cql" / "Older.cql"
    library.write_text(library.read_text().replace('"Age From": 65', '"Age From": 60'))
    assert run(["knowledge", "test", str(copy)]) == codes.FAILED
    assert "older-64" in capsys.readouterr().err


def test_a_mistake_is_told_with_its_place(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library = copy / "cql" / "Older.cql"
    library.write_text(library.read_text().replace("exists", "exist"))
    assert run(["knowledge", "test", str(copy)]) == codes.REFUSED
    assert "Older.cql:" in capsys.readouterr().err


def test_a_package_that_is_not_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["knowledge", "test", "cn-basic"]) == codes.NOT_FOUND
    assert PACKAGE in capsys.readouterr().err
