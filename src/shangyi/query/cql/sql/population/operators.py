"""Operators over rows, codes and choices; all others are those over columns."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from shangyi.query.cql import tree
from shangyi.query.cql.sql import shapes, values
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.population import lists
from shangyi.query.cql.sql.population.items import (
    MISSING,
    Coded,
    Element,
    Elements,
    Item,
    Literals,
    Missing,
    Rows,
    Seen,
    Side,
    there,
    through,
)
from shangyi.query.cql.sql.population.retrieves import element_codes, keys_of, overlapping
from shangyi.query.cql.sql.population.select import Exists
from shangyi.query.cql.types import BOOLEAN, STRING, ListOf
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr

if TYPE_CHECKING:
    from shangyi.query.cql.sql.population.compiler import Compiler, Env

Build = Callable[["Compiler", tree.Operator, "Env"], Item]


def operator(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
    """What an operator is."""
    from shangyi.query.cql.sql.population.compiler import over_columns

    build = BUILDERS.get(node.name)
    if build is not None:
        found = build(compiler, node, env)
        if found is not None:
            return found
    operands = [compiler.node(operand, env) for operand in node.operands]
    operands = [compiler.bound(operand, env) for operand in operands]
    return over_columns(compiler, node, operands, env.scope)


def truth(sql: Expr) -> values.Scalar:
    """A Boolean."""
    return values.Scalar(BOOLEAN, sql)


def _connected(join: Callable[..., Expr]) -> Build:
    def build(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
        return truth(join(*(compiler.truth(operand, env) for operand in node.operands)))

    return build


def _not(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
    return truth(ir.negated(compiler.truth(node.operands[0], env)))


def _is_null(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
    return truth(ir.negated(there(compiler.node(node.operands[0], env))))


def _exists(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
    compiler.scope(env)
    return truth(lists.exists(compiler.rows(node.operands[0], env)))


def _count(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
    compiler.scope(env)
    return lists.count(compiler.rows(node.operands[0], env))


def _end(last: bool) -> Build:
    def build(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
        scope = compiler.scope(env)
        source = compiler.node(node.operands[0], env)
        if isinstance(source, values.Listed):
            at = ir.call("list_last", source.sql) if last else ir.call("list_at", source.sql, ir.number(0))
            return shapes.item(source.type.element, at)
        return lists.end(lists.rows(compiler, source, env, node.operands[0].type), scope, last)

    return build


def _singleton(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
    source = compiler.node(node.operands[0], env)
    if isinstance(source, Literals) and len(source.items) == 1:
        return source.items[0]
    scope = compiler.scope(env)
    return lists.singleton(lists.rows(compiler, source, env, node.operands[0].type), scope)


def _union(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
    if not isinstance(node.type, ListOf):
        return None  # type: ignore[return-value]
    return lists.union(compiler, _branches(compiler, node, env), env)


def _branches(compiler: "Compiler", node: tree.Node, env: "Env") -> list[Rows]:
    """Unions within unions, and the casts between them, are one."""
    inner: tree.Node = node
    while isinstance(inner, tree.As) and isinstance(inner.type, ListOf):
        inner = inner.operand
    if isinstance(inner, tree.Operator) and inner.name == "Union":
        return [rows for operand in inner.operands for rows in _branches(compiler, operand, env)]
    found = compiler.rows(inner, env)
    return [] if isinstance(found.item, Missing) else [found]


def _matched(negated: bool) -> Build:
    def build(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
        if not isinstance(node.type, ListOf):
            return None  # type: ignore[return-value]
        left = compiler.rows(node.operands[0], env)
        right = compiler.rows(node.operands[1], env.within(left.select))
        return lists.matched(left, right, negated)

    return build


def _in(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
    item_node, list_node = node.operands if node.name == "In" else reversed(node.operands)
    if not isinstance(list_node.type, ListOf):
        return None  # type: ignore[return-value]
    value = compiler.bound(compiler.columns(compiler.node(item_node, env), item_node.type), env)
    listed = compiler.node(list_node, env)
    if isinstance(value, values.Scalar) and isinstance(listed, Literals):
        members = [compiler.columns(member, list_node.type.element) for member in listed.items]
        columns = [member.sql for member in members if isinstance(member, values.Scalar)]
        if len(columns) == len(members) and not any(map(ir.is_nothing, columns)):
            return truth(ir.certain(ir.call("in", value.sql, *columns)) if columns else ir.FALSE)
    if isinstance(value, values.Scalar) and env.scope is not None:
        rows = lists.rows(compiler, listed, env, list_node.type)
        member = compiler.columns(rows.item, list_node.type.element)
        if isinstance(member, values.Scalar):
            rows.select.where(ir.call("same", member.sql, value.sql))
            return truth(Exists(rows.select))
    raise NoForm("{node} of {types} has no form in SQL yet", node=node.name, types=str(list_node.type))


def _message(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
    """The source; of an error, which is a fault of the resident at the bedside, null."""
    from shangyi.query.cql.sql.population.compiler import choose

    source, condition, _, severity, *_rest = (*node.operands, None, None, None, None)
    assert source is not None
    if not isinstance(severity, tree.Literal) or severity.value != "Error":
        return compiler.node(source, env)
    test = ir.TRUE if condition is None else compiler.truth(condition, env)
    if test == ir.TRUE:
        return MISSING
    return choose(compiler, [test], [MISSING, compiler.node(source, env)], node.type)


def _split(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
    text, separator = (compiler.value(operand, env) for operand in node.operands)
    if not isinstance(text, values.Scalar) or not isinstance(separator, values.Scalar):
        raise NoForm("{node} has no form in SQL yet", node=node.name)
    return values.Listed(ListOf(STRING), ir.call("split", text.sql, separator.sql))


# --- Codes


def codes(compiler: "Compiler", item: Item) -> list[Coded]:
    """The codes that an item has: of a choice those of each option that is a code or concept."""
    if isinstance(item, Coded):
        return [item]
    if isinstance(item, Side):
        coded = (option for option in item.options if not isinstance(option, values.Scalar))
        return [code for option in coded for code in codes(compiler, option)]
    if isinstance(item, Element | Seen) and not (isinstance(item, Seen) and item.listed):
        made = through(item, lambda e: _element_codes(compiler, e))
        return [made] if isinstance(made, Coded) else []
    if isinstance(item, values.Scalar):
        key = ir.call("concat", ir.text("|"), item.sql)
        return [Coded(ir.Listed((key,)), ir.Case(((ir.is_there(item.sql), ir.TRUE),)))]
    return []


def _element_codes(compiler: "Compiler", element: Element | Elements) -> Item:
    found = element_codes(element, compiler.offset) if isinstance(element, Element) else None
    return MISSING if found is None else found


def _equivalent(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
    """``~`` of codes and concepts: whether one code of one is one of the other (system and code)."""
    from shangyi.query.cql.sql.population.compiler import over_columns

    items = [compiler.node(operand, env) for operand in node.operands]
    if not any(isinstance(item, Coded) for item in items):
        if any(isinstance(item, Missing) for item in items):
            both = ir.both(*(ir.negated(there(item)) for item in items))
            return truth(ir.negated(both) if node.name == "NotEquivalent" else both)
        return over_columns(compiler, node, items, env.scope)
    left, right = (codes(compiler, item) for item in items)
    neither = ir.both(*(ir.negated(there(item)) for item in items))
    same = ir.either(*(_shared(one, other) for one in left for other in right))
    found = ir.either(neither, same)
    return truth(ir.negated(found) if node.name == "NotEquivalent" else found)


def _shared(left: Coded, right: Coded) -> Expr:
    for one, other in ((left, right), (right, left)):
        if isinstance(one.keys, ir.Listed) and one.there == ir.TRUE and len(one.keys.items) <= 4:
            held = (ir.call("list_contains", other.keys, item) for item in one.keys.items)
            return ir.certain(ir.either(*held))
    return ir.certain(ir.call("list_overlaps", left.keys, right.keys))


def _in_value_set(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
    source, set_ = node.operands
    wanted = keys_of(compiler, set_, env)
    listed = isinstance(source.type, ListOf)
    rows = compiler.rows(source, env) if listed else None
    item = compiler.node(source, env) if rows is None else rows.item
    found = codes(compiler, item)
    if not found and not isinstance(item, Missing):
        raise NoForm("{node} of {types} has no form in SQL yet", node=node.name, types=str(source.type))
    held = ir.either(*(overlapping(compiler, coded.keys, wanted) for coded in found))
    if rows is None:
        return truth(held)
    rows.select.where(held)
    return truth(Exists(rows.select))


def _to_concept(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
    item = compiler.node(node.operands[0], env)
    if isinstance(item, Coded):
        return replace(item, code=None, system=None)
    if isinstance(item, Missing):
        return item
    raise NoForm(
        "{node} of {types} has no form in SQL yet", node="ToConcept", types=str(node.operands[0].type)
    )


def _to_list(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
    return Literals((compiler.node(node.operands[0], env),))


def _age_at(compiler: "Compiler", node: tree.Operator, env: "Env") -> Item:
    made = replace(node, name="DurationBetween", precision=node.precision or "year")
    return operator(compiler, made, env)


BUILDERS: dict[str, Build] = {
    "And": _connected(ir.both),
    "Or": _connected(ir.either),
    "Not": _not,
    "IsNull": _is_null,
    "Exists": _exists,
    "Count": _count,
    "First": _end(False),
    "Last": _end(True),
    "SingletonFrom": _singleton,
    "Split": _split,
    "Union": _union,
    "Intersect": _matched(False),
    "Except": _matched(True),
    "In": _in,
    "Contains": _in,
    "Message": _message,
    "Equivalent": _equivalent,
    "NotEquivalent": _equivalent,
    "InValueSet": _in_value_set,
    "AnyInValueSet": _in_value_set,
    "ToConcept": _to_concept,
    "ToList": _to_list,
    "CalculateAgeAt": _age_at,
}
