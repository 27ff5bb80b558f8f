"""Operators that ELM has by one name for lists, intervals, strings and points."""

from collections.abc import Callable
from typing import Any

from shangyi.query.cql.operators import intervals, lists
from shangyi.query.cql.values import Interval

Precision = str | None


def contains(container: Any, item: Any, precision: Precision = None) -> bool | None:
    """``Contains`` of a list or interval; false of null."""
    if type(container) is Interval:
        return intervals.contains(container, item, precision)
    return lists.contains(container, item)


def member(item: Any, container: Any, precision: Precision = None) -> bool | None:
    """``In``."""
    return contains(container, item, precision)


def properly_contains(container: Any, item: Any, precision: Precision = None) -> bool | None:
    """``ProperContains``."""
    if type(container) is Interval:
        return intervals.properly_contains(container, item, precision)
    return lists.properly_contains(container, item)


def properly_in(item: Any, container: Any, precision: Precision = None) -> bool | None:
    """``ProperIn``."""
    return properly_contains(container, item, precision)


def includes(left: Any, right: Any, precision: Precision = None) -> bool | None:
    """``Includes``."""
    if type(left) is list and type(right) is list:
        return lists.includes(left, right)
    if _is_point(right):
        return contains(left, right, precision)
    return intervals.includes(left, right, precision)


def _is_point(value: Any) -> bool:
    return value is not None and type(value) not in (Interval, list)


def included_in(left: Any, right: Any, precision: Precision = None) -> bool | None:
    """``IncludedIn``."""
    return includes(right, left, precision)


def properly_includes(left: Any, right: Any, precision: Precision = None) -> bool | None:
    """``ProperIncludes``."""
    if type(left) is list and type(right) is list:
        return lists.properly_includes(left, right)
    if _is_point(right):
        return properly_contains(left, right, precision)
    return intervals.properly_includes(left, right, precision)


def properly_included_in(left: Any, right: Any, precision: Precision = None) -> bool | None:
    """``ProperIncludedIn``."""
    return properly_includes(right, left, precision)


def _of_kind(on_intervals: Callable[..., Any], on_lists: Callable[..., Any]) -> Callable[..., Any]:
    def choose(left: Any, right: Any) -> Any:
        if type(left) is Interval or type(right) is Interval:
            return on_intervals(left, right)
        return on_lists(left, right)

    return choose


union = _of_kind(intervals.union, lists.union)
intersect = _of_kind(intervals.intersect, lists.intersect)
difference = _of_kind(intervals.difference, lists.difference)


def length(value: Any) -> int | None:
    """``Length`` of a string or list; of null it is null, which of a null list the compiler corrects to 0."""
    return None if value is None else len(value)
