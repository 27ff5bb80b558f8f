"""The flat columns say what the record's search rows say."""

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from tests.shared import shared

from shangyi import lake
from shangyi.fhir import json
from shangyi.lake.intake import lines
from shangyi.store import keys
from shangyi.store.search import date, index
from shangyi.store.search.catalogue import primary_code


def flat(directory: Path, type_: str) -> list[dict[str, Any]]:
    with lake.open(directory) as opened, lake.DuckDBEngine(opened) as engine:
        return engine.sql(
            f"select id, resource_key, patient_key, codes, primary_code, epoch_us(date_low) low,"
            f' epoch_us(date_high) high, version_id, last_updated from "{type_}" order by id'
        ).to_pylist()


def held_against_the_store(resource: dict[str, Any], row: dict[str, Any]) -> None:
    type_ = resource["resourceType"]
    found = index.rows(resource)
    assert row["resource_key"] == f"{type_}/{resource['id']}"
    assert found.patient == (keys.key(row["patient_key"]) if row["patient_key"] else keys.NONE)
    parameter = primary_code(type_)
    if found.code != keys.NONE:
        tokens = [keys.token(type_, parameter, code) for code in row["codes"]]
        assert found.code in tokens
        assert row["primary_code"] == row["codes"][0]
    low = row["low"] if row["low"] is not None else date.FIRST
    high = row["high"] if row["high"] is not None else date.LAST
    if found.date == keys.NO_DATE:
        assert row["low"] is None
        assert row["high"] is None
    else:
        assert (found.date, found.date_end) == (low, high)


@pytest.mark.parametrize("source", ["data/synthea-r4", "conformance/r4-examples"])
def test_as_in_the_store(tmp_path: Path, source: str) -> None:
    resources: dict[str, dict[str, Any]] = {}
    files = sorted(shared(source).iterdir())
    # Each third is enough here: what they hold is much alike.
    for line in islice(lines([shared(source)] if len(files) > 200 else files[:40]), 0, None, 3):
        resource = json.loads(line.data)
        resources[f"{line.type}/{resource['id']}"] = resource
    lake.write(tmp_path, list(resources.values()))
    compared = 0
    for type_ in sorted({r["resourceType"] for r in resources.values()}):
        for row in flat(tmp_path, type_):
            held_against_the_store(resources[row["resource_key"]], row)
            compared += 1
    assert compared == len(resources)


WHEN = {
    "1969": ("1968-12-31T16:00:00", "1969-12-31T15:59:59.999999"),
    "2020-02": ("2020-01-31T16:00:00", "2020-02-29T15:59:59.999999"),
    "2020-02-29": ("2020-02-28T16:00:00", "2020-02-29T15:59:59.999999"),
    "2020-02-29T10:00:00+08:00": ("2020-02-29T02:00:00", "2020-02-29T02:00:00.999999"),
    "2020-02-30": (None, None),
}


@pytest.mark.parametrize("text", WHEN)
def test_a_date_is_as_wide_as_its_precision(tmp_path: Path, text: str) -> None:
    lake.write(tmp_path, [{"resourceType": "Observation", "id": "a", "effectiveDateTime": text}])
    with lake.open(tmp_path) as opened, lake.DuckDBEngine(opened) as engine:
        row = engine.sql("select date_low, date_high from Observation").to_pylist()[0]
    assert tuple(v and v.isoformat() for v in row.values()) == WHEN[text]


def test_an_open_period_has_no_end(tmp_path: Path) -> None:
    lake.write(
        tmp_path, [{"resourceType": "Encounter", "id": "a", "period": {"start": "2020-01-01T00:00:00Z"}}]
    )
    [row] = flat(tmp_path, "Encounter")
    assert row["low"] is not None
    assert row["high"] is None


def test_several_codings_and_paths(tmp_path: Path) -> None:
    lake.write(
        tmp_path,
        [
            {"resourceType": "Condition", "id": "a", "code": {"coding": [{"system": "s", "code": "1"}, {"code": "2"}, {"system": "t"}]}},
            {"resourceType": "Condition", "id": "b", "code": {"text": "无编码"}},
            {"resourceType": "Procedure", "id": "p", "performedPeriod": {"end": "2020"}},
            {"resourceType": "Procedure", "id": "q", "performedDateTime": "2020"},
        ],
    )  # fmt: skip
    a, b = flat(tmp_path, "Condition")
    assert (a["codes"], a["primary_code"]) == (["s|1", "|2"], "s|1")
    assert (b["codes"], b["primary_code"]) == ([], None)
    p, q = flat(tmp_path, "Procedure")
    assert p["low"] is None
    assert p["high"] == q["high"]


def test_whose_it_is(tmp_path: Path) -> None:
    lake.write(
        tmp_path,
        [
            {"resourceType": "Observation", "id": "a", "subject": {"reference": "Patient/1/_history/3"}},
            {"resourceType": "Observation", "id": "b", "subject": {"reference": "Group/1"}},
            {"resourceType": "Appointment", "id": "c", "participant": [{"actor": {"reference": "Practitioner/1"}}, {"actor": {"reference": "Patient/2"}}]},
            {"resourceType": "Patient", "id": "1", "meta": {"versionId": "3", "lastUpdated": "2020-01-01T08:00:00.5+08:00"}},
        ],
    )  # fmt: skip
    assert [row["patient_key"] for row in flat(tmp_path, "Observation")] == ["Patient/1", None]
    assert [row["patient_key"] for row in flat(tmp_path, "Appointment")] == ["Patient/2"]
    [patient] = flat(tmp_path, "Patient")
    assert patient["patient_key"] == "Patient/1"
    assert patient["version_id"] == "3"
    assert patient["last_updated"].isoformat() == "2020-01-01T00:00:00.500000"
