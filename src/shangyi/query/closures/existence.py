"""http://hl7.org/fhirpath/N1/#existence"""

from shangyi.query import typed
from shangyi.query.closures.adapters import Builder, Compile, criterion, on_collections, on_items
from shangyi.query.closures.equality import Distinct
from shangyi.query.closures.evaluation import Closure, Evaluation, Scope
from shangyi.query.closures.values import Collection, system
from shangyi.query.errors import EvaluationError


def _exists(call: typed.Call, compile_: Compile) -> Closure:
    source = compile_(call.source)
    if not call.arguments:
        return lambda scope: [bool(source(scope))]
    test = criterion(call, compile_)

    def run(scope: Scope) -> Collection:
        return [any(test(scope.item(item, i)) is True for i, item in enumerate(source(scope)))]

    return run


def _all(call: typed.Call, compile_: Compile) -> Closure:
    source, test = compile_(call.source), criterion(call, compile_)

    def run(scope: Scope) -> Collection:
        return [all(test(scope.item(item, i)) is True for i, item in enumerate(source(scope)))]

    return run


def _booleans(items: Collection) -> list[bool]:
    found: list[bool] = []
    for item in items:
        value = system(item)
        if not isinstance(value, bool):
            raise EvaluationError("Only Booleans can be asked for all or any")
        found.append(value)
    return found


def _all_true(items: Collection, at: Evaluation) -> Collection:
    return [all(_booleans(items))]


def _any_true(items: Collection, at: Evaluation) -> Collection:
    return [any(_booleans(items))]


def _all_false(items: Collection, at: Evaluation) -> Collection:
    return [not any(_booleans(items))]


def _any_false(items: Collection, at: Evaluation) -> Collection:
    return [not all(_booleans(items))]


def _within(items: Collection, other: Collection) -> bool:
    known = Distinct.of(other)
    return all(item in known for item in items)


def distinct(items: Collection) -> Collection:
    """Each item once."""
    return Distinct.of(items).items if len(items) > 1 else items


FUNCTIONS: dict[str, Builder] = {
    "empty": on_items(lambda items, at: [not items]),
    "exists": _exists,
    "all": _all,
    "allTrue": on_items(_all_true),
    "anyTrue": on_items(_any_true),
    "allFalse": on_items(_all_false),
    "anyFalse": on_items(_any_false),
    "subsetOf": on_collections(lambda items, other: [_within(items, other)]),
    "supersetOf": on_collections(lambda items, other: [_within(other, items)]),
    "count": on_items(lambda items, at: [len(items)]),
    "distinct": on_items(lambda items, at: distinct(items)),
    "isDistinct": on_items(lambda items, at: [len(distinct(items)) == len(items)]),
}
