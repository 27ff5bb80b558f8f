"""Queries over rows: sources joined by patient, relationships as semi joins, ``where``, ``return``, ``sort``."""

from dataclasses import replace
from typing import TYPE_CHECKING

from shangyi.query.cql import tree
from shangyi.query.cql.sql import values
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.population import lists, quantities
from shangyi.query.cql.sql.population.items import (
    MISSING,
    Delayed,
    Fields,
    Item,
    Missing,
    Port,
    Rows,
    exprs,
    there,
)
from shangyi.query.cql.sql.population.select import Exists, Order
from shangyi.query.cql.types import ListOf
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr

if TYPE_CHECKING:
    from shangyi.query.cql.sql.population.compiler import Compiler, Env


def query(compiler: "Compiler", node: tree.Query, env: "Env") -> Item:
    """Rows, or one item where no source is a list."""
    if node.aggregate is not None:
        raise NoForm("{node} has no form in SQL yet", node="aggregate")
    if not any(isinstance(source.expression.type, ListOf) for source in node.sources):
        return _single(compiler, node, env)
    rows, env = _sources(compiler, node, env)
    env = _lets(compiler, node, env)
    for relationship in node.relationships:
        rows.select.where(_related(compiler, relationship, env))
    if node.where is not None:
        rows.select.where(compiler.truth(node.where, env))
    found = _returned(compiler, node, rows, env)
    return replace(found, order=_order(compiler, node, found, env)) if node.sort else found


def _single(compiler: "Compiler", node: tree.Query, env: "Env") -> Item:
    """Of single values: null where one of them is, or where the condition is not true."""
    from shangyi.query.cql.sql.population.compiler import choose

    conditions: list[Expr] = []
    aliases = dict(env.aliases)
    for source in node.sources:
        item = compiler.bound(compiler.node(source.expression, env), env)
        conditions.append(there(item))
        aliases[source.alias] = item
    env = _lets(compiler, node, replace(env, aliases=aliases))
    conditions += [_related(compiler, relationship, env) for relationship in node.relationships]
    if node.where is not None:
        conditions.append(compiler.truth(node.where, env))
    if node.returns is not None:
        result = compiler.node(node.returns.expression, env)
    elif len(node.sources) == 1:
        result = aliases[node.sources[0].alias]
    else:
        result = Fields({source.alias: aliases[source.alias] for source in node.sources})
    condition = ir.both(*conditions)
    if condition == ir.TRUE:
        return result
    if condition == ir.FALSE or isinstance(result, Missing):
        return MISSING
    if node.returns is None and not node.relationships and node.where is None:
        return result
    type_ = node.type
    return choose(compiler, [condition], [result, MISSING], type_)


def _sources(compiler: "Compiler", node: tree.Query, env: "Env") -> tuple[Rows, "Env"]:
    outer, rows = env, None
    aliases = dict(env.aliases)
    keep = node.returns is not None and not node.returns.distinct
    for source in node.sources:
        if not isinstance(source.expression.type, ListOf):
            raise NoForm(
                "{node} of {types} has no form in SQL yet", node="from", types=str(source.expression.type)
            )
        found = compiler.rows(source.expression, outer)
        if found.key and (keep or len(node.sources) > 1):
            found = lists.deduplicated(found)
        if rows is None:
            rows, item = found, found.item
        else:
            rows, item = _joined(rows, found)
        aliases[source.alias] = item
    assert rows is not None
    return rows, replace(env, scope=rows.select, aliases=aliases)


def _joined(rows: Rows, other: Rows) -> tuple[Rows, Item]:
    left, right = rows.select.patient, other.select.patient
    port = Port(other.select.expose)
    on = ir.TRUE if left is None or right is None else ir.call("eq", other.select.expose(right), left)
    rows.select.join("JOIN", other.select, on)
    if left is None and right is not None:
        rows.select.patient = other.select.expose(right)
    place = (*rows.place, *map(other.select.expose, other.place))
    return replace(rows, place=place, whole=False), port.seen([other.item])


def _lets(compiler: "Compiler", node: tree.Query, env: "Env") -> "Env":
    for let in node.lets:
        if isinstance(let.expression.type, ListOf):
            item: object = Delayed(let.expression, env)
        else:
            item = compiler.bound(compiler.node(let.expression, env), env)
        env = replace(env, lets={**env.lets, let.name: item})  # type: ignore[dict-item]
    return env


def _related(compiler: "Compiler", node: tree.Relationship, env: "Env") -> Expr:
    """``with``, ``without``: whether a row of the other source holds the condition."""
    if not isinstance(node.expression.type, ListOf):
        raise NoForm("{node} of {types} has no form in SQL yet", node="with", types=str(node.expression.type))
    other = compiler.rows(node.expression, env)
    inner = replace(env, scope=other.select, aliases={**env.aliases, node.alias: other.item})
    other.select.where(compiler.truth(node.condition, inner))
    found = Exists(other.select)
    return ir.negated(found) if node.negated else found


def _returned(compiler: "Compiler", node: tree.Query, rows: Rows, env: "Env") -> Rows:
    if node.returns is None:
        if len(node.sources) == 1:
            return rows
        item: Item = Fields({source.alias: env.aliases[source.alias] for source in node.sources})
        return replace(rows, item=item, key=tuple(exprs(item)), order=())
    item = compiler.bound(compiler.node(node.returns.expression, env), env)
    if isinstance(item, Rows):
        raise NoForm("{node} has no form in SQL yet", node="List<List>")
    key = tuple(exprs(item)) if node.returns.distinct else ()
    return replace(rows, item=item, key=key, order=(), whole=False)


def _order(compiler: "Compiler", node: tree.Query, rows: Rows, env: "Env") -> tuple[Order, ...]:
    found: list[Order] = []
    for sort in node.sort:
        inner = replace(env, items={**env.items, "$this": rows.item})
        item = rows.item if sort.expression is None else compiler.node(sort.expression, inner)
        type_ = node.type.element if isinstance(node.type, ListOf) else node.type
        value = compiler.columns(item, type_ if sort.expression is None else sort.expression.type)
        found += order_by(value, sort.descending)
    return tuple(found)


def order_by(value: values.Value, descending: bool) -> list[Order]:
    """Nulls first; an imprecise date before those that it may stand for."""
    up, down = "ASC NULLS FIRST", "DESC NULLS LAST"
    first = down if descending else up
    match value:
        case values.Scalar(sql=sql):
            return [(sql, first)]  # type: ignore[list-item]
        case values.Range(low=low, high=high):
            return [(low, first), (high, "ASC NULLS LAST" if descending else "DESC NULLS FIRST")]  # type: ignore[list-item]
        case values.Quantity():
            return [(quantities.ordered(value), first)]  # type: ignore[list-item]
    raise NoForm("{node} of {types} has no form in SQL yet", node="sort", types=str(value.type))
