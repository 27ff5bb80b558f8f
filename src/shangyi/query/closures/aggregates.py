"""http://hl7.org/fhirpath/N1/#aggregates"""

from collections.abc import Callable
from decimal import Decimal

from shangyi.query import typed
from shangyi.query.closures.adapters import Builder, Compile, on_items
from shangyi.query.closures.arithmetic import calculate
from shangyi.query.closures.comparison import order
from shangyi.query.closures.evaluation import Closure, Evaluation, Scope
from shangyi.query.closures.values import Collection, system
from shangyi.query.errors import EvaluationError


def _aggregate(call: typed.Call, compile_: Compile) -> Closure:
    source, step = compile_(call.source), compile_(call.arguments[0])
    start = compile_(call.arguments[1]) if len(call.arguments) > 1 else None

    def run(scope: Scope) -> Collection:
        total = start(scope) if start is not None else []
        for index, item in enumerate(source(scope)):
            total = step(Scope(scope.at, [item], index, total))
        return total

    return run


def _sum(items: Collection, at: Evaluation) -> Collection:
    if not items:
        return []
    values = [system(item) for item in items]
    if len({type(value) for value in values}) > 1:
        raise EvaluationError("Only values of one type have a sum")
    total = [values[0]]
    for value in values[1:]:
        total = calculate("+", total, [value])
    return total


def _average(items: Collection, at: Evaluation) -> Collection:
    return calculate("/", _sum(items, at), [Decimal(len(items))]) if items else []


def _extreme(better: Callable[[int], bool]) -> Callable[[Collection, Evaluation], Collection]:
    def find(items: Collection, at: Evaluation) -> Collection:
        best: Collection = []
        for item in items:
            value = system(item)
            found = order(value, best[0]) if best else None
            if not best or (found is not None and better(found)):
                best = [value]
        return best

    return find


FUNCTIONS: dict[str, Builder] = {
    "aggregate": _aggregate,
    "sum": on_items(_sum),
    "avg": on_items(_average),
    "min": on_items(_extreme(lambda found: found < 0)),
    "max": on_items(_extreme(lambda found: found > 0)),
}
