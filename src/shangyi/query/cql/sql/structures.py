"""Intervals, lists, tuples, ratios and instances as they are written; ``is`` and ``as``."""

from collections.abc import Callable

from shangyi.query.cql import tree
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.constants import literal
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.intervals import checked
from shangyi.query.cql.sql.shapes import converted, elements_of, list_of, null, unified
from shangyi.query.cql.sql.values import Choice, Interval, Scalar, Structure, Value, bounds, is_null
from shangyi.query.cql.types import (
    ANY,
    BOOLEAN,
    QUANTITY,
    RATIO,
    ChoiceOf,
    IntervalOf,
    ListOf,
    TupleOf,
    tuple_of,
)
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr

Compile = Callable[[tree.Node, Columns], Value]


def interval(node: tree.Interval, at: Columns, compile_node: Compile) -> Value:
    """``Interval[low, high)``; a closed-ness that is null is closed."""
    low, high = unified(at, (compile_node(node.low, at), compile_node(node.high, at)))
    if low.type == ANY and isinstance(node.type, IntervalOf) and node.type.point != ANY:
        low, high = null(node.type.point), null(node.type.point)
    closed = [_closed(c, at, compile_node) for c in (node.low_closed, node.high_closed)]
    return checked(at, Interval(IntervalOf(low.type), low, high, closed[0], closed[1]))


def _closed(closed: bool | tree.Node, at: Columns, compile_node: Compile) -> Expr:
    if isinstance(closed, bool):
        return ir.Literal(closed)
    return ir.call("coalesce", bounds(compile_node(closed, at))[0], ir.TRUE)


def list_(node: tree.List, at: Columns, compile_node: Compile) -> Value:
    """``{ a, b }``."""
    element = node.type.element if isinstance(node.type, ListOf) else ANY
    return list_of(at, [compile_node(item, at) for item in node.elements], element)


def tuple_(node: tree.Tuple, at: Columns, compile_node: Compile) -> Value:
    """``Tuple { name: value }``."""
    found = {element.name: compile_node(element.value, at) for element in node.elements}
    type_ = tuple_of({name: value.type for name, value in found.items()})
    return Structure(type_, tuple((name, found[name]) for name, _ in type_.elements), ir.TRUE)


def instance(node: tree.Instance, at: Columns, compile_node: Compile) -> Value:
    """``Code { code: 'x' }``: elements that are not written are null."""
    elements = elements_of(node.type)
    if elements is None:
        raise NoForm("{type} has no form in SQL yet", type=str(node.type))
    given = {element.name: compile_node(element.value, at) for element in node.elements}
    made = tuple(
        (name, converted(at, given[name], of) if name in given else null(of)) for name, of in elements
    )
    return Structure(node.type, made, ir.TRUE)


def ratio(node: tree.Ratio, at: Columns, compile_node: Compile) -> Value:
    """``1 'mg' : 2 'mL'``."""
    parts = (("numerator", node.numerator), ("denominator", node.denominator))
    made = tuple((name, literal(value, QUANTITY, at.offset)) for name, value in parts)
    return Structure(RATIO, made, ir.TRUE)


def as_(node: tree.As, at: Columns, compile_node: Compile) -> Value:
    """``x as T``: null where it is of another type (with ``cast`` too, which is a fault at the bedside)."""
    return converted(at, compile_node(node.operand, at), node.target)


def is_(node: tree.Is, at: Columns, compile_node: Compile) -> Value:
    """``x is T``: whether there is a value, and it is of that type."""
    value = compile_node(node.operand, at)
    if isinstance(node.target, ChoiceOf | TupleOf | ListOf) and value.type != node.target:
        raise NoForm("{node} of {types} has no form in SQL yet", node="Is", types=str(node.target))
    found = converted(at, value, node.target)
    return Scalar(BOOLEAN, ir.call("not", is_null(found)))


def property_(node: tree.Property, at: Columns, compile_node: Compile) -> Value:
    """An element of a structure; of an interval its boundaries and whether they are closed."""
    value = compile_node(node.source, at)
    for name in node.path.split("."):
        value = _element(value, name)
    return value


def _element(value: Value, name: str) -> Value:
    match value:
        case Structure():
            found = value.element(name)
            if found is not None:
                return found
        case Interval():
            closed = {"lowClosed": value.low_closed, "highClosed": value.high_closed}
            if name in ("low", "high"):
                return value.low if name == "low" else value.high
            if name in closed:
                return Scalar(BOOLEAN, closed[name])
        case Choice():
            pass
    raise NoForm("{node} of {types} has no form in SQL yet", node=name, types=str(value.type))


NODES: dict[type[tree.Node], Callable[..., Value]] = {
    tree.Interval: interval,
    tree.List: list_,
    tree.Tuple: tuple_,
    tree.Instance: instance,
    tree.Ratio: ratio,
    tree.As: as_,
    tree.Is: is_,
}
