"""How a view becomes a statement: what it gives, what is pushed into the scan, what a row with too many values does."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.query.sql.agreement import Data

from shangyi import lake
from shangyi.errors import ShangyiError
from shangyi.fhir import definitions
from shangyi.lake import library
from shangyi.query import views
from shangyi.query.columns import Table
from shangyi.query.temporal import DateTime
from shangyi.query.views import pushdown
from shangyi.store.search.catalogue import catalogue, primary_code

LOINC = "http://loinc.org"


def observation(id: str, *codes: str, value: str = "1.50") -> dict[str, Any]:
    from decimal import Decimal

    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code} for code in codes]},
        "subject": {"reference": "Patient/1"},
        "effectiveDateTime": "2024-02-29T08:30:15+08:00",
        "valueQuantity": {"value": Decimal(value), "unit": "mmol/L"},
    }


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory: Path = tmp_path_factory.mktemp("lake")
    lake.write(
        directory, [observation("a", "1", "2"), observation("b", "2"), observation("c", "3", value="7")]
    )
    with lake.DuckDBEngine(lake.open(directory), threads=1) as opened:
        yield opened


def rows(engine: Any, columns: dict[str, str], where: str = "", **more: Any) -> list[dict[str, Any]]:
    definition = {
        "resource": "Observation",
        "select": [{"column": [{"name": name, "path": path} for name, path in columns.items()]}],
        **({"where": [{"path": where}]} if where else {}),
        **more,
    }
    plan = views.compile(definition, engine.lake.table("Observation"))
    return engine.sql(plan.sql()).to_pylist()


ASKED = f"code.coding.exists(system = '{LOINC}' and code = '2')"


@pytest.mark.parametrize(
    "where",
    [
        ASKED,
        f"code.coding.where(code = '2' and system = '{LOINC}').exists()",
        f"status = 'final' and {ASKED}",
    ],
)
def test_a_coding_is_asked_of_the_flat_column(engine: Any, where: str) -> None:
    table = engine.lake.table("Observation")
    definition = {
        "resource": "Observation",
        "select": [{"column": [{"name": "id", "path": "id"}]}],
        "where": [{"path": where}],
    }
    assert 'list_contains("r"."codes", \'http://loinc.org|2\')' in views.compile(definition, table).sql()
    assert {row["id"] for row in rows(engine, {"id": "id"}, where)} == {"a", "b"}


@pytest.mark.parametrize(
    "where", [f"({ASKED}).not()", f"{ASKED} or status = 'x'", "code.coding.exists(code = '2')"]
)
def test_what_does_not_imply_a_coding_is_not(engine: Any, where: str) -> None:
    table = engine.lake.table("Observation")
    definition = {
        "resource": "Observation",
        "select": [{"column": [{"name": "id", "path": "id"}]}],
        "where": [{"path": where}],
    }
    assert '"codes"' not in views.compile(definition, table).sql()


def test_codes_hold_the_element_that_is_asked() -> None:
    pushed = [name for name in definitions.resource_types() if pushdown.applies(name)]
    assert {"Observation", "Condition", "Procedure"} <= set(pushed)
    for name in pushed:
        assert primary_code(name) == "code"
        assert any(path.steps[0] == ("code",) for path in catalogue(name)["code"].paths), name


def test_columns_are_known_before_it_runs(engine: Any) -> None:
    definition = {
        "resource": "Observation",
        "select": [
            {
                "column": [
                    {"name": "key", "path": "getResourceKey()"},
                    {"name": "patient", "path": "subject.getReferenceKey(Patient)"},
                    {"name": "value", "path": "value.ofType(Quantity).value"},
                    {"name": "codes", "path": "code.coding.code", "collection": True},
                    {"name": "note", "path": "note.text", "collection": True},
                    {
                        "name": "late",
                        "path": "effective.ofType(dateTime) > @2024-02-29T00:00:00Z",
                        "type": "boolean",
                    },
                ]
            }
        ],
    }
    plan = views.compile(definition, engine.lake.table("Observation"))
    assert [(c.name, c.type, c.collection) for c in plan.columns] == [
        ("key", "String", False),
        ("patient", "String", False),
        ("value", "decimal", False),
        ("codes", "code", True),
        ("note", "markdown", True),
        ("late", "boolean", False),
    ]
    found = sorted(engine.sql(plan.sql()).to_pylist(), key=lambda row: row["key"])
    assert found[0] == {
        "key": "Observation/a",
        "patient": "Patient/1",
        "value": found[0]["value"],
        "codes": ["1", "2"],
        "note": [],
        "late": True,
    }
    assert str(found[0]["value"]).rstrip("0") == "1.5"


def test_a_row_with_several_values_where_one_is_needed_is_an_error(engine: Any) -> None:
    with pytest.raises(ShangyiError, match="One value is needed here"):
        rows(engine, {"code": "code.coding.code"})
    assert len(rows(engine, {"code": "code.coding.code"}, "id = 'b'")) == 1


def test_now_is_when_the_statement_is_written(engine: Any) -> None:
    definition = {"resource": "Observation", "select": [{"column": [{"name": "day", "path": "today()"}]}]}
    plan = views.compile(definition, engine.lake.table("Observation"))
    at = DateTime.parse("2020-05-06T00:00:00Z")
    assert {row["day"] for row in engine.sql(plan.sql(at=at)).to_pylist()} == {"2020-05-06"}


def test_quantities_compare_in_other_units(engine: Any) -> None:
    counts = {
        "value.ofType(Quantity) > 1 'mmol/L'": 3,
        "value.ofType(Quantity) < 0.002 'mol/L'": 2,
        "value.ofType(Quantity) < 2 'kg'": 0,
    }
    assert {where: len(rows(engine, {"id": "id"}, where)) for where in counts} == counts


def test_a_type_that_the_lake_does_not_hold_has_no_rows(engine: Any) -> None:
    definition = {
        "resource": "Patient",
        "select": [
            {"column": [{"name": "id", "path": "id"}]},
            {"forEachOrNull": "name", "column": [{"name": "f", "path": "family"}]},
        ],
    }
    assert engine.lake.table("Patient") == Table("Patient", ())
    plan = views.compile(definition, engine.lake.table("Patient"))
    assert engine.sql(plan.sql()).to_pylist() == []


STREAMED = {"PROJECTION", "FILTER", "UNNEST", "UNION", "SEQ_SCAN", "EMPTY_RESULT"}
"""Operators of DuckDB that pass rows on as they come: no join, no grouping, no table read twice for one branch."""


def operators(data: Data, text: str) -> set[str]:
    explained = data.connection.execute(f"explain (format json) {text}").fetchall()[0][1]
    return set(re.findall(r'"name": *"([^"]+)"', explained))


def test_duckdb_passes_the_rows_of_every_view_of_the_library_on_as_they_come() -> None:
    """Nothing is correlated: DuckDB would join the table with itself for each list."""
    examples = {"Observation": [observation("a", "1"), observation("b", "2")]}
    for name in library.names():
        definition = library.definition(name)
        type_ = definition["resource"]
        data = Data(type_, examples.get(type_, [{"resourceType": type_, "id": "1"}]))
        assert operators(data, views.compile(definition, data.table).sql("duckdb")) <= STREAMED, name
    correlated = 'select (select max(x) from unnest(list_filter(r.codes, lambda c: true)) as u(x)) from "Observation" r'
    assert not operators(Data("Observation", examples["Observation"]), correlated) <= STREAMED


def test_a_criterion_of_several_alternatives(engine: Any) -> None:
    """``iif`` gives what either branch gives."""
    where = "iif(id = 'a', false, true)"
    assert [row["id"] for row in rows(engine, {"id": "id"}, where)] == ["b", "c"]


def test_one_of_several_codes_is_pushed_into_the_scan(engine: Any) -> None:
    coding = "code.coding.exists(system = 'http://loinc.org' and code = '{}')".format
    where = f"({coding('1')} or {coding('3')}) and status = 'final'"
    definition = {"resource": "Observation", "select": [{"column": [{"name": "id", "path": "id"}]}], "where": [{"path": where}]}  # fmt: skip
    text = views.compile(definition, engine.lake.table("Observation")).sql()
    assert text.count("http://loinc.org|") == 2
    assert [row["id"] for row in rows(engine, {"id": "id"}, where)] == ["a", "c"]
    assert "loinc.org|" not in views.compile({**definition, "where": [{"path": f"{coding('1')} or id = 'b'"}]}, engine.lake.table("Observation")).sql()  # fmt: skip
