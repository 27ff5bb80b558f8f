"""http://hl7.org/fhirpath/N1/#existence"""

from shangyi.query import typed
from shangyi.query.sql import ir, values
from shangyi.query.sql.base import Builder, Compiler, criterion, only
from shangyi.query.sql.equality import distinct, member_test, present
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import Item, Many, Value
from shangyi.query.types import BOOLEAN, INTEGER


def _exists(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    source = compiler.node(call.source, scope)
    if not call.arguments:
        return values.truth(present(source))
    return values.truth(some(compiler, source, call.arguments[0], scope))


def some(compiler: Compiler, source: Value, test: typed.Node, scope: Scope) -> Expr:
    """Whether a criterion holds for any item."""
    if isinstance(source, Item):
        held = criterion(compiler, test, scope.item(source, ir.number(0)))
        return ir.both(source.present, ir.certain(held))
    if not source.slots:
        return ir.FALSE
    return present(kept(compiler, source, test, scope))


def kept(compiler: Compiler, source: Many, test: typed.Node, scope: Scope) -> Many:
    """The items for which a criterion holds."""
    x, i = compiler.names.fresh(), compiler.names.fresh()
    item = values.opened(source.slots, x)
    held = criterion(compiler, test, scope.item(item, ir.call("index", i)))
    return Many(source.slots, ir.call("list_filter", source.sql, values.mapping(x, i, ir.certain(held))))


def _all(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    source = compiler.node(call.source, scope)
    if isinstance(source, Item):
        held = criterion(compiler, call.arguments[0], scope.item(source, ir.number(0)))
        return values.truth(ir.either(ir.negated(source.present), ir.certain(held)))
    if not source.slots:
        return values.truth(ir.TRUE)
    x, i = compiler.names.fresh(), compiler.names.fresh()
    item = values.opened(source.slots, x)
    held = criterion(compiler, call.arguments[0], scope.item(item, ir.call("index", i)))
    failed = ir.negated(ir.certain(held))
    rest = Many(source.slots, ir.call("list_filter", source.sql, values.mapping(x, i, failed)))
    return values.truth(ir.negated(present(rest)))


def _booleans(wanted: bool, every: bool) -> Builder:
    """Whether all, or any, of the items are ``wanted``."""

    def build(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
        source = values.listed(compiler.node(call.source, scope))
        if not source.slots:
            return values.truth(ir.Literal(every))
        x = compiler.names.fresh()
        found = only(values.opened(source.slots, x), BOOLEAN)
        if found is None or len(source.slots) > 1:
            raise CompilationError("Only Booleans can be asked for all or any")
        is_wanted = found.sql if wanted else ir.negated(found.sql)
        test = ir.negated(ir.certain(is_wanted)) if every else ir.certain(is_wanted)
        some_ = present(Many(source.slots, ir.call("list_filter", source.sql, ir.Lambda((x,), test))))
        return values.truth(ir.negated(some_) if every else some_)

    return build


def _subset(turned: bool) -> Builder:
    def build(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
        inner, outer = compiler.node(call.source, scope), compiler.node(call.arguments[0], scope)
        if turned:
            inner, outer = outer, inner
        items = values.listed(inner)
        if not items.slots:
            return values.truth(ir.TRUE)
        test = member_test(compiler, outer)
        x = compiler.names.fresh()
        outside = ir.negated(test(values.opened(items.slots, x)))
        rest = Many(items.slots, ir.call("list_filter", items.sql, ir.Lambda((x,), outside)))
        return values.truth(ir.negated(present(rest)))

    return build


def count(value: Value) -> Expr:
    """How many items there are."""
    if isinstance(value, Item):
        return ir.when(value.present, ir.number(1), ir.number(0))
    return ir.Cast(values.count(value), ir.INT) if value.slots else ir.number(0)


def _count(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    return values.system(INTEGER, count(compiler.node(call.source, scope)))


def _empty(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    return values.truth(ir.negated(present(compiler.node(call.source, scope))))


def _distinct(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    return distinct(compiler, compiler.node(call.source, scope))


def _is_distinct(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    source = compiler.node(call.source, scope)
    if isinstance(source, Item):
        return values.truth(ir.TRUE)
    return values.truth(ir.call("eq", count(source), count(distinct(compiler, source))))


FUNCTIONS: dict[str, Builder] = {
    "empty": _empty,
    "exists": _exists,
    "all": _all,
    "allTrue": _booleans(True, True),
    "anyTrue": _booleans(True, False),
    "allFalse": _booleans(False, True),
    "anyFalse": _booleans(False, False),
    "subsetOf": _subset(False),
    "supersetOf": _subset(True),
    "count": _count,
    "distinct": _distinct,
    "isDistinct": _is_distinct,
}
