"""http://hl7.org/fhirpath/N1/#filtering-and-projection"""

from shangyi.query import typed
from shangyi.query.sql import ir, values
from shangyi.query.sql.base import Builder, Compiler, criterion
from shangyi.query.sql.equality import distinct, present
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.existence import kept
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import EMPTY, Item, Value

DEEPEST = 40
"""Levels after which a repetition is taken to have no end; columns are never nested so deeply."""


def _where(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    source, test = compiler.node(call.source, scope), call.arguments[0]
    if isinstance(source, Item):
        if not source.alternatives:
            return EMPTY
        return source.under(criterion(compiler, test, scope.item(source, ir.number(0))))
    return kept(compiler, source, test, scope) if source.slots else EMPTY


def _select(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    source, projection = compiler.node(call.source, scope), call.arguments[0]
    if isinstance(source, Item):
        if not source.alternatives:
            return EMPTY
        found = compiler.node(projection, scope.item(source, ir.number(0)))
        return only_where(found, source.present)
    return values.flat_map(
        source, lambda item, index: compiler.node(projection, scope.item(item, index)), compiler.names
    )


def only_where(value: Value, condition: ir.Expr) -> Value:
    """The value where a condition holds, else nothing."""
    if isinstance(value, Item):
        return value.under(condition)
    return values.Many(value.slots, ir.when(condition, value.sql))


def descend(
    compiler: Compiler, source: Value, projections: tuple[typed.Node, ...], scope: Scope
) -> list[Value]:
    """Level by level what the projections give, on the source and on their own results, until the columns end."""
    levels: list[Value] = []
    for _ in range(DEEPEST):
        source = values.joined([step(compiler, source, p, scope) for p in projections], compiler.names)
        if source == EMPTY:
            return levels
        levels.append(source)
    raise CompilationError("This repetition has no end")


def step(compiler: Compiler, source: Value, projection: typed.Node, scope: Scope) -> Value:
    """What one projection gives for each item."""
    if isinstance(source, Item):
        return EMPTY if source == EMPTY else compiler.node(projection, scope.item(source, None))
    return values.flat_map(
        source, lambda item, index: compiler.node(projection, scope.item(item, None)), compiler.names
    )


def _repeat_all(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    levels = descend(compiler, compiler.node(call.source, scope), call.arguments, scope)
    return values.joined(levels, compiler.names)


def _repeat(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    return distinct(compiler, _repeat_all(compiler, call, scope))


def _coalesce(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    source = compiler.node(call.source, scope)
    choices = [compiler.node(a, scope.item(source, scope.index)) for a in call.arguments]
    before: list[ir.Expr] = []
    parts: list[Value] = []
    for choice in choices:
        if choice == EMPTY:
            continue
        parts.append(only_where(choice, ir.both(*(ir.negated(p) for p in before))))
        before.append(present(choice))
    return values.exclusive(parts, compiler.names)


FUNCTIONS: dict[str, Builder] = {
    "where": _where,
    "select": _select,
    "repeat": _repeat,
    "repeatAll": _repeat_all,
    "coalesce": _coalesce,
}
