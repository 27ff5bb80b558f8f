"""The official suite of SQL on FHIR v2, whole: each file's resources go through the lake's writer into Parquet, each
case's view is compiled over the columns that were written and runs on the lake's engine.
"""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from tests.shared import shared

from shangyi import lake
from shangyi.query import views
from shangyi.query.views import ViewError

try:
    FILES = sorted(shared("conformance/sql-on-fhir").glob("*.json"))
except pytest.skip.Exception:
    FILES = []


DOCUMENTS: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text(encoding="utf-8"), parse_float=Decimal) for file in FILES
}


def cases() -> list[Any]:
    if not FILES:
        return [pytest.param("", {}, marks=pytest.mark.skip(reason="needs shared/conformance/sql-on-fhir"))]
    return [
        pytest.param(title, test, id=f"{title}: {test['title']}")
        for title, document in DOCUMENTS.items()
        for test in document["tests"]
    ]


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], lake.DuckDBEngine]]:
    """The engine over the resources of a file of the suite."""
    engines: dict[str, lake.DuckDBEngine] = {}

    def engine(title: str) -> lake.DuckDBEngine:
        if title not in engines:
            directory = tmp_path_factory.mktemp("lake")
            lake.write(directory, DOCUMENTS[title]["resources"])
            engines[title] = lake.DuckDBEngine(lake.open(directory), threads=1)
        return engines[title]

    yield engine
    for opened in engines.values():
        opened.close()


def run(view: Any, engine: lake.DuckDBEngine) -> tuple[list[str], list[dict[str, Any]]]:
    table = engine.lake.table(str(view.get("resource", "Patient")))
    plan = views.compile(view, table)
    found = engine.sql(plan.sql("duckdb"))
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


@pytest.mark.parametrize(("title", "test"), cases())
def test_a_case(title: str, test: dict[str, Any], lakes: Callable[[str], lake.DuckDBEngine]) -> None:
    if test.get("expectError"):
        with pytest.raises(ViewError) as refused:  # before any data is read
            run(test["view"], lakes(title))
        assert all(issue.expression.startswith("ViewDefinition") for issue in refused.value.issues)
        return
    names, rows = run(test["view"], lakes(title))
    assert comparable(rows) == comparable(test["expect"])
    if "expectColumns" in test:
        assert names == test["expectColumns"]


def test_every_case_is_here() -> None:
    if not FILES:
        pytest.skip("../shared is not here")
    assert (len(FILES), len(cases())) == (22, 134)
