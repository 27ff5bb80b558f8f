"""Operators in SQL give what they give over Python values, for every pair of values of a type, nulls among them.

The operands are columns of a table with a row for each pair, so nothing can be folded.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import product
from typing import Any

import duckdb
import pytest

from shangyi.query.cql import tree
from shangyi.query.cql.operators import PURE
from shangyi.query.cql.sql import Columns, NoForm, Range, Scalar, Value, compile_node
from shangyi.query.cql.sql.constants import ends
from shangyi.query.cql.sql.shapes import column_type
from shangyi.query.cql.sql.values import MOMENTS, bounds
from shangyi.query.cql.types import BOOLEAN, DATE, DATETIME, DECIMAL, INTEGER, LONG, STRING, Type
from shangyi.query.cql.values import Long, Uncertainty
from shangyi.query.sql import DIALECTS, ir
from shangyi.query.temporal import Date, DateTime, Temporal

LONGEST = Decimal("99999999999999999999.99999999")
DECIMALS = (
    "0 1 -1 0.5 2.5 -2.5 0.00000001 3.33333333 7 100000000000.00000001 -0.00000005 12345678901234567890.5"
)
DATES = (
    "2014 2015 2014-02 2014-03 2014-02-28 2014-03-01 2012-02-29 2013-12-31 0001-01-01 9999-12-31 1970-01-05"
)
MOMENTS_GIVEN = (
    "2014Z 2014-02Z 2014-02-28Z 2014-02-28T10Z 2014-02-28T10:30Z 2014-02-28T10:30:15Z 2014-02-28T10:30:15.000Z"
    " 2014-02-28T10:30:15.500Z 2014-03-01T00:00:00.000Z 2013-12-31T23:59:59.999Z"
)


def moment(text: str) -> DateTime:
    bare = text.removesuffix("Z")
    found = DateTime.parse(text if "T" in text else bare)
    assert found is not None
    return DateTime(found.parts, 0)


GIVEN: dict[Type, list[Any]] = {
    BOOLEAN: [True, False],
    INTEGER: [0, 1, -1, 2, 7, -7, 2**31 - 1, -(2**31)],
    LONG: [Long(n) for n in (0, 1, -1, 7, -7, 2**31, 2**63 - 1, -(2**63))],
    DECIMAL: [*map(Decimal, DECIMALS.split()), LONGEST, -LONGEST],
    STRING: ["", "a", "A", "ab", "b a", "血压", "%", "'"],
    DATE: [Date.parse(text) for text in DATES.split()],
    DATETIME: [moment(text) for text in MOMENTS_GIVEN.split()],
}
COMPARED = ["Equal", "NotEqual", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"]
POINTS = ["Before", "SameOrBefore", "After", "SameOrAfter", "SameAs"]
NUMBERS = ["Add", "Subtract", "Multiply", "TruncatedDivide", "Modulo"]
BINARY: dict[Type, list[str]] = {
    BOOLEAN: ["And", "Or", "Xor", "Implies", "Equal", "NotEqual", "Equivalent", "Coalesce"],
    INTEGER: [*COMPARED, *NUMBERS, "Equivalent", "NotEquivalent", "Coalesce"],
    LONG: [*COMPARED, *NUMBERS, "Equivalent"],
    DECIMAL: [*COMPARED, *NUMBERS, "Divide", "Coalesce"],
    STRING: [*COMPARED, "Concatenate", "Add", "StartsWith", "EndsWith", "PositionOf"],
    DATE: [*COMPARED, *POINTS, "Equivalent", "Coalesce"],
    DATETIME: [*COMPARED, *POINTS, "Equivalent"],
}
UNARY: dict[Type, list[str]] = {
    BOOLEAN: ["Not", "IsNull", "IsTrue", "IsFalse"],
    INTEGER: ["Negate", "Abs", "ToDecimal", "ToLong", "IsNull"],
    LONG: ["Negate", "Abs", "ToDecimal"],
    DECIMAL: ["Negate", "Abs", "Ceiling", "Floor", "Truncate"],
    STRING: ["Upper", "Lower", "Length", "IsNull"],
    DATE: ["IsNull"],
}
PRECISE: dict[Type, list[tuple[str, str]]] = {
    DATE: [
        *product(POINTS, ("year", "month", "day")),
        *product(("DurationBetween", "DifferenceBetween"), ("year", "month", "week", "day")),
    ],
    DATETIME: [
        *product(POINTS, ("year", "month", "day", "hour", "minute", "second", "millisecond")),
        *product(("DifferenceBetween",), ("year", "month", "week", "day")),
    ],
}
CASES = [
    *((name, type_, 2, None) for type_, names in BINARY.items() for name in names),
    *((name, type_, 1, None) for type_, names in UNARY.items() for name in names),
    *((name, type_, 2, precision) for type_, pairs in PRECISE.items() for name, precision in pairs),
]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        for type_, given in GIVEN.items():
            of = DIALECTS["duckdb"].type(column_type(type_))
            opened.execute(f'create table "{type_}" (n integer, low {of}, high {of})')
            rows = [(n, *stored(value, type_)) for n, value in enumerate((*given, None))]
            opened.executemany(f'insert into "{type_}" values (?, ?, ?)', rows)
        yield opened


def stored(value: Any, type_: Type) -> tuple[Any, Any]:
    if value is None:
        return None, None
    return ends(value, 0) if isinstance(value, Temporal) else (value, value)


def operand(relation: str, type_: Type) -> Value:
    low, high = (ir.Member(ir.Name(relation), name) for name in ("low", "high"))
    return Range(type_, low, high) if type_ in MOMENTS else Scalar(type_, low)


def by_sql(connection: duckdb.DuckDBPyConnection, node: tree.Node, relations: dict[str, Type]) -> list[Any]:
    columns = Columns({name: operand(name, type_) for name, type_ in relations.items()})
    value = compile_node(node, columns)
    write = DIALECTS["duckdb"].write
    tables = ", ".join(f'"{type_}" {name}' for name, type_ in relations.items())
    order = ", ".join(f"{name}.n" for name in relations)
    low, high = bounds(value)
    found = connection.execute(
        f"select {write(low)}, {write(high)} from {tables} order by {order}"
    ).fetchall()
    return [shown(row, value) for row in found]


def shown(row: Sequence[Any], value: Value) -> Any:
    if isinstance(value, Scalar) or row[0] is None:
        return row[0]
    return tuple(row) if value.type in MOMENTS or row[0] != row[1] else row[0]


def by_python(name: str, operands: Sequence[Any], precision: str | None) -> Any:
    function = PURE[name]
    found = function(*operands) if precision is None else function(*operands, precision=precision)
    if isinstance(found, Uncertainty):
        return found.low, found.high
    return found


@pytest.mark.parametrize(("name", "type_", "count", "precision"), CASES)
def test_an_operator(
    name: str, type_: Type, count: int, precision: str | None, connection: duckdb.DuckDBPyConnection
) -> None:
    names = ("a", "b")[:count]
    node = tree.Operator(name, tuple(tree.OperandRef(n, type=type_) for n in names), precision)
    found = by_sql(connection, node, dict.fromkeys(names, type_))
    pairs = list(product((*GIVEN[type_], None), repeat=count))
    wrong = [
        (pair, expected, actual)
        for pair, actual in zip(pairs, found, strict=True)
        if (expected := outcome(by_python(name, pair, precision))) != actual
    ]
    assert not wrong, f"{len(wrong)} of {len(pairs)}: {wrong[:3]}"


def outcome(value: Any) -> Any:
    return ends(value, 0) if isinstance(value, Temporal) else value


def test_conditions_that_are_null_choose_the_other_branch(connection: duckdb.DuckDBPyConnection) -> None:
    a = tree.OperandRef("a", type=BOOLEAN)
    yes, no = (tree.Literal(Date.parse(text), type=DATE) for text in ("2020", "2021-05"))
    found = by_sql(connection, tree.If(a, yes, no, type=DATE), {"a": BOOLEAN})
    assert [row[0].year for row in found] == [2020, 2021, 2021]


def test_what_has_no_form_has_a_place() -> None:
    place = tree.Place("Heart|1", 3, 7, 3, 20)
    node = tree.Operator("Collapse", (tree.Null(type=DATE),), place=place)
    with pytest.raises(NoForm, match=r"Heart\|1:3:7: Collapse has no form in SQL yet"):
        compile_node(node, Columns())
