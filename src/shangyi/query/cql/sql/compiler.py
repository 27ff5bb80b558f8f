"""The walk over typed nodes: literals, names, operators, and what ``NODES`` has for the others."""

from collections.abc import Callable, Mapping
from typing import Any

from shangyi.query.cql import tree
from shangyi.query.cql.sql import arithmetic, comparison, logic, strings, temporal
from shangyi.query.cql.sql.builder import Builder, Call
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.constants import literal
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.shapes import null, unified
from shangyi.query.cql.sql.values import Value, bounds, chosen
from shangyi.query.sql import ir

OPERATORS: Mapping[str, Builder] = {
    **logic.OPERATORS,
    **comparison.OPERATORS,
    **arithmetic.OPERATORS,
    **strings.OPERATORS,
    **temporal.OPERATORS,
}


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
    build = OPERATORS.get(node.name)
    if build is None:
        raise NoForm("{node} has no form in SQL yet", node=node.name)
    call = Call(node, tuple(compile_node(operand, columns) for operand in node.operands), columns)
    found = build(call)
    if found is None:
        types = ", ".join(map(str, call.types))
        raise NoForm("{node} of {types} has no form in SQL yet", node=node.name, types=types)
    return found


def _if(node: tree.If, columns: Columns) -> Value:
    return _choice(((node.condition, node.then),), node.otherwise, columns)


def _case(node: tree.Case, columns: Columns) -> Value:
    if node.comparand is not None:
        raise NoForm("{node} has no form in SQL yet", node="Case")
    return _choice(tuple((item.when, item.then) for item in node.items), node.otherwise, columns)


def _choice(items: tuple[tuple[tree.Node, tree.Node], ...], otherwise: tree.Node, columns: Columns) -> Value:
    """A condition that is null is false, in SQL as in CQL."""
    conditions = [bounds(compile_node(when, columns))[0] for when, _ in items]
    results = [compile_node(then, columns) for then in (*(then for _, then in items), otherwise)]

    def choose(found: tuple[ir.Expr, ...]) -> ir.Expr:
        return ir.Case(tuple(zip(conditions, found[:-1], strict=True)), found[-1])

    return chosen(unified(columns, results), choose)


NODES: dict[type[tree.Node], Callable[[Any, Columns], Value]] = {
    tree.Null: lambda node, columns: null(node.type),
    tree.Literal: lambda node, columns: literal(node.value, node.type, columns.offset),
    tree.OperandRef: _operand,
    tree.If: _if,
    tree.Case: _case,
    tree.Operator: _operator,
}
"""How each class of node becomes SQL."""
