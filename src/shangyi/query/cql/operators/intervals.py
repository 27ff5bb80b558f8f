"""Relations between intervals and points, and what is made of two intervals
(https://cql.hl7.org/09-b-cqlreference.html#interval-operators-3)."""

from decimal import Decimal
from typing import Any

from shangyi.query.cql.operators.arithmetic import add, subtract
from shangyi.query.cql.operators.boundaries import predecessor, successor
from shangyi.query.cql.operators.comparison import greater, greater_or_equal, less, less_or_equal, same
from shangyi.query.cql.operators.ends import end, end_of, start, start_of
from shangyi.query.cql.operators.equality import equal
from shangyi.query.cql.operators.logic import logical_and, logical_not, logical_or
from shangyi.query.cql.operators.temporal import LEVELS
from shangyi.query.cql.values import Interval, Quantity, Uncertainty
from shangyi.query.cql.values.numbers import STEP
from shangyi.query.errors import EvaluationError
from shangyi.query.temporal import Temporal

Precision = str | None


def make(
    low: Any,
    high: Any,
    low_closed: bool | None = True,
    high_closed: bool | None = True,
    point: str | None = None,
) -> Interval:
    """The interval; EvaluationError where it ends before it starts (02, Interval Values)."""
    made = Interval(low, high, low_closed is not False, high_closed is not False, point)
    if low is not None and high is not None and (less(end(made), start(made)) or _is_empty(made)):
        raise EvaluationError("{interval} ends before it starts", interval=str(made))
    return made


def _is_empty(made: Interval) -> bool:
    return start(made) is None or end(made) is None


def before(left: Any, right: Any, precision: Precision = None) -> bool | None:
    """``before``: the left ends before the right starts."""
    return less(end(left), start(right), precision)


def after(left: Any, right: Any, precision: Precision = None) -> bool | None:
    """``after``: the left starts after the right ends."""
    return greater(start(left), end(right), precision)


def same_as(left: Any, right: Any, precision: Precision = None) -> bool | None:
    """``same … as``: both ends are the same."""
    return logical_and(same(start(left), start(right), precision), same(end(left), end(right), precision))


def same_or_before(left: Any, right: Any, precision: Precision = None) -> bool | None:
    """``same or before``: the left ends before or when the right starts."""
    return less_or_equal(end(left), start(right), precision)


def same_or_after(left: Any, right: Any, precision: Precision = None) -> bool | None:
    """``same or after``: the left starts when or after the right ends."""
    return greater_or_equal(start(left), end(right), precision)


def contains(interval: Interval | None, point: Any, precision: Precision = None) -> bool | None:
    """Whether a point lies in an interval; a closed null boundary holds whatever the point type."""
    if interval is None:
        return False
    if point is None:
        return None
    low: bool | None = True
    high: bool | None = True
    if interval.low is not None or not interval.low_closed:
        low = less_or_equal(start(interval), point, precision)
    if interval.high is not None or not interval.high_closed:
        high = less_or_equal(point, end(interval), precision)
    return logical_and(low, high)


def properly_contains(interval: Interval | None, point: Any, precision: Precision = None) -> bool | None:
    """Whether a point lies in an interval that has others as well."""
    found = contains(interval, point, precision)
    if not found or interval is None:
        return found
    only = logical_and(same(start(interval), point, precision), same(end(interval), point, precision))
    return logical_not(only)


def includes(left: Interval | None, right: Interval | None, precision: Precision = None) -> bool | None:
    """Whether the left interval starts no later and ends no earlier than the right."""
    if left is None or right is None:
        return None
    return logical_and(
        less_or_equal(start(left), start(right), precision),
        greater_or_equal(end(left), end(right), precision),
    )


def properly_includes(
    left: Interval | None, right: Interval | None, precision: Precision = None
) -> bool | None:
    """``includes``, and they are not the same."""
    return logical_and(includes(left, right, precision), logical_not(same_as(left, right, precision)))


def overlaps(left: Interval | None, right: Interval | None, precision: Precision = None) -> bool | None:
    """Whether they have a point in common."""
    return logical_and(
        less_or_equal(start(left), end(right), precision), less_or_equal(start(right), end(left), precision)
    )


def overlaps_before(
    left: Interval | None, right: Interval | None, precision: Precision = None
) -> bool | None:
    """``overlaps``, and the left starts first."""
    return logical_and(less(start(left), start(right), precision), overlaps(left, right, precision))


def overlaps_after(left: Interval | None, right: Interval | None, precision: Precision = None) -> bool | None:
    """``overlaps``, and the left ends last."""
    return logical_and(greater(end(left), end(right), precision), overlaps(left, right, precision))


def meets(left: Interval | None, right: Interval | None, precision: Precision = None) -> bool | None:
    """Whether one starts right after the other ends."""
    return logical_or(meets_before(left, right, precision), meets_after(left, right, precision))


def meets_before(left: Interval | None, right: Interval | None, precision: Precision = None) -> bool | None:
    """Whether the right starts right after the left ends."""
    return _adjacent(end(left), start(right), precision) if left is not None and right is not None else None


def meets_after(left: Interval | None, right: Interval | None, precision: Precision = None) -> bool | None:
    """Whether the left starts right after the right ends."""
    return _adjacent(end(right), start(left), precision) if left is not None and right is not None else None


def _adjacent(last: Any, first: Any, precision: Precision) -> bool | None:
    if last is None or first is None:
        return None
    following = _following(_at_precision(last, precision))
    return False if following is None else same(following, first, precision)


def _following(value: Any) -> Any:
    if type(value) is not Uncertainty:
        return successor(value)
    low, high = successor(value.low), successor(value.high)
    return None if low is None else Uncertainty.between(low, value.high if high is None else high)


def _at_precision(value: Any, precision: Precision) -> Any:
    """A date or time cut off below ``precision``, so that its successor is one unit of that away."""
    if precision in (None, "millisecond") or not isinstance(value, Temporal):
        return value
    kept = value.parts[: LEVELS[precision] + 1 - value.first]
    if precision == "second" and len(kept) + value.first == 6:
        kept = (*kept[:-1], Decimal(int(kept[-1])))
    return type(value)(kept, value.offset)


def starts(left: Interval | None, right: Interval | None, precision: Precision = None) -> bool | None:
    """Whether they start together and the left does not end later."""
    return logical_and(
        same(start(left), start(right), precision), less_or_equal(end(left), end(right), precision)
    )


def ends(left: Interval | None, right: Interval | None, precision: Precision = None) -> bool | None:
    """Whether they end together and the left does not start earlier."""
    return logical_and(
        greater_or_equal(start(left), start(right), precision), same(end(left), end(right), precision)
    )


# --- Intervals made of two


def union(left: Interval | None, right: Interval | None) -> Interval | None:
    """One interval that covers both; None where there is a gap, or that is not known."""
    if left is None or right is None or not logical_or(overlaps(left, right), meets(left, right)):
        return None
    low = _chosen(left, right, less(start(right), start(left)), "low")
    high = _chosen(left, right, greater(end(right), end(left)), "high")
    return Interval(low[0], high[0], low[1], high[1], left.point_type or right.point_type)


def intersect(left: Interval | None, right: Interval | None) -> Interval | None:
    """What both cover; None where that is nothing, or not known."""
    if left is None or right is None or not overlaps(left, right):
        return None
    low = _chosen(left, right, greater(start(right), start(left)), "low")
    high = _chosen(left, right, less(end(right), end(left)), "high")
    return Interval(low[0], high[0], low[1], high[1], left.point_type or right.point_type)


def _chosen(left: Interval, right: Interval, take_right: bool | None, side: str) -> tuple[Any, bool]:
    """A boundary and whether it is closed; an open null where it is not known which."""
    if take_right is None:
        return None, False
    chosen = right if take_right else left
    return (chosen.low, chosen.low_closed) if side == "low" else (chosen.high, chosen.high_closed)


def difference(left: Interval | None, right: Interval | None) -> Interval | None:
    """``except``: what the left has and the right has not; None where that is nothing, or two pieces."""
    if left is None or right is None:
        return None
    apart = overlaps(left, right)
    if not apart:
        return left if apart is False else None
    head, tail = less(start(left), start(right)), greater(end(left), end(right))
    if head and tail is False:
        return Interval(left.low, predecessor(start(right)), left.low_closed, True, left.point_type)
    if tail and head is False:
        return Interval(successor(end(right)), left.high, True, left.high_closed, left.point_type)
    return None


# --- Measures


def width(interval: Interval | None) -> Any:
    """``width of``: end - start; of numbers and quantities only."""
    first, last = start_of(interval), end_of(interval)
    if isinstance(first, Temporal) or isinstance(last, Temporal):
        raise EvaluationError("An interval of dates or times has no width: use a duration or a difference")
    return subtract(last, first)


def size(interval: Interval | None) -> Any:
    """``Size``: the width and one step."""
    found = width(interval)
    if type(found) is Quantity:
        return add(found, Quantity(STEP, found.unit, found.calendar))
    return add(found, STEP if type(found) is Decimal else 1)


def point_from(interval: Interval | None) -> Any:
    """``point from``: the one point of an interval; EvaluationError where it has more."""
    first, last = start_of(interval), end_of(interval)
    if first is None or last is None:
        return None
    if not equal(first, last):
        raise EvaluationError("{interval} has more than one point", interval=str(interval))
    return first
