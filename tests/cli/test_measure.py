"""``shangyi measure`` and ``shangyi cql eval --resident`` on a real home."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.api.operations.test_measures import LIBRARY, MEASURE, TEXT, TOWNS, VALUE_SET, resident
from tests.cli.conftest import Home

RUN = ("measure", "run", "Pressure", "--period", "2025", "--stratify", "town")


def load(home: Home, folder: Path, *resources: dict[str, Any]) -> None:
    file = folder / "resources.ndjson"
    file.write_text("".join(f"{json.dumps(resource)}\n" for resource in resources), encoding="utf-8")
    home.run("load", str(file))


@pytest.fixture(scope="module")
def known(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    readings = ((1, 120), (2, 150), (3, 130), (4, None))
    residents = [r for number, systolic in readings for r in resident(number, systolic)]
    load(home, tmp_path_factory.mktemp("known"), LIBRARY, MEASURE, VALUE_SET, *residents)
    return home


def counts(element: dict[str, Any]) -> list[int]:
    return [population["count"] for population in element["population"]]


def test_measures_are_listed(known: Home) -> None:
    found = {measure["id"]: measure for measure in known.json("measure", "list")}
    assert found["pressure"]["url"] == "urn:test:measure:pressure"
    assert len(found) > 1  # those of packages too


def test_a_run_is_kept_and_the_next_evaluates_who_changed(known: Home, tmp_path: Path) -> None:
    first = known.run(*RUN)
    assert "4 of 4 residents evaluated" in first.stderr
    reference = first.stderr.strip().rpartition(" ")[2]
    kept = known.json("get", reference)
    assert counts(kept["group"][0]) == [4, 3, 2]
    towns = {s["value"]["text"]: counts(s) for s in kept["group"][0]["stratifier"][-1]["stratum"]}
    assert towns == {f"{TOWNS[0][:9]}000": [2, 1, 0], f"{TOWNS[1][:9]}000": [2, 2, 2]}
    said = known.json("search", f"Provenance?target={reference}")
    assert "urn:test:measure:pressure|1.0.0" in json.dumps(said)

    load(known, tmp_path, *resident(4, 160)[1:])
    again = known.run(*RUN)
    assert "1 of 4 residents evaluated" in again.stderr
    assert json.loads(known.run(*RUN, "--json").stdout)["group"][0]["population"][1]["count"] == 4
    assert "0 of 4 residents evaluated" in known.run(*RUN).stderr


def test_a_measure_that_changed_is_evaluated_for_everybody(known: Home, tmp_path: Path) -> None:
    known.run(*RUN)
    load(known, tmp_path, {**MEASURE, "title": "Changed"})
    assert "4 of 4 residents evaluated" in known.run(*RUN).stderr


def test_of_one_resident(known: Home) -> None:
    made = json.loads(known.run(*RUN[:5], "--resident", "p2", "--json").stdout)
    assert (made["type"], counts(made["group"][0])) == ("individual", [1, 1, 0])


def test_what_is_asked_wrongly(known: Home) -> None:
    for wrong in (
        ("measure", "run", "none", "--period", "2025"),
        ("measure", "run", "Pressure", "--period", "last"),
        (*RUN[:5], "--stratify", "street"),
        (*RUN[:5], "--report-type", "all"),
    ):
        assert known.run(*wrong, code=None).returncode != 0, wrong


def test_definitions_for_a_resident_of_the_record(known: Home, tmp_path: Path) -> None:
    library = tmp_path / "pressure.cql"
    library.write_text(TEXT, encoding="utf-8")
    period = "Measurement Period=Interval[@2025-01-01T00:00:00.000, @2025-12-31T23:59:59.999]"
    found = known.json("cql", "eval", str(library), "--resident", "p2", "--parameter", period)
    assert found["values"]["Highest"] == "150"
    assert found["values"]["Controlled"] is False
    assert found["faults"].keys() == {"Broken"}
