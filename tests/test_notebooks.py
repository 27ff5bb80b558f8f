"""The notebooks run, cell by cell, on a small county; their figures are held against the resources."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from shangyi import lake
from shangyi.synth import generate

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
County = dict[str, list[dict[str, Any]]]
Run = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def county() -> County:
    """The residents, their records, the divisions; no case reports."""
    found: County = {}
    for resource in generate(80, 3, date(2026, 6, 30)):
        if not resource["id"].startswith("case-"):
            found.setdefault(resource["resourceType"], []).append(resource)
    return found


@pytest.fixture(scope="module")
def run(county: County, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a notebook and gives what its names are bound to at the end."""
    pytest.importorskip("polars")
    directory = tmp_path_factory.mktemp("notebooks") / "lake"
    lake.write(directory, [resource for resources in county.values() for resource in resources])

    def named(name: str) -> dict[str, Any]:
        document = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))
        bound: dict[str, Any] = {}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SHANGYI_LAKE", str(directory))
            try:
                for cell in document["cells"]:
                    if cell["cell_type"] == "code":
                        exec("".join(cell["source"]), bound)
            finally:
                bound["population"].close()
        return bound

    return named


def problems(county: County, code: str) -> set[str]:
    """Residents with a problem whose code begins so."""
    return {
        r["subject"]["reference"]
        for r in county["Condition"]
        if r["category"][0]["coding"][0]["code"] == "problem-list-item"
        and r["code"]["coding"][0]["code"].startswith(code)
    }


def test_cohort(run: Run, county: County) -> None:
    bound = run("cohort")
    wanted = problems(county, "I10")
    assert len(wanted) > 5
    assert set(bound["cohort"]["patient_id"]) == wanted
    assert bound["by_decade"]["residents"].sum() == len(bound["cohort"])
    assert 0 < bound["by_decade"]["treated"].sum() <= len(bound["cohort"])


def test_hypertension_cascade(run: Run, county: County) -> None:
    cascade = run("hypertension_cascade")["cascade"]
    assert cascade["diagnosed"].sum() == len(problems(county, "I10"))
    assert (cascade["controlled"] <= cascade["measured"]).all()
    assert (cascade["measured"] <= cascade["diagnosed"]).all()
    assert cascade["controlled"].sum() > 0


def test_cost_of_diabetes(run: Run, county: County) -> None:
    costs = run("cost_of_diabetes")["costs"]
    claimants = {r["patient"]["reference"] for r in county["ExplanationOfBenefit"]}
    diabetics = costs.filter(costs["diabetes"])
    assert diabetics["residents"].sum() == len(problems(county, "E11") & claimants) > 0
    assert costs["residents"].sum() == len(claimants)
    assert (costs["charged"] >= costs["self_pay"]).all()


def test_notebooks_are_kept_without_results() -> None:
    for file in NOTEBOOKS.glob("*.ipynb"):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        assert not any(cell.get("outputs") for cell in cells), file.name
