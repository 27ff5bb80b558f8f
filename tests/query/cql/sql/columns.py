"""Nodes over the columns of a table: literals become operands, each with a column, the rows hold values of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from itertools import count
from typing import Any

import duckdb

from shangyi.query.cql import tree
from shangyi.query.cql.closures import Engine, Evaluation
from shangyi.query.cql.library import FunctionDef, Identifier, Library, OperandDef, Program
from shangyi.query.cql.operators.temporal import to_milliseconds
from shangyi.query.cql.sql import Columns, Value, compile_node
from shangyi.query.cql.sql import values as v
from shangyi.query.cql.sql.columns import Levels
from shangyi.query.cql.sql.constants import ends, literal
from shangyi.query.cql.sql.shapes import nothing, whole
from shangyi.query.cql.sql.values import parts, rebuilt
from shangyi.query.cql.types import LONG, Type
from shangyi.query.cql.values import Code, Concept, Interval, Long, Quantity, Ratio, Tuple, Uncertainty
from shangyi.query.errors import EvaluationError
from shangyi.query.sql import DIALECTS, ir
from shangyi.query.temporal import Date, DateTime, Temporal, Time

FAULT = object()
"""What stands in the place of a value that could not be computed."""
OTHERS: dict[str, list[Any]] = {
    "Integer": [0, 1, 3, -2, 2**31 - 1],
    "Long": [Long(0), Long(5), Long(-(2**63))],
    "Decimal": [Decimal(0), Decimal("2.5"), Decimal("-1.25"), Decimal("0.00000001")],
    "String": ["", "abc", "B a", "血压"],
    "Boolean": [True, False],
    "Date": [Date((2014, 2, 28)), Date((2015,)), Date((2012, 2))],
    "DateTime": [
        DateTime((2014, 2, 28, 10, 30, Decimal("15.250")), 0),
        DateTime((2015, 3), 0),
        DateTime((2012, 12, 31, 23), 0),
    ],
    "Time": [Time((10, 30)), Time((23, 59, Decimal("59.999")))],
    "Quantity": [Quantity(Decimal("1.5"), "g"), Quantity(Decimal(2), "day", True), Quantity(Decimal(3))],
}


@dataclass(frozen=True)
class Lifted:
    """A node whose literals are operands: their types, and rows of values for them; the first is the node's own."""

    node: tree.Node
    types: tuple[Type, ...]
    rows: tuple[tuple[Any, ...], ...]

    @property
    def names(self) -> list[str]:
        """The operands."""
        return [f"c{n}" for n in range(len(self.types))]


def lifted(node: tree.Node) -> Lifted:
    """Its literals as operands."""
    types: list[Type] = []
    own: list[Any] = []
    numbers = count()

    def lift(part: Any) -> Any:
        if isinstance(part, tree.Literal):
            types.append(part.type)
            own.append(value_of(part))
            return tree.OperandRef(f"c{next(numbers)}", type=part.type, place=part.place)
        if isinstance(part, tree.Node):
            return replace(
                part, **{f.name: lift(getattr(part, f.name)) for f in fields(part) if f.name != "place"}
            )
        return tuple(map(lift, part)) if isinstance(part, tuple) else part

    made = lift(node)
    return Lifted(made, tuple(types), tuple(_rows(types, own)))


def value_of(node: tree.Literal) -> Any:
    """As the closures have it, in the offset 0."""
    value: Any = Long(node.value) if node.type == LONG else node.value  # type: ignore[arg-type]
    if isinstance(value, Temporal):
        value = to_milliseconds(value)
    if type(value) is DateTime and value.offset is None:
        value = DateTime(value.parts, 0)
    return value


def _rows(types: Sequence[Type], own: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    yield tuple(own)
    if not types:
        return
    yield (None,) * len(own)
    for n in range(min(len(own), 4)):
        yield tuple(None if i == n else value for i, value in enumerate(own))
    for shift in (1, 2):
        yield tuple(_turned(types, own, n, shift) for n in range(len(own)))
    for shift in (0, 1):
        pools = [OTHERS.get(getattr(type_, "name", ""), []) for type_ in types]
        yield tuple(
            pool[(n + shift) % len(pool)] if pool else value
            for n, (pool, value) in enumerate(zip(pools, own, strict=True))
        )


def _turned(types: Sequence[Type], own: Sequence[Any], n: int, shift: int) -> Any:
    alike = [value for type_, value in zip(types, own, strict=True) if type_ == types[n]]
    place = sum(type_ == types[n] for type_ in types[:n])
    return alike[(place + shift) % len(alike)]


# --- By closures


def by_closures(case: Lifted, at: Any) -> list[Any]:
    """The value of each row; FAULT where there is none."""
    operands = tuple(map(OperandDef, case.names, case.types))
    function = FunctionDef(name="f", context="Unfiltered", operands=operands, expression=case.node)
    library = Library(Identifier("Test"), functions=(function,))
    call = Engine(Program(library, {library.identifier: library})).function(library, function)

    def value(row: tuple[Any, ...]) -> Any:
        evaluation: Evaluation = at()
        try:
            return call(evaluation, *row)
        except EvaluationError:
            return FAULT

    return [value(row) for row in case.rows]


# --- By SQL


def by_sql(connection: duckdb.DuckDBPyConnection, case: Lifted, now: DateTime) -> list[Any]:
    """The value of each row, in the form of ``comparable``."""
    dialect = DIALECTS["duckdb"]
    value, statement = written(case, now, dialect)
    return [_read(value, iter(row)) for row in connection.execute(statement).fetchall()]


def written(case: Lifted, now: DateTime, dialect: Any) -> tuple[Value, str]:
    """The value, and the statement that gives its columns for each row."""
    shapes = {name: whole(nothing(type_)) for name, type_ in zip(case.names, case.types, strict=True)}
    operands = {
        name: rebuilt(shape, (ir.Member(ir.Name("t"), f"{name}.{part}") for part, _ in parts(shape)))
        for name, shape in shapes.items()
    }
    levels = Levels("t")
    value = compile_node(case.node, Columns(operands, 0, now, levels=levels))
    columns = ", ".join(dialect.write(sql) for _, sql in parts(value))
    names = ", ".join(
        dialect.identifier(f"{name}.{part}") for name, shape in shapes.items() for part, _ in parts(shape)
    )
    rows = ", ".join(
        "(" + ", ".join([str(n), *(dialect.write(sql) for sql in _stored(case, row))]) + ")"
        for n, row in enumerate(case.rows)
    )
    head = f"n, {names}" if names else "n"
    return (
        value,
        f"SELECT {columns} FROM {levels.relation(dialect, f'(VALUES {rows}) t({head})')} ORDER BY t.n",
    )


def _stored(case: Lifted, row: tuple[Any, ...]) -> Iterator[ir.Expr]:
    for value, type_ in zip(row, case.types, strict=True):
        shape = nothing(type_)
        made = shape if value is None else whole(literal(value, type_, 0))
        yield from (
            ir.Cast(sql, empty.type) if isinstance(empty, ir.Literal) else sql
            for (_, sql), (_, empty) in zip(parts(made), parts(shape), strict=True)
        )


def _read(value: Value, columns: Iterator[Any]) -> Any:
    """Columns, or the fields of a STRUCT in a list, as ``comparable`` has a value."""
    match value:
        case v.Scalar():
            return next(columns)
        case v.Listed():
            items = next(columns)
            return None if items is None else [_read_item(value.type.element, item) for item in items]
        case v.Range():
            low, high = next(columns), next(columns)
            offset = next(columns) if value.offset is not None else None
            return (
                None
                if low is None
                else moment(low, high, offset)
                if value.type in v.MOMENTS
                else span(low, high)
            )
        case v.Quantity():
            number, unit = next(columns), next(columns)
            return None if number is None else ("quantity", number, unit)
        case v.Interval():
            ends_ = _read(value.low, columns), _read(value.high, columns)
            closed = next(columns), next(columns)
            return None if closed[0] is None else ("interval", *ends_, *closed)
        case v.Structure():
            there = next(columns)
            elements = {name: _read(element, columns) for name, element in value.elements}
            return elements if there else None
        case v.Choice():
            found = [_read(option, columns) for option in value.options]
            return next((option for option in found if option is not None), None)


def _read_item(type_: Type, item: Any) -> Any:
    shape = nothing(type_)
    names = [name for name, _ in parts(shape)]
    return _read(
        shape, iter([item] if len(names) == 1 else [None if item is None else item[name] for name in names])
    )


def moment(low: Any, high: Any, offset: int | None) -> Any:
    """A date or time."""
    return ("moment", low, high, offset or 0)


def span(low: Any, high: Any) -> Any:
    """A number that dates leave open."""
    return low if low == high else ("from", low, high)


def comparable(value: Any) -> Any:
    """A value of the closures as ``by_sql`` gives it."""
    match value:
        case Temporal():
            own = value.offset if len(value.parts) > 3 else 0
            return moment(*ends(value, 0), own)
        case Uncertainty():
            return span(value.low, value.high)
        case Quantity():
            return ("quantity", value.value, value.unit)
        case Interval():
            return (
                "interval",
                comparable(value.low),
                comparable(value.high),
                value.low_closed,
                value.high_closed,
            )
        case Tuple():
            return {name: comparable(element) for name, element in value.elements.items()}
        case Ratio():
            return {"numerator": comparable(value.numerator), "denominator": comparable(value.denominator)}
        case Code():
            return {name: getattr(value, name) for name in ("code", "system", "version", "display")}
        case Concept():
            return {"codes": [comparable(code) for code in value.codes], "display": value.display}
        case list():
            return [comparable(item) for item in value]
    return None if value is FAULT else int(value) if type(value) is Long else value
