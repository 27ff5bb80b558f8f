"""http://hl7.org/fhirpath/N1/#filtering-and-projection"""

from functools import cmp_to_key
from typing import Any

from shangyi.query import temporal, typed
from shangyi.query.closures.adapters import Builder, Compile, criterion
from shangyi.query.closures.comparison import order
from shangyi.query.closures.equality import Distinct
from shangyi.query.closures.evaluation import Closure, Scope
from shangyi.query.closures.values import Collection, Item, single, system
from shangyi.query.errors import EvaluationError
from shangyi.query.temporal import Temporal

MOST_REPEATED = 1_000_000
"""Items after which a repetition is taken to have no end."""


def _where(call: typed.Call, compile_: Compile) -> Closure:
    source, test = compile_(call.source), criterion(call, compile_)

    def run(scope: Scope) -> Collection:
        return [item for i, item in enumerate(source(scope)) if test(scope.item(item, i)) is True]

    return run


def _select(call: typed.Call, compile_: Compile) -> Closure:
    source, projection = compile_(call.source), compile_(call.arguments[0])

    def run(scope: Scope) -> Collection:
        return [found for i, item in enumerate(source(scope)) for found in projection(scope.item(item, i))]

    return run


def _repeat(call: typed.Call, compile_: Compile) -> Closure:
    source, projection = compile_(call.source), compile_(call.arguments[0])

    def run(scope: Scope) -> Collection:
        found = Distinct()
        todo = list(source(scope))
        while todo:
            results = [new for item in todo for new in projection(scope.item(item, None))]
            todo = [new for new in results if found.add(new)]
            if len(found.items) > MOST_REPEATED:
                raise EvaluationError("repeat() has no end")
        return found.items

    return run


def _repeat_all(call: typed.Call, compile_: Compile) -> Closure:
    source, projection = compile_(call.source), compile_(call.arguments[0])

    def run(scope: Scope) -> Collection:
        found: Collection = []
        todo = list(source(scope))
        while todo:
            todo = [new for item in todo for new in projection(scope.item(item, None))]
            found += todo
            if len(found) > MOST_REPEATED:
                raise EvaluationError("repeatAll() has no end")
        return found

    return run


def _sort(call: typed.Call, compile_: Compile) -> Closure:
    """By keys; an empty one is lower than all others (http://hl7.org/fhirpath/#fn-sort)."""
    source = compile_(call.source)
    given = [node for node in call.arguments if isinstance(node, typed.Key)]
    keys = [compile_(node.operand) for node in given]
    orders = [node.order for node in given] or ["asc"]

    def compare(a: list[Any], b: list[Any]) -> int:
        for left, right, direction in zip(a, b, orders, strict=True):
            found = _ordered(left, right, direction)
            if found:
                return found
        return 0

    def run(scope: Scope) -> Collection:
        items = source(scope)
        if not keys:
            return sorted(items, key=cmp_to_key(lambda a, b: compare([a], [b])))
        rows = [[single(key(scope.item(item, None))) for key in keys] for item in items]

        def by_keys(a: int, b: int) -> int:
            return compare(rows[a], rows[b])

        places = sorted(range(len(items)), key=cmp_to_key(by_keys))
        return [items[place] for place in places]

    return run


def _ordered(left: Item | None, right: Item | None, direction: str) -> int:
    a, b = system(left), system(right)
    if a is None or b is None:
        found = (a is not None) - (b is not None)
        return -found if direction == "desc" else found
    found = _in_time(a, b) if isinstance(a, Temporal) and isinstance(b, Temporal) else order(a, b) or 0
    return found if direction == "asc" else -found


def _in_time(a: Temporal, b: Temporal) -> int:
    """By the first instant that each can mean, then by the last: an order whatever the precision."""
    if a.first != b.first:
        raise EvaluationError("{left} and {right} have no order", left=a.kind, right=b.kind)
    one, other = _place(a), _place(b)
    return (one > other) - (one < other)


def _place(value: Temporal) -> tuple[Any, Any]:
    if value.first:
        return temporal.lowest(value), -len(str(value))
    return temporal.bounds(value)


def _coalesce(call: typed.Call, compile_: Compile) -> Closure:
    source = compile_(call.source)
    choices = [compile_(argument) for argument in call.arguments]

    def run(scope: Scope) -> Collection:
        inner = Scope(scope.at, source(scope), scope.index, scope.total)
        for choice in choices:
            found = choice(inner)
            if found:
                return found
        return []

    return run


FUNCTIONS: dict[str, Builder] = {
    "where": _where,
    "select": _select,
    "repeat": _repeat,
    "repeatAll": _repeat_all,
    "sort": _sort,
    "coalesce": _coalesce,
}
