"""The official suite through SQL: the literals of each case are columns of a table of several rows, and nothing folds.

The row of the case must give what the closures give, who are held to the suite's answers (test_conformance), and so must
the rows with other values and nulls. What is a fault there is null or anything here. exclusions.yaml argues
what differs. A sample by default; all with --slow.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml
from tests.query.cql.official import Case, cases
from tests.query.cql.sql.columns import FAULT, by_closures, by_sql, comparable, lifted

from shangyi.errors import ShangyiError
from shangyi.query.cql.closures import Codes, Evaluation, Resources
from shangyi.query.cql.sql import NoForm
from shangyi.query.cql.translate import translate
from shangyi.query.cql.values import DateTime
from shangyi.terminology.definitions import Memory
from shangyi.terminology.service import Terminology

NOW = DateTime((2026, 11, 24, 12, 0, Decimal("0.000")), 0)
CASES = list(cases())
EVERY = 19
"""By default one case in so many."""
EXCLUDED = {
    case
    for group in yaml.safe_load((Path(__file__).parent / "exclusions.yaml").read_text(encoding="utf-8"))
    for case in group["cases"]
}
UNFOLDED = "expression_rewriter,statistics_propagation"


def evaluation() -> Evaluation:
    return Evaluation(Resources([]), Codes(Terminology(Memory())), now=NOW)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute(f"SET disabled_optimizers = '{UNFOLDED}'")
        opened.execute("SET threads = 1")
        yield opened


def differences(case: Case, connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The rows that SQL answers otherwise, or that it does not answer the case at all."""
    try:
        node = translate(f"define X: {case.expression}").main.named["X"].expression  # type: ignore[attr-defined]
    except ShangyiError:  # of either back end it is refused when it is read
        return []
    table = lifted(node)
    try:
        found = by_sql(connection, table, NOW)
    except NoForm as refusal:
        return [] if case.invalid else [f"{case.id}: {refusal}"]
    pairs = zip(table.rows, by_closures(table, evaluation), found, strict=True)
    return [
        f"{case.id}: {case.expression} with {row}: {comparable(expected)} is expected, not {actual}"
        for row, expected, actual in pairs
        if expected is not FAULT and comparable(expected) != actual
    ]


def check(some: list[Case], connection: duckdb.DuckDBPyConnection) -> None:
    wrong, agreeing = [], []
    for case in some:
        found = differences(case, connection)
        if case.id not in EXCLUDED:
            wrong += found
        elif not found:
            agreeing.append(case.id)
    assert not wrong, "\n".join(wrong)
    assert not agreeing, f"excluded, and yet they agree: {agreeing}"


@pytest.mark.skipif(not CASES, reason="needs shared/conformance/cql beside the checkout")
def test_a_sample_of_the_suite(connection: duckdb.DuckDBPyConnection) -> None:
    check(CASES[::EVERY], connection)


@pytest.mark.slow
@pytest.mark.skipif(not CASES, reason="needs shared/conformance/cql beside the checkout")
def test_the_whole_suite(connection: duckdb.DuckDBPyConnection) -> None:
    assert {case.id for case in CASES} >= EXCLUDED
    check(CASES, connection)
