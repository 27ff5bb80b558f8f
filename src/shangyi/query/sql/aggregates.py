"""http://hl7.org/fhirpath/N1/#aggregates: sums and means of numbers, the least and greatest of numbers and strings."""

from shangyi.query import typed
from shangyi.query.sql import ir, values
from shangyi.query.sql.arithmetic import whole
from shangyi.query.sql.base import Builder, Compiler, only
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import EMPTY, Many, Value
from shangyi.query.types import DECIMAL, INTEGER, STRING, ItemType


def _operands(
    compiler: Compiler, call: typed.Call, scope: Scope, *kinds: ItemType
) -> tuple[Many, ItemType, Expr] | None:
    """The items, their System type, and their values as a list."""
    items = values.listed(compiler.node(call.source, scope))
    if not items.slots:
        return None
    found = {slot.kind for slot in items.slots}
    if len(found) > 1 or not found <= set(kinds):
        raise CompilationError("{name}() of this has no form in SQL", name=call.function)
    x = compiler.names.fresh()
    value = only(values.opened(items.slots, x), *kinds)
    assert value is not None
    assert value.kind is not None
    sql = value.number if value.kind in (DECIMAL, INTEGER) else value.sql
    return items, value.kind, ir.call("list_map", items.sql, ir.Lambda((x,), sql))


def _folded(compiler: Compiler, numbers: Expr, start: Expr, step: str) -> Expr:
    total, x = compiler.names.fresh(), compiler.names.fresh()
    body: Expr = ir.Cast(ir.call(step, total, x), ir.NUMBER, safe=True)
    return ir.call("list_fold", numbers, start, ir.Lambda((total, x), body))


def _sum(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    given = _operands(compiler, call, scope, INTEGER, DECIMAL)
    if given is None:
        return EMPTY
    items, kind, numbers = given
    total = _folded(compiler, numbers, ir.Cast(ir.number(0), ir.NUMBER), "try_add")
    some = ir.call("gt", values.count(items), ir.number(0))
    return values.system(kind, ir.when(some, whole(total) if kind == INTEGER else total))


def _average(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    given = _operands(compiler, call, scope, INTEGER, DECIMAL)
    if given is None:
        return EMPTY
    items, _, numbers = given
    total = _folded(compiler, numbers, ir.Cast(ir.number(0), ir.NUMBER), "try_add")
    mean = ir.call("decimal_divide", total, ir.Cast(values.count(items), ir.NUMBER))
    return values.system(DECIMAL, ir.when(ir.call("gt", values.count(items), ir.number(0)), mean))


def _extreme(name: str) -> Builder:
    def build(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
        given = _operands(compiler, call, scope, INTEGER, DECIMAL, STRING)
        if given is None:
            return EMPTY
        _, kind, found = given
        best = ir.call(name, found)
        return values.system(kind, whole(best) if kind == INTEGER else best)

    return build


FUNCTIONS: dict[str, Builder] = {
    "sum": _sum,
    "avg": _average,
    "min": _extreme("list_min"),
    "max": _extreme("list_max"),
}
