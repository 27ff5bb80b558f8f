"""http://hl7.org/fhirpath/N1/#subsetting and http://hl7.org/fhirpath/N1/#combining"""

from shangyi.query import typed
from shangyi.query.sql import ir, values
from shangyi.query.sql.base import Builder, Compiler, only, single
from shangyi.query.sql.equality import distinct, member_test
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import EMPTY, Item, Many, Value
from shangyi.query.types import INTEGER


def _whole(compiler: Compiler, value: Value, node: typed.Node) -> Expr:
    found = only(single(compiler, value, node), INTEGER)
    if found is None:
        raise CompilationError("A whole number is needed here")
    return found.sql


def _number(compiler: Compiler, call: typed.Call, scope: Scope) -> Expr:
    node = call.arguments[0]
    return _whole(compiler, compiler.node(node, scope), node)


def at(compiler: Compiler, source: Value, index: Value, node: typed.At) -> Value:
    """``items[index]``."""
    if index == EMPTY or source == EMPTY:
        return EMPTY
    place = _whole(compiler, index, node.index)
    if isinstance(source, Item):
        return source.under(ir.call("eq", place, ir.number(0)))
    found: Expr = ir.call("list_at", source.sql, place)
    if not isinstance(place, ir.Literal):
        found = ir.when(ir.call("ge", place, ir.number(0)), found)
    elif isinstance(place.value, int) and place.value < 0:
        return EMPTY
    return values.opened(source.slots, found)


def _one(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    return single(compiler, compiler.node(call.source, scope), call)


def _first(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    source = compiler.node(call.source, scope)
    if isinstance(source, Item) or not source.slots:
        return source
    return values.opened(source.slots, ir.call("list_at", source.sql, ir.number(0)))


def _last(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    source = compiler.node(call.source, scope)
    if isinstance(source, Item) or not source.slots:
        return source
    return values.opened(source.slots, ir.call("list_last", source.sql))


def _tail(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    source = compiler.node(call.source, scope)
    return EMPTY if isinstance(source, Item) else _from(source, ir.number(1))


def _from(source: Many, place: Expr) -> Value:
    return Many(source.slots, ir.call("list_from", source.sql, place)) if source.slots else EMPTY


def _not_negative(place: Expr) -> Expr:
    if isinstance(place, ir.Literal) and isinstance(place.value, int):
        return ir.number(max(0, place.value))
    return ir.call("greatest", place, ir.number(0))


def _skip(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    source, place = compiler.node(call.source, scope), _number(compiler, call, scope)
    if isinstance(source, Item):
        return source.under(ir.call("le", place, ir.number(0)))
    return _from(source, _not_negative(place))


def _take(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    source, place = compiler.node(call.source, scope), _number(compiler, call, scope)
    if isinstance(source, Item):
        return source.under(ir.call("gt", place, ir.number(0)))
    if not source.slots:
        return EMPTY
    return Many(source.slots, ir.call("list_until", source.sql, _not_negative(place)))


def _chosen(compiler: Compiler, call: typed.Call, scope: Scope, wanted: bool) -> Value:
    """The items of the source that are in the argument, or are not."""
    source = compiler.node(call.source, scope)
    test = member_test(compiler, compiler.node(call.arguments[0], scope))
    items = values.listed(source)
    if not items.slots:
        return EMPTY
    x = compiler.names.fresh()
    found = test(values.opened(items.slots, x))
    keep = found if wanted else ir.negated(found)
    return Many(items.slots, ir.call("list_filter", items.sql, ir.Lambda((x,), keep)))


def _intersect(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    return distinct(compiler, _chosen(compiler, call, scope, True))


def _exclude(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    return _chosen(compiler, call, scope, False)


def union(compiler: Compiler, left: Value, right: Value) -> Value:
    """Both, each item once."""
    return distinct(compiler, values.joined((left, right), compiler.names))


def _union(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    return union(compiler, compiler.node(call.source, scope), compiler.node(call.arguments[0], scope))


def _combine(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    parts = (compiler.node(call.source, scope), compiler.node(call.arguments[0], scope))
    return values.joined(parts, compiler.names)


FUNCTIONS: dict[str, Builder] = {
    "single": _one,
    "first": _first,
    "last": _last,
    "tail": _tail,
    "skip": _skip,
    "take": _take,
    "intersect": _intersect,
    "exclude": _exclude,
    "union": _union,
    "combine": _combine,
}
