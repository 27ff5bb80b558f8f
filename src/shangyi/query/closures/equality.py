"""``=``, ``~``, duplicates, membership (http://hl7.org/fhirpath/N1/#equality)."""

from collections.abc import Hashable, Iterable
from decimal import Decimal
from typing import TypeGuard

from shangyi.query import quantity, temporal
from shangyi.query.closures.values import Collection, Element, Item, children, system
from shangyi.query.quantity import Quantity, decimals_equivalent
from shangyi.query.temporal import Temporal


def equal(left: Collection, right: Collection) -> bool | None:
    """``left = right``: item by item in order; None where an operand is empty or precision leaves it open."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    return _all(same(a, b) for a, b in zip(left, right, strict=True))


def _all(answers: Iterable[bool | None]) -> bool | None:
    known: bool | None = True
    for answer in answers:
        if answer is False:
            return False
        if answer is None:
            known = None
    return known


def same(left: Item, right: Item) -> bool | None:
    """Whether two items are equal."""
    a, b = system(left), system(right)
    if a is None or b is None:  # a primitive without a value
        both = type(left) is Element and type(right) is Element
        return left.value == right.value and left.extra == right.extra if both else None
    if type(a) is Element or type(b) is Element:
        return _same_elements(a, b) if type(a) is type(b) else False
    return _same_values(a, b)


def _same_values(a: Item, b: Item) -> bool | None:
    if type(a) is type(b) and type(a) in (str, bool, int, Decimal):
        return bool(a == b)
    if is_number(a) and is_number(b):
        return bool(a == b)
    if isinstance(a, Temporal) and isinstance(b, Temporal):
        if a.first != b.first:
            return False
        order = temporal.compare(a, b)
        return None if order is None else order == 0
    if isinstance(a, Quantity) or isinstance(b, Quantity):
        one, other = as_quantity(a), as_quantity(b)
        if one is None or other is None:
            return False
        order = quantity.compare(one, other)
        return None if order is None else order == 0
    return bool(type(a) is type(b) and a == b)


def _same_elements(a: Element, b: Element) -> bool | None:
    if a.value == b.value and a.extra == b.extra:
        return True
    left, right = _by_name(a), _by_name(b)
    if left.keys() != right.keys():
        return False
    return _all(equal(left[name], right[name]) for name in left)


def _by_name(element: Element) -> dict[str, Collection]:
    found: dict[str, Collection] = {}
    for child in children(element):
        found.setdefault(child.name, []).append(child)
    return found


def equivalent(left: Collection, right: Collection) -> bool:
    """``left ~ right``: the same items in any order."""
    if len(left) != len(right):
        return False
    rest = list(right)
    for item in left:
        found = next((i for i, other in enumerate(rest) if alike(item, other)), None)
        if found is None:
            return False
        del rest[found]
    return True


def alike(left: Item, right: Item) -> bool:
    """Whether two items are equivalent."""
    a, b = system(left), system(right)
    if isinstance(a, str) and isinstance(b, str):
        return _folded(a) == _folded(b)
    if is_number(a) and is_number(b):
        return decimals_equivalent(Decimal(a), Decimal(b))
    if isinstance(a, Quantity) or isinstance(b, Quantity):
        one, other = as_quantity(a), as_quantity(b)
        return one is not None and other is not None and quantity.equivalent(one, other)
    if type(a) is Element and type(b) is Element:
        left_names, right_names = _by_name(a), _by_name(b)
        if a.value is not None and type(a.value) is not dict:
            return bool(a.value == b.value)
        return left_names.keys() == right_names.keys() and all(
            equivalent(left_names[name], right_names[name]) for name in left_names
        )
    return same(left, right) is True


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def as_quantity(value: Item) -> Quantity | None:
    """A number as a quantity of unit 1."""
    if isinstance(value, Quantity):
        return value
    return Quantity(Decimal(value)) if is_number(value) else None


def is_number(value: Item) -> TypeGuard[int | Decimal]:
    """Whether a value is an Integer or a Decimal."""
    return type(value) is int or type(value) is Decimal


def key(item: Item) -> Hashable | None:
    """Items of equal keys are equal, of different keys (of this kind) are not; None where only ``same`` can tell."""
    value = system(item)
    if isinstance(value, str):
        return (str, value)
    if type(value) is bool:
        return (bool, value)
    return (int, value) if is_number(value) else None


class Distinct:
    """A collection that takes each item once."""

    __slots__ = ("items", "keys", "others")

    def __init__(self) -> None:
        self.items: Collection = []
        self.keys: set[Hashable] = set()
        self.others: Collection = []

    def __contains__(self, item: Item) -> bool:
        found = key(item)
        if found is not None:
            if found in self.keys:
                return True
            if type(found) is tuple and found[0] is not int:
                return False
        return any(same(item, other) is True for other in self.others)

    def add(self, item: Item) -> bool:
        """Whether the item is new; it is kept then."""
        if item in self:
            return False
        self.items.append(item)
        found = key(item)
        if found is not None:
            self.keys.add(found)
        if found is None or found[0] is int:  # type: ignore[index]  # a number can equal a quantity
            self.others.append(item)
        return True

    @classmethod
    def of(cls, *collections: Iterable[Item]) -> "Distinct":
        """Of all these items."""
        made = cls()
        for items in collections:
            for item in items:
                made.add(item)
        return made
