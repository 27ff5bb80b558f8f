"""``sort()`` (http://hl7.org/fhirpath/#fn-sort): one pass for each key, from the last to the first, each stable.

A pass sorts rows of {whether there is a key, the key, the place so far, the item}; no two places are equal, so the
order is certain and the item itself is never compared. Dates and times go by the first instant that they can mean,
then by the last, so that values of differing precision have an order, too.
"""

from collections.abc import Callable

from shangyi.query import typed
from shangyi.query.sql import ir, temporal, values
from shangyi.query.sql.base import Builder, Compiler, only, single
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import Item, Many, Value
from shangyi.query.types import DATE, DATETIME, DECIMAL, INTEGER, STRING, TIME


def _sort(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    source = compiler.node(call.source, scope)
    if isinstance(source, Item) or not source.slots:
        return source
    keys = [node for node in call.arguments if isinstance(node, typed.Key)]
    if not keys:
        return Many(source.slots, _pass(compiler, source, lambda item: item, "asc"))
    for key in reversed(keys):

        def by(item: Item, key: typed.Key = key) -> Item:
            found = compiler.node(key.operand, scope.item(item, None))
            return single(compiler, found, key.operand)

        source = Many(source.slots, _pass(compiler, source, by, key.order))
    return source


def _pass(compiler: Compiler, many: Many, key: Callable[[Item], Item], order: str) -> Expr:
    x, i, row = (compiler.names.fresh() for _ in range(3))
    sort_keys = _keys(compiler, key(values.opened(many.slots, x)))
    there = ir.either(*(ir.is_there(k) for k in sort_keys))
    up = order == "asc"
    place = ir.call("index", i)
    fields = [
        ("a", ir.negated(there) if order == "-" else there),
        *((f"k{n}", k) for n, k in enumerate(sort_keys)),
        ("i", place if up else ir.call("sub", ir.number(0), place)),
        ("v", x),
    ]
    rows = ir.call("list_map", many.sql, ir.Lambda((x, i), ir.Struct(tuple(fields))))
    ordered = ir.call("list_sorted" if up else "list_sorted_down", rows)
    return ir.call("list_map", ordered, ir.Lambda((row,), ir.Member(row, "v")))


def _keys(compiler: Compiler, item: Item) -> list[Expr]:
    """What to sort by: of a date or time its bounds as instants."""
    if not item.alternatives:
        return [ir.null()]
    kinds = {a.kind for a in item.alternatives}
    if kinds <= {INTEGER, DECIMAL}:
        return [_first([a.number for a in item.alternatives])]
    if kinds == {STRING}:
        return [_first([a.sql for a in item.alternatives])]
    if kinds <= {DATE, DATETIME} or kinds == {TIME}:
        found = only(item, *(k for k in kinds if k is not None))
        assert found is not None
        return list(temporal.sort_keys(found))
    names = " or ".join(sorted(str(a.slot.type) for a in item.alternatives))
    raise CompilationError("SQL sorts by strings, numbers, dates and times, not by {types}", types=names)


def _first(found: list[Expr]) -> Expr:
    return found[0] if len(found) == 1 else ir.call("coalesce", *found)


FUNCTIONS: dict[str, Builder] = {"sort": _sort}
