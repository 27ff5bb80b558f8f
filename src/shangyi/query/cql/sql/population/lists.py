"""Lists as rows: what gives rows, and what is made of them."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shangyi.query.cql import tree
from shangyi.query.cql.library import Library
from shangyi.query.cql.sql import shapes, values
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.population.items import (
    Element,
    Elements,
    Item,
    Literals,
    Missing,
    Port,
    Rows,
    Seen,
    exprs,
    there,
)
from shangyi.query.cql.sql.population.select import (
    Aggregated,
    Branches,
    Exists,
    Items,
    OneRow,
    Order,
    Select,
)
from shangyi.query.cql.types import INTEGER, Type
from shangyi.query.sql import ir
from shangyi.query.sql.dialect import Dialect
from shangyi.query.sql.ir import Expr

if TYPE_CHECKING:
    from shangyi.query.cql.sql.population.compiler import Compiler, Env


class NeedsRow(NoForm):
    """A list that is part of a row was asked for where there is none."""


def free(compiler: "Compiler", node: tree.Node, library: Library) -> Rows:
    """A list of all patients, each row with its patient."""
    from shangyi.query.cql.sql.population.compiler import Env
    from shangyi.query.cql.sql.population.references import patients

    try:
        found = compiler.rows(node, Env(library, None))
    except NeedsRow:
        found = None
    if found is not None and found.select.patient is not None:
        return found
    scope = patients(compiler)
    inner = compiler.rows(node, Env(library, scope))
    scope.join("CROSS JOIN LATERAL", inner.select)
    return _outside(inner, scope)


def _outside(rows: Rows, select: Select) -> Rows:
    """The same rows as they are seen from a select that joins them."""
    port = Port(rows.select.expose)
    expose = rows.select.expose
    return Rows(
        select,
        port.seen([rows.item]),
        tuple(map(expose, rows.key)),
        tuple(map(expose, rows.place)),
        tuple((expose(sql), direction) for sql, direction in rows.order),
        rows.whole,
    )


def rows(compiler: "Compiler", item: Item, env: "Env", type_: Type) -> Rows:
    """An item that is a list, as rows."""
    if isinstance(item, Rows):
        return item
    names = compiler.calls.names
    if isinstance(item, Missing):
        empty = Select(names, OneRow(), env.scope)
        empty.where(ir.FALSE)
        return Rows(empty, item)
    if env.scope is None:
        raise NeedsRow("{node} has no form in SQL here", node="List")
    if isinstance(item, Elements) or (isinstance(item, Seen) and item.listed):
        return _elements(item, env.scope)
    if isinstance(item, values.Listed):
        column = names.fresh()
        select = Select(names, Items(env.scope.bind(item.sql), column), env.scope)
        return Rows(select, shapes.item(item.type.element, ir.Name(column)))
    if isinstance(item, Literals):
        return _literals(item, env.scope)
    raise NoForm("{node} has no form in SQL yet", node=str(type_))


def _literals(item: Literals, scope: Select) -> Rows:
    selects = tuple(Select(scope.names, OneRow(), scope) for _ in item.items)
    select = Select(scope.names, Branches(selects), scope)
    return Rows(select, Port(select.take).seen(list(item.items)))


def _elements(item: Elements | Seen, scope: Select) -> Rows:
    listed, like = _column(item)
    column = scope.names.fresh()
    select = Select(scope.names, Items(listed, column), scope)
    select.where(ir.is_there(ir.Name(column)))
    return Rows(select, Element(like.type, ir.Name(column), like.fields, like.path, like.beyond))


def _column(item: Item | None) -> tuple[Expr, Elements]:
    if isinstance(item, Elements):
        return item.sql, item
    assert isinstance(item, Seen)
    inner = [None if found is None else _column(found) for found in item.inner]
    like = next(found[1] for found in inner if found is not None)
    return item.port.column([None if found is None else found[0] for found in inner]), like


# --- What is made of rows


def deduplicated(found: Rows) -> Rows:
    """With what was left open in force: rows that agree in the key are one."""
    if not found.key:
        return found
    inner = found.select
    for sql in found.key:
        inner.expose(sql)
    inner.distinct = True
    select = inner.over()
    take = select.take
    return Rows(
        select,
        Port(take).seen([found.item]),
        (),
        tuple(map(take, found.place)) if found.whole else (),
        tuple((take(sql), direction) for sql, direction in found.order),
        found.whole,
    )


def exists(found: Rows) -> Expr:
    """Whether there is an item that is not null."""
    found.select.where(there(found.item))
    return Exists(found.select)


def count(found: Rows, nulls: bool = False) -> values.Scalar:
    """How many items are not null, or with ``nulls`` all."""
    found = deduplicated(found)
    if not nulls:
        found.select.where(there(found.item))
    found.select.expose(ir.TRUE)
    total = Aggregated(found.select, (), lambda: "count(*)")
    return values.Scalar(INTEGER, ir.Cast(total, ir.INT))


_REVERSED = {
    "ASC NULLS FIRST": "DESC NULLS LAST",
    "DESC NULLS LAST": "ASC NULLS FIRST",
    "DESC NULLS FIRST": "ASC NULLS LAST",
    "ASC NULLS LAST": "DESC NULLS FIRST",
}


def end(found: Rows, scope: Select, last: bool) -> Item:
    """``First``, ``Last``."""
    order: tuple[Order, ...] = (*found.order, *((sql, "ASC NULLS FIRST") for sql in found.place))
    if not order:
        raise NoForm("The first of a list has no form in SQL where nothing orders it: sort it")
    select = found.select
    if last:
        order = tuple((sql, _REVERSED[direction]) for sql, direction in order)  # type: ignore[misc]
    select.order, select.limit = order, 1
    return beside(found, scope)


def beside(found: Rows, scope: Select) -> Item:
    """The item of rows of which there is at most one for each row of the scope."""
    scope.join("LEFT JOIN LATERAL", found.select, ir.TRUE)
    return Port(found.select.expose, optional=True).seen([found.item])


@dataclass(frozen=True, eq=False)
class Window(ir.Subquery):
    """How many rows there are, in each of them."""

    def written(self, dialect: Dialect) -> str:
        """``count(*) OVER ()``."""
        return "count(*) OVER ()"


def singleton(found: Rows, scope: Select) -> Item:
    """``SingletonFrom``: the only item; null where there are several, which is a fault at the bedside."""
    found = deduplicated(found)
    size = found.select.expose(Window())
    over = found.select.over()
    item = Port(over.take).seen([found.item])
    over.where(ir.call("eq", size, ir.number(1)))
    return beside(Rows(over, item), scope)


def identity(found: Rows) -> tuple[Expr, ...]:
    """What tells items apart."""
    return found.place if found.whole and found.place else tuple(exprs(found.item))


def union(compiler: "Compiler", branches: list[Rows], env: "Env") -> Rows:
    """The items of all, each once."""
    names = compiler.calls.names
    select = Select(names, Branches(tuple(branch.select for branch in branches)), env.scope)
    patients = [branch.select.patient for branch in branches]
    if all(patient is not None for patient in patients):
        select.patient = select.take(*(p for p in patients if p is not None))
    elif any(patient is not None for patient in patients):
        raise NeedsRow("{node} has no form in SQL here", node="Union")
    port = Port(select.take)
    item = port.seen([branch.item for branch in branches])
    if all(branch.whole and branch.place for branch in branches):
        place = (port.column([branch.place[0] for branch in branches]),)
        return Rows(select, item, place, place, (), True)
    return Rows(select, item, tuple(exprs(item)))


def matched(left: Rows, right: Rows, negated: bool) -> Rows:
    """``intersect`` (or ``except``): the items of the left that are (not) in the right, each once."""
    mine, others = identity(left), identity(right)
    if len(mine) != len(others):
        raise NoForm("{node} has no form in SQL here", node="Intersect")
    right.select.where(ir.both(*(ir.call("same", a, b) for a, b in zip(mine, others, strict=True))))
    found: Expr = Exists(right.select)
    left.select.where(ir.negated(found) if negated else found)
    return replace(left, key=mine)


def _filter(compiler: "Compiler", node: tree.Filter, env: "Env") -> Item:
    found = compiler.rows(node.source, env)
    inner = replace(env, scope=found.select, items={**env.items, node.scope: found.item})
    found.select.where(compiler.truth(node.condition, inner))
    return found


def _for_each(compiler: "Compiler", node: tree.ForEach, env: "Env") -> Item:
    found = deduplicated(compiler.rows(node.source, env))
    inner = replace(env, scope=found.select, items={**env.items, node.scope: found.item})
    item = compiler.bound(compiler.node(node.element, inner), inner)
    return replace(found, item=item, whole=False, order=())


BUILDERS: dict[type[tree.Node], Any] = {tree.Filter: _filter, tree.ForEach: _for_each}
