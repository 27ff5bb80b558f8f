"""http://hl7.org/fhirpath/N1/#aggregates: folds, sums and means of numbers, the least and greatest of numbers and strings."""

from dataclasses import replace

from shangyi.query import typed
from shangyi.query.sql import ir, values
from shangyi.query.sql.arithmetic import whole
from shangyi.query.sql.base import Builder, Compiler, only
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import EMPTY, Alternative, Item, Many, Slot, Value
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


MOST_STEPS = 6
"""Times that the types of a running value may widen before it is taken to have none."""


def _aggregate(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    """A fold; the running value is of every type that a step can give, one number type for whole and decimal."""
    items = values.listed(compiler.node(call.source, scope))
    start = compiler.node(call.arguments[1], scope) if len(call.arguments) > 1 else EMPTY
    if not items.slots:
        return start
    slots = _numeric(values.merged_slots(start.slots))
    several = isinstance(start, Many)
    for _ in range(MOST_STEPS):
        total, x = compiler.names.fresh(), compiler.names.fresh()
        running = Many(slots, total) if several else values.opened(slots, total) if slots else EMPTY
        item = values.opened(items.slots, ir.Member(x, "v"))
        inner = replace(scope.item(item, ir.Member(x, "i")), total=running)
        result = compiler.node(call.arguments[0], inner)
        wider = _numeric(values.merged_slots(slots, result.slots))
        if wider == slots and several >= isinstance(result, Many):
            break
        slots, several = wider, several or isinstance(result, Many)
    else:
        raise CompilationError("The running value of aggregate() has no type of its own in SQL")
    if not slots:
        return EMPTY
    of = values.item_type(slots)
    y, j = compiler.names.fresh(), compiler.names.fresh()
    pairs = ir.Struct((("v", y), ("i", ir.Cast(ir.call("index", j), ir.INT))))
    rows = ir.call(
        "coalesce", ir.call("list_map", items.sql, ir.Lambda((y, j), pairs)), ir.Listed((), _pair(items))
    )
    if several:
        kept = [values.widened(values.listed(v), slots, compiler.names) for v in (start, result)]
        of = ir.list_of(of)
    else:
        kept = [_packed(v, slots) for v in (start, result)]
    folded = ir.call("list_fold", rows, ir.Cast(kept[0], of), ir.Lambda((total, x), ir.Cast(kept[1], of)))
    return Many(slots, folded) if several else values.opened(slots, folded)


def _pair(items: Many) -> ir.SqlType:
    return ir.struct_of(("v", items.item_type), ("i", ir.INT))


def _numeric(slots: tuple[Slot, ...]) -> tuple[Slot, ...]:
    """Integer and Decimal as Decimal alone."""
    if {DECIMAL, INTEGER} <= {slot.type for slot in slots}:
        return tuple(slot for slot in slots if slot.type != INTEGER)
    return slots


def _packed(value: Value, slots: tuple[Slot, ...]) -> Expr:
    assert isinstance(value, Item)
    if not value.alternatives:
        return ir.null(values.item_type(slots))
    kept = {slot.type for slot in slots}
    widened = tuple(
        a if a.slot.type in kept or a.slot.type != INTEGER else Alternative(Slot(DECIMAL), a.number)
        for a in value.alternatives
    )
    return values.packed(values.collapsed(Item(widened)), slots)


FUNCTIONS: dict[str, Builder] = {
    "aggregate": _aggregate,
    "sum": _sum,
    "avg": _average,
    "min": _extreme("list_min"),
    "max": _extreme("list_max"),
}
