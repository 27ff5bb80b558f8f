"""The walk over typed nodes: literals, operands, operators, conditions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shangyi.query.cql import tree
from shangyi.query.cql.sql import arithmetic, comparison, logic, strings, temporal
from shangyi.query.cql.sql.builder import Builder, Call
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.values import Value, bounds, chosen, literal, null
from shangyi.query.sql import ir

OPERATORS: Mapping[str, Builder] = {
    **logic.OPERATORS,
    **comparison.OPERATORS,
    **arithmetic.OPERATORS,
    **strings.OPERATORS,
    **temporal.OPERATORS,
}


@dataclass(frozen=True, slots=True)
class Columns:
    """What references stand for: ``operands`` by name. ``offset``: of the evaluation, in minutes from UTC."""

    operands: Mapping[str, Value] = field(default_factory=dict)
    offset: int = 0


def compile_node(node: tree.Node, columns: Columns) -> Value:
    """A node in SQL; NoForm, with its place, where it has none."""
    try:
        return _form(node, columns)
    except NoForm as error:
        if not error.line:
            place = node.place
            error.library, error.line, error.column = place.library, place.line, place.column
            error.end_line, error.end_column = place.end_line, place.end_column
        raise


def _form(node: tree.Node, columns: Columns) -> Value:
    match node:
        case tree.Null():
            return null(node.type)
        case tree.Literal():
            return literal(node.value, node.type, columns.offset)
        case tree.OperandRef() if node.name in columns.operands:
            return columns.operands[node.name]
        case tree.If():
            return _choice(((node.condition, node.then),), node.otherwise, columns)
        case tree.Case(comparand=None):
            items = tuple((item.when, item.then) for item in node.items)
            return _choice(items, node.otherwise, columns)
        case tree.Operator():
            return _operator(node, columns)
    raise NoForm("{node} has no form in SQL yet", node=type(node).__name__)


def _operator(node: tree.Operator, columns: Columns) -> Value:
    build = OPERATORS.get(node.name)
    if build is None:
        raise NoForm("{node} has no form in SQL yet", node=node.name)
    call = Call(node, tuple(compile_node(operand, columns) for operand in node.operands))
    found = build(call)
    if found is None:
        types = ", ".join(map(str, call.types))
        raise NoForm("{node} of {types} has no form in SQL yet", node=node.name, types=types)
    return found


def _choice(items: tuple[tuple[tree.Node, tree.Node], ...], otherwise: tree.Node, columns: Columns) -> Value:
    """A condition that is null is false, in SQL as in CQL."""
    conditions = [bounds(compile_node(when, columns))[0] for when, _ in items]
    results = tuple(compile_node(then, columns) for then in (*(then for _, then in items), otherwise))

    def choose(found: tuple[ir.Expr, ...]) -> ir.Expr:
        return ir.Case(tuple(zip(conditions, found[:-1], strict=True)), found[-1])

    return chosen(results, choose)
