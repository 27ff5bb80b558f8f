"""Lists (https://cql.hl7.org/09-b-cqlreference.html#list-operators-2); positions count from 0.

Members are compared by equality, in which two nulls are equal; where precision leaves it open whether a member is
equal, so is the answer.
"""

from collections.abc import Iterable
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from shangyi.query.cql.operators.comparison import order
from shangyi.query.cql.operators.equality import Members, equal, equal_or_both_null, every
from shangyi.query.cql.operators.logic import logical_and, logical_not
from shangyi.query.cql.values import Tuple
from shangyi.query.errors import EvaluationError
from shangyi.query.temporal import Temporal

List = list[Any]


def exists(items: List | None) -> bool:
    """Whether there is an element that is not null."""
    return items is not None and any(item is not None for item in items)


def contains(items: List | None, item: Any) -> bool | None:
    """``contains``; false of a null list."""
    if items is None:
        return False
    found: bool | None = False
    for member in items:
        if item is None or member is None:
            same: bool | None = item is member
        else:
            same = equal(member, item)
        if same:
            return True
        if same is None:
            found = None
    return found


def properly_contains(items: List | None, item: Any) -> bool | None:
    """``properly includes`` an element: it is in the list, and so is one that is not equal to it."""
    if items is None:
        return False
    found = contains(items, item)
    only = every(_equal_to(member, item) for member in items)
    return logical_and(found, logical_not(only))


def _equal_to(member: Any, item: Any) -> bool | None:
    """A null is not known to differ from an element; every element differs from null."""
    if item is None:
        return member is None
    return equal(member, item)


def includes(left: List | None, right: List | None) -> bool | None:
    """Whether every element of the right is in the left."""
    if left is None or right is None:
        return None
    members = Members(left)
    return every(members.find(item) for item in right)


def properly_includes(left: List | None, right: List | None) -> bool | None:
    """``includes``, and the left has more different elements."""
    if left is None or right is None:
        return None
    larger = len(Members(left).items) > len(Members(right).items)
    return logical_and(includes(left, right), larger)


def distinct(items: List | None) -> List | None:
    """Every element once, in order of appearance."""
    return None if items is None else Members(items).items


def union(left: List | None, right: List | None) -> List:
    """All elements of both, each once; a null list is empty."""
    members = Members(left or ())
    for item in right or ():
        members.add(item)
    return members.items


def intersect(left: List | None, right: List | None) -> List | None:
    """What is in both, each once."""
    if left is None or right is None:
        return None
    other = Members(right)
    return Members(item for item in left if other.find(item)).items


def difference(left: List | None, right: List | None) -> List | None:
    """``except``: what is in the left only, each once."""
    if left is None:
        return None
    other = Members(right or ())
    return Members(item for item in left if not other.find(item)).items


def first(items: List | None) -> Any:
    """``First``."""
    return items[0] if items else None


def last(items: List | None) -> Any:
    """``Last``."""
    return items[-1] if items else None


def indexer(items: List | str | None, index: int | None) -> Any:
    """``items[index]`` of a list or string; None outside."""
    if items is None or index is None or not 0 <= index < len(items):
        return None
    return items[index]


def index_of(items: List | None, item: Any) -> int | None:
    """``IndexOf``; -1 where it is not in the list."""
    if items is None or item is None:
        return None
    return next((index for index, member in enumerate(items) if equal_or_both_null(member, item)), -1)


def flatten(lists: List | None) -> List | None:
    """The elements of all lists in a list."""
    return None if lists is None else [item for items in lists if items is not None for item in items]


def singleton_from(items: List | None) -> Any:
    """The only element; EvaluationError where there are more."""
    if items is not None and len(items) > 1:
        raise EvaluationError("One value is needed here, not {count}", count=len(items))
    return items[0] if items else None


def skip(items: List | None, count: int | None) -> List | None:
    """``Skip``: without the first ``count``; nothing where that is negative."""
    if items is None:
        return None
    return [] if count is not None and count < 0 else items[count or 0 :]


def take(items: List | None, count: int | None) -> List | None:
    """``Take``: the first ``count``."""
    return None if items is None else items[: max(0, count or 0)]


def tail(items: List | None) -> List | None:
    """``Tail``: all but the first."""
    return None if items is None else items[1:]


def slice_of(items: List | None, start: int | None = None, end: int | None = None) -> List | None:
    """``Slice``: from ``start`` to before ``end``; negative positions count from the end."""
    return None if items is None else items[start or 0 : end]


def times(left: List | None, right: List | None) -> List | None:
    """Every tuple of the left put together with every tuple of the right."""
    if left is None or right is None:
        return None
    return [Tuple({**a.elements, **b.elements}) for a in left for b in right]


def sort_order(left: Any, right: Any) -> int:
    """The order of two elements: nulls first, and an imprecise date before those that it may stand for."""
    if left is None or right is None:
        return (left is not None) - (right is not None)
    found = order(left, right)
    if found is None and isinstance(left, Temporal) and isinstance(right, Temporal):
        a, b = tuple(map(Decimal, left.parts)), tuple(map(Decimal, right.parts))
        return (a > b) - (a < b)
    return found or 0


def sort(items: Iterable[Any], descending: bool = False) -> List:
    """Sorted; elements that are equal stay in order."""
    return sorted(items, key=cmp_to_key(sort_order), reverse=descending)
