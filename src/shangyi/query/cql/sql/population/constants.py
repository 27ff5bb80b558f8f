"""What depends on no resident: calculated once by the closures, written as constants."""

from decimal import Decimal
from typing import Any

from shangyi.query.cql import tree
from shangyi.query.cql.library import Library, Program
from shangyi.query.cql.sql import values
from shangyi.query.cql.sql.constants import literal
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.population.items import MISSING, Coded, Fields, Item, Literals
from shangyi.query.cql.sql.shapes import null
from shangyi.query.cql.types import (
    ANY,
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    LONG,
    QUANTITY,
    STRING,
    TIME,
    ChoiceOf,
    IntervalOf,
    Type,
)
from shangyi.query.cql.values import Code, Concept, Date, DateTime, Interval, Long, Quantity, Time, Tuple
from shangyi.query.sql import ir
from shangyi.query.types import ItemType

_NEVER = (
    tree.Retrieve,
    tree.AliasRef,
    tree.QueryLetRef,
    tree.OperandRef,
    tree.Current,
    tree.Iteration,
    tree.Total,
    tree.ExpressionRef,
    tree.FunctionRef,
    tree.Query,
    tree.Filter,
    tree.ForEach,
    tree.Repeat,
    tree.Aggregate,
    tree.ValueSetRef,
    tree.CodeSystemRef,
    tree.Instance,
    tree.Property,
)


def is_constant(node: tree.Node, program: Program, library: Library) -> bool:
    """Whether a node says the same for everybody. Literals are, and what operators make of them and of parameters."""
    return not any(isinstance(part, _NEVER) or _of_sets(part) for part in tree.walk(node))


def _of_sets(node: tree.Node) -> bool:
    return isinstance(node, tree.Operator) and node.name in ("Message", "ExpandValueSet", "InValueSet")


_TYPES: dict[type, Type] = {
    bool: BOOLEAN,
    int: INTEGER,
    Long: LONG,
    Decimal: DECIMAL,
    str: STRING,
    Date: DATE,
    DateTime: DATETIME,
    Time: TIME,
    Quantity: QUANTITY,
}


def of_python(value: Any, type_: Type, offset: int) -> Item:
    """A value at run time as constants."""
    if value is None:
        return null(type_) if _has_columns(type_) else MISSING
    kind = type(value)
    if kind in _TYPES:
        return literal(value, _TYPES[kind], offset)
    if kind is Interval:
        return _interval(value, type_, offset)
    if kind is list:
        return Literals(tuple(of_python(item, getattr(type_, "element", ANY), offset) for item in value))
    if kind is Code:
        return coded(value)
    if kind is Concept:
        keys = ir.Listed(tuple(ir.text(key(code)) for code in value.codes), ir.TEXT)
        return Coded(keys, ir.TRUE)
    if kind is Tuple:
        return Fields({name: of_python(item, ANY, offset) for name, item in value.elements.items()})
    raise NoForm("{type} has no form in SQL yet", type=str(type_))


def _has_columns(type_: Type) -> bool:
    if isinstance(type_, IntervalOf):
        return _has_columns(type_.point)
    return isinstance(type_, ItemType) and type_ in _TYPES.values() and not isinstance(type_, ChoiceOf)


def _interval(value: Interval, type_: Type, offset: int) -> Item:
    point = next((_TYPES[type(end)] for end in (value.low, value.high) if end is not None), None)
    if point is None:
        point = type_.point if isinstance(type_, IntervalOf) else ANY
    ends = [null(point) if end is None else literal(end, point, offset) for end in (value.low, value.high)]
    closed = (ir.Literal(value.low_closed), ir.Literal(value.high_closed))
    return values.Interval(IntervalOf(point), ends[0], ends[1], *closed)


def key(code: Code) -> str:
    """A code as the lake's ``codes`` have it."""
    return f"{code.system or ''}|{code.code}"


def coded(code: Code) -> Coded:
    """A code that is known."""
    text, system = ir.text(str(code.code)), ir.text(code.system) if code.system else ir.null()
    return Coded(ir.Listed((ir.text(key(code)),)), ir.TRUE, text, system)
