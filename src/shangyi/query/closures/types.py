"""``is``, ``as``, ``ofType`` (http://hl7.org/fhirpath/N1/#types): of a type or of one that specialises it."""

from collections.abc import Callable

from shangyi.fhir import definitions
from shangyi.query.closures.values import Collection, Element, Item, single, type_of
from shangyi.query.types import ItemType


def tester(target: ItemType) -> Callable[[Item], bool]:
    """Whether an item is of a type."""
    if target.namespace == "System":
        return lambda item: type(item) is not Element and type_of(item) == target
    name = target.name
    return lambda item: type(item) is Element and definitions.is_subtype(item.type, name)


def is_of(items: Collection, test: Callable[[Item], bool]) -> Collection:
    """``is``: empty of nothing, EvaluationError of several."""
    item = single(items)
    return [] if item is None else [test(item)]


def as_of(items: Collection, test: Callable[[Item], bool]) -> Collection:
    """``as``: the item or nothing, EvaluationError of several."""
    single(items)
    return [item for item in items if test(item)]
