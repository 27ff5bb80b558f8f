"""The official suite of SQL on FHIR v2 (``../shared/conformance/sql-on-fhir``), each case over a table in DuckDB."""

import json
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from tests.query.sql.tables import load, table_of
from tests.shared import shared

from shangyi.errors import ShangyiError
from shangyi.query import views

try:
    FILES = sorted(shared("conformance/sql-on-fhir").glob("*.json"))
except pytest.skip.Exception:
    FILES = []


def cases() -> list[Any]:
    if not FILES:
        return [pytest.param({}, {}, marks=pytest.mark.skip(reason="../shared is not here"))]
    found = []
    for file in FILES:
        document = json.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
        found += [
            pytest.param(document, test, id=f"{file.stem}: {test['title']}") for test in document["tests"]
        ]
    return found


def run(view: Any, resources: list[Any]) -> tuple[list[str], list[dict[str, Any]]]:
    wanted = view.get("resource")
    chosen = [r for r in resources if r["resourceType"] == wanted]
    table = table_of(wanted, chosen) if isinstance(wanted, str) else table_of("Patient", [])
    plan = views.compile(view, table)
    with duckdb.connect() as connection:
        load(connection, table, chosen)
        found = connection.sql(plan.sql("duckdb")).to_arrow_table()
    assert [c.name for c in plan.columns] == found.column_names
    return found.column_names, found.to_pylist()


def comparable(rows: list[dict[str, Any]]) -> list[str]:
    """Rows in no order, numbers by value."""

    def value(x: Any) -> Any:
        if isinstance(x, list):
            return [value(y) for y in x]
        if isinstance(x, int | Decimal) and not isinstance(x, bool):
            return str(Decimal(x).normalize())
        return x

    return sorted(json.dumps({k: value(v) for k, v in row.items()}, sort_keys=True) for row in rows)


@pytest.mark.parametrize(("document", "test"), cases())
def test_a_case(document: dict[str, Any], test: dict[str, Any]) -> None:
    if test.get("expectError"):
        with pytest.raises((ShangyiError, duckdb.Error)):
            run(test["view"], document["resources"])
        return
    names, rows = run(test["view"], document["resources"])
    assert comparable(rows) == comparable(test["expect"])
    if "expectColumns" in test:
        assert names == test["expectColumns"]


def test_every_case_is_here() -> None:
    if not FILES:
        pytest.skip("../shared is not here")
    assert (len(FILES), len(cases())) == (22, 134)
