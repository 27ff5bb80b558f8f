"""http://hl7.org/fhirpath/N1/#subsetting and http://hl7.org/fhirpath/N1/#combining"""

from shangyi.query.closures.adapters import Builder, on_collections, on_items
from shangyi.query.closures.equality import Distinct
from shangyi.query.closures.values import Collection, single, single_value
from shangyi.query.errors import EvaluationError


def _one(items: Collection) -> Collection:
    single(items)
    return items


def _number(argument: Collection) -> int:
    value = single_value(argument)
    if type(value) is not int:
        raise EvaluationError("A whole number is needed here")
    return value


def _skip(items: Collection, count: Collection) -> Collection:
    return items[max(0, _number(count)) :]


def _take(items: Collection, count: Collection) -> Collection:
    return items[: max(0, _number(count))]


def at(items: Collection, index: Collection) -> Collection:
    """``items[index]``."""
    if not index:
        return []
    position = _number(index)
    return items[position : position + 1] if position >= 0 else []


def _intersect(items: Collection, other: Collection) -> Collection:
    wanted = Distinct.of(other)
    return Distinct.of([item for item in items if item in wanted]).items


def _exclude(items: Collection, other: Collection) -> Collection:
    unwanted = Distinct.of(other)
    return [item for item in items if item not in unwanted]


def union(items: Collection, other: Collection) -> Collection:
    """Both, each item once."""
    return Distinct.of(items, other).items


FUNCTIONS: dict[str, Builder] = {
    "single": on_items(lambda items, at: _one(items)),
    "first": on_items(lambda items, at: items[:1]),
    "last": on_items(lambda items, at: items[-1:]),
    "tail": on_items(lambda items, at: items[1:]),
    "skip": on_collections(_skip),
    "take": on_collections(_take),
    "intersect": on_collections(_intersect),
    "exclude": on_collections(_exclude),
    "union": on_collections(union),
    "combine": on_collections(lambda items, other, keep_order=None: [*items, *other]),
}
