"""Queries over lists that stand within one row (https://cql.hl7.org/02-authorsguide.html#queries): a LIST of rows, each a
tuple of its sources. Queries over what patients have are relations (``population``).
"""

from collections.abc import Callable

from shangyi.query.cql import tree
from shangyi.query.cql.sql.aggregates import folded
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.lists import at_place, distinct
from shangyi.query.cql.sql.shapes import (
    bound,
    filtered,
    item,
    list_of,
    mapped,
    null,
    packed_type,
    unified,
    whole,
)
from shangyi.query.cql.sql.values import MOMENTS, Listed, Range, Scalar, Structure, Value, bounds, is_null
from shangyi.query.cql.types import ANY, ListOf, TupleOf, tuple_of
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr

Compile = Callable[[tree.Node, Columns], Value]


def query(node: tree.Query, at: Columns, compile_node: Compile) -> Value:
    """Rows of all sources, those that the condition is true of, returned or aggregated, sorted."""
    if node.relationships:
        raise NoForm("{node} has no form in SQL yet", node="Relationship")
    rows = _rows(node, at, compile_node)

    def within(row: Value) -> Columns:
        assert isinstance(row, Structure)
        inner = at
        for alias, value in row.elements:
            inner = inner.alias(alias, value)
        for let in node.lets:
            inner = inner.let(let.name, compile_node(let.expression, inner))
        return inner

    where = node.where
    if where is not None:
        rows = filtered(at, rows, lambda row: bounds(compile_node(where, within(row)))[0])
    if node.aggregate is not None:
        return _aggregated(node.aggregate, rows, at, within, compile_node)
    found = _returned(node, rows, at, within, compile_node)
    if not any(isinstance(source.expression.type, ListOf) for source in node.sources):
        return at_place(found, ir.number(0))
    return _sorted(node, found, at, compile_node)


def _rows(node: tree.Query, at: Columns, compile_node: Compile) -> Listed:
    """Every item of the first source with every one of the next."""
    rows: Listed | None = None
    for source in node.sources:
        items = _items(source, at, compile_node)
        if rows is None:
            rows = mapped(at, items, lambda one, s=source: _row((), s.alias, one))  # type: ignore[misc]
            continue
        own, added = rows, items

        def beside(row: Value, alias: str = source.alias, added: Listed = added) -> Value:
            assert isinstance(row, Structure)
            return mapped(at, added, lambda one: _row(row.elements, alias, one))

        nested = mapped(at, own, beside)
        element = nested.type.element
        assert isinstance(element, ListOf)
        rows = Listed(element, ir.call("flatten", nested.sql))
    assert rows is not None
    return rows


def _items(source: tree.Source, at: Columns, compile_node: Compile) -> Listed:
    """A source's items; of one that is no list the value, unless it is null. Of a null list there are none."""
    value = compile_node(source.expression, at)
    if not isinstance(value, Listed):
        if isinstance(source.expression.type, ListOf):
            return list_of(at, (), ANY)
        return filtered(at, list_of(at, (value,)), lambda one: ir.call("not", is_null(one)))
    empty = ir.Listed((), packed_type(value.type.element))
    return Listed(value.type, ir.call("coalesce", value.sql, empty))


def _row(others: tuple[tuple[str, Value], ...], alias: str, value: Value) -> Structure:
    elements = dict((*others, (alias, value)))
    type_ = tuple_of({name: element.type for name, element in elements.items()})
    return Structure(type_, tuple((name, elements[name]) for name, _ in type_.elements), ir.TRUE)


def _returned(
    node: tree.Query, rows: Listed, at: Columns, within: Callable[[Value], Columns], compile_node: Compile
) -> Listed:
    returns = node.returns
    if returns is not None:
        found = mapped(at, rows, lambda row: compile_node(returns.expression, within(row)))
        return _without_duplicates(at, found) if returns.distinct else found
    if len(node.sources) > 1:
        return _without_duplicates(at, rows)
    alias = node.sources[0].alias
    return mapped(at, rows, lambda row: within(row).aliases[alias])


def _without_duplicates(at: Columns, items: Listed) -> Listed:
    found = bound(at, (items,), lambda opened: distinct(at, _list(opened[0])))
    return _list(found)


def _list(value: Value) -> Listed:
    assert isinstance(value, Listed)
    return value


def _aggregated(
    clause: tree.AggregateClause,
    rows: Listed,
    at: Columns,
    within: Callable[[Value], Columns],
    compile_node: Compile,
) -> Value:
    starting = compile_node(clause.starting, at)
    row_type = rows.type.element
    assert isinstance(row_type, TupleOf)
    if starting.type == ANY:  # of the type of what is calculated
        each = within(item(row_type, at.fresh()))
        starting = null(
            compile_node(clause.expression, each.let(clause.name, null(clause.expression.type))).type
        )
    items = _without_duplicates(at, rows) if clause.distinct else rows

    def step(so_far: Value, row: Value) -> Value:
        made = compile_node(clause.expression, within(row).let(clause.name, so_far))
        return unified(at, (made, whole(starting)))[0]

    return folded(at, items, starting, step)


def _sorted(node: tree.Query, found: Listed, at: Columns, compile_node: Compile) -> Listed:
    """Nulls first, in ascending order; an imprecise date before those that it may stand for."""
    for clause in reversed(node.sort):
        expression = clause.expression

        def key(one: Value, expression: tree.Node | None = expression) -> Value:
            return one if expression is None else compile_node(expression, at.item("$this", one))

        found = _by_key(at, found, key, descending=clause.descending)
    return found


def _by_key(at: Columns, items: Listed, key: Callable[[Value], Value], *, descending: bool) -> Listed:
    """By a STRUCT of the key's columns and the place, which keeps those that are equal in order."""
    each, place = at.fresh(), at.fresh()
    own = key(item(items.type.element, each))
    if not isinstance(own, Scalar | Range) or (isinstance(own, Range) and own.type not in MOMENTS):
        raise NoForm("{node} of {types} has no form in SQL yet", node="Sort", types=str(own.type))
    low, high = bounds(own)
    missing = ir.Case(((is_null(own), ir.number(0)),), ir.number(1))
    position: Expr = ir.call("index", place)
    fields = (
        ("there", missing),
        ("low", low),
        ("high", high),
        ("place", ir.call("negative", position) if descending else position),
        ("item", each),
    )
    keyed = ir.call("list_map", items.sql, ir.Lambda((each, place), ir.Struct(fields)))
    ordered = ir.call("list_sorted_down" if descending else "list_sorted", keyed)
    pair = at.fresh()
    return Listed(items.type, ir.call("list_map", ordered, ir.Lambda((pair,), ir.Member(pair, "item"))))


def alias(node: tree.AliasRef, at: Columns, compile_node: Compile) -> Value:
    """An item of a source."""
    return _named(at.aliases.get(node.name), node.name)


def let(node: tree.QueryLetRef, at: Columns, compile_node: Compile) -> Value:
    """What a ``let`` defined, or the value so far."""
    return _named(at.lets.get(node.name), node.name)


def current(node: tree.Current, at: Columns, compile_node: Compile) -> Value:
    """``$this``."""
    return _named(at.items.get(node.scope), node.scope)


def _named(found: Value | None, name: str) -> Value:
    if found is None:
        raise NoForm("{node} has no form in SQL yet", node=name)
    return found


def filter_(node: tree.Filter, at: Columns, compile_node: Compile) -> Value:
    """The items for which the condition is true."""
    source = compile_node(node.source, at)
    if not isinstance(source, Listed):
        return null(node.type)
    return filtered(at, source, lambda one: bounds(compile_node(node.condition, at.item(node.scope, one)))[0])


def for_each(node: tree.ForEach, at: Columns, compile_node: Compile) -> Value:
    """``element`` of each item."""
    source = compile_node(node.source, at)
    if not isinstance(source, Listed):
        return null(node.type)
    return mapped(at, source, lambda one: compile_node(node.element, at.item(node.scope, one)))


NODES: dict[type[tree.Node], Callable[..., Value]] = {
    tree.Query: query,
    tree.AliasRef: alias,
    tree.QueryLetRef: let,
    tree.Current: current,
    tree.Filter: filter_,
    tree.ForEach: for_each,
}
