"""What every section of the compiler asks: places of errors, single values, criteria, loops."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol

from shangyi.query import typed
from shangyi.query.columns import Table
from shangyi.query.errors import excerpt
from shangyi.query.sql import ir, values
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import EMPTY, Alternative, Item, Many, Names, Value
from shangyi.query.temporal import DateTime
from shangyi.query.types import BOOLEAN, ItemType


class Compiler(Protocol):
    """The walk, as sections see it."""

    table: Table
    text: str
    names: Names
    now: DateTime
    in_view: bool
    others: Mapping[str, Table] | None
    joins: list[Any]

    def node(self, node: typed.Node, scope: Scope) -> Value:
        """What a node is in SQL."""


Builder = Callable[[Compiler, typed.Call, Scope], Value]


def single(compiler: Compiler, value: Value, node: typed.Node) -> Item:
    """The one item; at run time an error where there are several, as the specification has it.

    In a view what can be several is an error at once, whatever the data hold.
    """
    several = node.type.max is None or node.type.max > 1
    if compiler.in_view and several and (isinstance(value, Many) or not value.slots):
        span = node.span
        raise CompilationError(
            "One value is needed here: choose one with first(), or ask exists()",
            line=span.line,
            column=span.column,
            context=excerpt(compiler.text, span.start, span.end),
        )
    if isinstance(value, Item):
        return value
    if not value.slots:
        return EMPTY
    return at_most_one(compiler, value, node)


def at_most_one(compiler: Compiler, many: Many, node: typed.Node) -> Item:
    """The first of a list that has no second, else an error that names the place in the expression."""
    span = node.span
    message = (
        f"One value is needed here, not several: {compiler.text} (line {span.line}, column {span.column})"
    )
    several = ir.call("gt", ir.call("list_length", many.sql), ir.number(1))
    refusal = ir.Cast(ir.call("error", ir.text(message)), many.item_type)
    chosen = ir.Case(((several, refusal),), ir.call("list_at", many.sql, ir.number(0)))
    return values.opened(many.slots, chosen)


def criterion(compiler: Compiler, node: typed.Node, scope: Scope) -> Expr:
    """A Boolean, NULL where it is unknown; a single item of another type counts as true."""
    return truth(single(compiler, compiler.node(node, scope), node))


def truth(item: Item) -> Expr:
    """An item where a Boolean is needed (http://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections)."""
    if not item.alternatives:
        return ir.UNKNOWN
    if len(item.alternatives) == 1 and item.alternatives[0].kind == BOOLEAN:
        return item.alternatives[0].sql
    whens: list[tuple[Expr, Expr]] = []
    for alternative in item.alternatives:
        if alternative.kind == BOOLEAN:
            whens.append((ir.is_there(alternative.sql), alternative.sql))
        elif alternative.guard is not None:
            whens.append((alternative.guard, ir.TRUE))
        else:
            whens.append((ir.is_there(alternative.sql), ir.TRUE))
    if whens[0][0] == ir.TRUE:
        return whens[0][1]
    return ir.Case(tuple(whens), ir.UNKNOWN)


def only(item: Item, *kinds: ItemType) -> Alternative | None:
    """The one alternative of these System types, None where there is none; CompilationError of several."""
    found = [a for a in item.alternatives if a.kind in kinds]
    if len(found) > 1:
        collapsed = values.collapsed(Item(tuple(found)))
        found = list(collapsed.alternatives)
    if len(found) > 1:
        first = {a.slot.sql_type for a in found}
        names = " or ".join(str(a.slot.type) for a in found)
        if len(first) == 1 and len({a.kind for a in found}) == 1:
            sql = ir.call("coalesce", *(a.sql for a in found))
            return Alternative(found[0].slot, sql)
        raise CompilationError("This can be {types}; narrow it with ofType()", types=names)
    return found[0] if found else None


def constant(item: Item) -> object:
    """The value where it is known while compiling, else None."""
    return item.alternatives[0].constant if len(item.alternatives) == 1 else None


def literal(value: object) -> Expr:
    """A System value as SQL."""
    if isinstance(value, bool | str | int | Decimal):
        return ir.Literal(value)
    return ir.text(str(value))


def shared(compiler: Compiler, sql: Expr, of: ir.SqlType, use: Callable[[Expr], Expr]) -> Expr:
    """``use(sql)`` where ``sql`` is written once only, by way of a list of one item."""
    if ir.cheap(sql):
        return use(sql)
    variable = compiler.names.fresh()
    body = use(variable)
    mapped = ir.call("list_map", ir.Listed((sql,), of), ir.Lambda((variable,), body))
    return ir.call("list_at", mapped, ir.number(0))
