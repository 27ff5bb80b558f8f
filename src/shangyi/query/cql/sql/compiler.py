"""The walk over typed nodes: literals, names, operators, and what ``NODES`` has for the others."""

from collections.abc import Callable, Mapping
from typing import Any

from shangyi.query.cql import tree
from shangyi.query.cql.sql import (
    aggregates,
    arithmetic,
    comparison,
    conversion,
    equality,
    functions,
    intervals,
    lists,
    logic,
    moments,
    queries,
    strings,
    structures,
    temporal,
)
from shangyi.query.cql.sql.builder import Builder, Call
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.constants import literal
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.shapes import case, null, unified
from shangyi.query.cql.sql.values import Value, bounds
from shangyi.query.sql import ir

SECTIONS: tuple[Mapping[str, Builder], ...] = (
    lists.OPERATORS,
    aggregates.OPERATORS,
    logic.OPERATORS,
    equality.OPERATORS,
    comparison.OPERATORS,
    arithmetic.OPERATORS,
    strings.OPERATORS,
    temporal.OPERATORS,
    moments.OPERATORS,
    intervals.OPERATORS,
    functions.OPERATORS,
    conversion.OPERATORS,
)
"""Operators by their names in ELM; of several of a name the first that has a form for the operands."""


def compile_node(node: tree.Node, columns: Columns) -> Value:
    """A node in SQL; NoForm, with its place, where it has none."""
    try:
        build = NODES.get(type(node))
        if build is None:
            raise NoForm("{node} has no form in SQL yet", node=type(node).__name__)
        return build(node, columns)
    except NoForm as error:
        if not error.line:
            place = node.place
            error.library, error.line, error.column = place.library, place.line, place.column
            error.end_line, error.end_column = place.end_line, place.end_column
        raise


def _operand(node: tree.OperandRef, columns: Columns) -> Value:
    found = columns.operands.get(node.name)
    if found is None:
        raise NoForm("{node} has no form in SQL yet", node=node.name)
    return found


def _operator(node: tree.Operator, columns: Columns) -> Value:
    builders = [section[node.name] for section in SECTIONS if node.name in section]
    if not builders:
        raise NoForm("{node} has no form in SQL yet", node=node.name)
    call = Call(node, tuple(compile_node(operand, columns) for operand in node.operands), columns)
    for build in builders:
        found = build(call)
        if found is not None:
            return found
    types = ", ".join(map(str, call.types))
    raise NoForm("{node} of {types} has no form in SQL yet", node=node.name, types=types)


def _if(node: tree.If, columns: Columns) -> Value:
    return _choice(((node.condition, node.then),), node.otherwise, columns)


def _case(node: tree.Case, columns: Columns) -> Value:
    if node.comparand is None:
        return _choice(tuple((item.when, item.then) for item in node.items), node.otherwise, columns)
    comparand = compile_node(node.comparand, columns)
    equal = [equality.equal(columns, comparand, compile_node(item.when, columns)) for item in node.items]
    return _chosen(equal, (*(item.then for item in node.items), node.otherwise), columns)


def _choice(items: tuple[tuple[tree.Node, tree.Node], ...], otherwise: tree.Node, columns: Columns) -> Value:
    """A condition that is null is false, in SQL as in CQL."""
    conditions = [bounds(compile_node(when, columns))[0] for when, _ in items]
    return _chosen(conditions, (*(then for _, then in items), otherwise), columns)


def _chosen(conditions: list[ir.Expr], nodes: tuple[tree.Node, ...], columns: Columns) -> Value:
    results = [compile_node(node, columns) for node in nodes]

    *values, otherwise = unified(columns, results)
    return case(columns, tuple(zip(conditions, values, strict=True)), otherwise)


def _structure(build: Callable[[Any, Columns, Any], Value]) -> Callable[[Any, Columns], Value]:
    return lambda node, columns: build(node, columns, compile_node)


NODES: dict[type[tree.Node], Callable[[Any, Columns], Value]] = {
    tree.Null: lambda node, columns: null(node.type),
    tree.Literal: lambda node, columns: literal(node.value, node.type, columns.offset),
    tree.OperandRef: _operand,
    tree.If: _if,
    tree.Case: _case,
    tree.Operator: _operator,
    **{kind: _structure(build) for kind, build in {**structures.NODES, **queries.NODES}.items()},
}
"""How each class of node becomes SQL."""
