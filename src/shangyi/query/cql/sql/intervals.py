"""Relations between intervals and points, and what is made of two intervals
(https://cql.hl7.org/09-b-cqlreference.html#interval-operators-3).

An interval that ends before it starts, which is a fault at the bedside, is null.
"""

from collections.abc import Callable, Sequence

from shangyi.query.cql.sql import ends, points
from shangyi.query.cql.sql.builder import Builder, Call, truth
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.ends import missing
from shangyi.query.cql.sql.points import Point, Precision, less, less_or_equal, same
from shangyi.query.cql.sql.quantity import scaled
from shangyi.query.cql.sql.shapes import bound, choose, converted, null, unified
from shangyi.query.cql.sql.steps import step
from shangyi.query.cql.sql.values import (
    Interval,
    Quantity,
    Range,
    Scalar,
    Value,
    is_null,
)
from shangyi.query.cql.types import ANY, BOOLEAN, IntervalOf
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr

Relation = Callable[[Columns, "Sides", Precision], Expr]


class Sides:
    """Two intervals (or points): their starts and ends, of quantities by their numbers in the smallest unit of their
    kind; ``raw``: each as it is.
    """

    def __init__(self, points: Sequence[Point], raw: Sequence[Point]) -> None:
        self.points, self.raw = points, raw
        self.a_start, self.a_end, self.b_start, self.b_end = points

    @property
    def turned(self) -> "Sides":
        """The other way round."""
        return Sides([*self.points[2:], *self.points[:2]], [*self.raw[2:], *self.raw[:2]])


def before(at: Columns, s: Sides, precision: Precision) -> Expr:
    """The left ends before the right starts."""
    return less(at, s.a_end, s.b_start, precision)


def same_or_before(at: Columns, s: Sides, precision: Precision) -> Expr:
    """The left ends before or when the right starts."""
    return less_or_equal(at, s.a_end, s.b_start, precision)


def same_as(at: Columns, s: Sides, precision: Precision) -> Expr:
    """Both ends are the same."""
    return _and(same(at, s.a_start, s.b_start, precision), same(at, s.a_end, s.b_end, precision))


def includes(at: Columns, s: Sides, precision: Precision) -> Expr:
    """The left starts no later and ends no earlier."""
    return _and(
        less_or_equal(at, s.a_start, s.b_start, precision), less_or_equal(at, s.b_end, s.a_end, precision)
    )


def properly_includes(at: Columns, s: Sides, precision: Precision) -> Expr:
    """``includes``, and they are not the same."""
    return _and(includes(at, s, precision), ir.call("not", same_as(at, s, precision)))


def overlaps(at: Columns, s: Sides, precision: Precision) -> Expr:
    """They have a point in common."""
    return _and(
        less_or_equal(at, s.a_start, s.b_end, precision), less_or_equal(at, s.b_start, s.a_end, precision)
    )


def overlaps_before(at: Columns, s: Sides, precision: Precision) -> Expr:
    """``overlaps``, and the left starts first."""
    return _and(less(at, s.a_start, s.b_start, precision), overlaps(at, s, precision))


def overlaps_after(at: Columns, s: Sides, precision: Precision) -> Expr:
    """``overlaps``, and the left ends last."""
    return _and(less(at, s.b_end, s.a_end, precision), overlaps(at, s, precision))


def meets_before(at: Columns, s: Sides, precision: Precision) -> Expr:
    """The right starts right after the left ends."""
    return _adjacent(at, s.raw[1], s.raw[2], precision)


def meets(at: Columns, s: Sides, precision: Precision) -> Expr:
    """One starts right after the other ends."""
    return ir.call("or", meets_before(at, s, precision), meets_before(at, s.turned, precision))


def starts(at: Columns, s: Sides, precision: Precision) -> Expr:
    """They start together and the left does not end later."""
    return _and(same(at, s.a_start, s.b_start, precision), less_or_equal(at, s.a_end, s.b_end, precision))


def finishes(at: Columns, s: Sides, precision: Precision) -> Expr:
    """``ends``: they end together and the left does not start earlier."""
    return _and(less_or_equal(at, s.b_start, s.a_start, precision), same(at, s.a_end, s.b_end, precision))


def _and(*operands: Expr) -> Expr:
    return ir.call("and", *operands)


def _adjacent(at: Columns, last: Point, first: Point, precision: Precision) -> Expr:
    """Whether the successor of one point, at a precision, is the other; after the last value of a type comes none."""
    low, high = (_at_precision(at, value, precision) for value in (last.low, last.high))
    next_low, next_high = step(low, 1), step(high, 1)
    assert next_low is not None
    assert next_high is not None
    reach = choose(at, is_null(next_high), high, next_high) if last.open != ir.FALSE else next_high
    following_low, following_high = unified(at, (next_low, reach))
    following = Point(following_low, following_high, last.open)
    known = ir.both(*(ir.call("not", is_null(value)) for value in (last.low, first.low)))
    found = same(at, _settled(following), _settled(first), precision)
    return ir.Case(((ir.both(known, is_null(next_low)), ir.FALSE),), found)


def _settled(found: Point) -> Point:
    """A quantity by its number in the smallest unit of its kind."""
    low, high = (scaled(v) if isinstance(v, Quantity) else v for v in (found.low, found.high))
    return Point(low, high, found.open)


def _at_precision(at: Columns, value: Value, precision: Precision) -> Value:
    """A date or time cut off below a precision, so that its successor is one unit of that away."""
    if precision in (None, "millisecond") or not isinstance(value, Range):
        return value
    low, _ = points.cut(at, value, precision)
    first = Range(value.type, low, low)
    after = _unit_later(low, precision or "")
    tick = step(Range(value.type, after, after), -1)
    assert isinstance(tick, Range)
    known = ir.call("eq", *points.cut(at, value, precision))
    return choose(at, ir.certain(known), Range(value.type, first.low, tick.high), value)


def _unit_later(moment: Expr, unit: str) -> Expr:
    if unit in ("year", "month"):
        return ir.call("add_months", moment, ir.number(12 if unit == "year" else 1))
    sizes = {"day": 86_400, "hour": 3600, "minute": 60, "second": 1}
    return ir.call("add_seconds", moment, ir.number(sizes[unit]))


# --- Operators


def related(relation: Relation, *, turned: bool = False) -> Builder:
    """A relation between two intervals, or an interval and a point; None of what is neither."""

    def build(call: Call) -> Value | None:
        left, right = reversed(call.operands) if turned else call.operands
        return relate(call.at, relation, left, right, call.node.precision)

    return build


def relate(at: Columns, relation: Relation, left: Value, right: Value, precision: Precision) -> Value | None:
    """A relation; null where one of both is."""
    if not isinstance(left, Interval) and not isinstance(right, Interval):
        return None
    pair = _alike(at, left, right)
    if pair is None:
        return None
    if ANY in (_point_type(pair[0]), _point_type(pair[1])):
        return truth(ir.UNKNOWN)
    if any(ends.start(at, value) is None for value in pair):
        return None

    def answer(both: tuple[Value, ...]) -> Value:
        absent = missing(*both)
        found = _with_sides(at, both, lambda s: truth(relation(at, s, precision)))
        assert isinstance(found, Scalar)
        return truth(found.sql if absent == ir.FALSE else ir.Case(((absent, ir.UNKNOWN),), found.sql))

    return bound(at, pair, answer)


def _point_type(value: Value) -> object:
    return value.type.point if isinstance(value, Interval) else value.type


def _alike(at: Columns, left: Value, right: Value) -> tuple[Value, ...] | None:
    """Two intervals of one type, or an interval and a point of its type."""
    if isinstance(left, Interval) and isinstance(right, Interval):
        return unified(at, (left, right))
    interval, other = (left, right) if isinstance(left, Interval) else (right, left)
    if not isinstance(interval, Interval):
        return None
    point_type = interval.type.point
    if point_type == ANY:
        interval, point_type = converted(at, interval, IntervalOf(other.type)), other.type
    elif other.type == ANY:
        other = null(point_type)
    if point_type != other.type:
        return None
    return (interval, other) if isinstance(left, Interval) else (other, interval)


def _with_sides(at: Columns, both: tuple[Value, ...], use: Callable[[Sides], Value]) -> Value:
    a, b = both
    found = [ends.start(at, a), ends.end(at, a), ends.start(at, b), ends.end(at, b)]
    known = [p for p in found if p is not None]
    assert len(known) == 4
    raw = [value for p in known for value in (p.low, p.high)]
    opens = [Scalar(BOOLEAN, p.open) for p in known]

    def with_raw(opened: tuple[Value, ...]) -> Value:
        own, unknown = opened[:8], [_sql(value) for value in opened[8:]]
        numbers = [scaled(value) if isinstance(value, Quantity) else value for value in own]
        return bound(at, numbers, lambda found: use(Sides(_points(found, unknown), _points(own, unknown))))

    return bound(at, [*raw, *opens], with_raw)


def _points(values: Sequence[Value], opens: Sequence[Expr]) -> list[Point]:
    pairs = zip(values[::2], values[1::2], opens, strict=True)
    return [Point(low, high, open_) for low, high, open_ in pairs]


def _sql(value: Value) -> Expr:
    assert isinstance(value, Scalar)
    return value.sql


def _contains(at: Columns, s: Sides, precision: Precision) -> Expr:
    return includes(at, s, precision)


def contains(proper: bool, *, turned: bool = False) -> Builder:
    """``contains`` and ``properly includes`` of an interval and a point; false of a null interval."""

    def build(call: Call) -> Value | None:
        left, right = reversed(call.operands) if turned else call.operands
        return holds(call.at, left, right, call.node.precision, proper=proper)

    return build


def holds(at: Columns, interval: Value, item: Value, precision: Precision, *, proper: bool) -> Value | None:
    """Whether an interval holds a point; a closed null boundary holds whatever the point is."""
    if not isinstance(interval, Interval) or isinstance(item, Interval):
        return None
    pair = _alike(at, interval, item)
    if pair is None:
        return None

    def answer(both: tuple[Value, ...]) -> Value:
        own, point = both
        assert isinstance(own, Interval)
        absent = missing(own)

        def test(s: Sides) -> Value:
            low = less_or_equal(at, s.a_start, s.b_start, precision)
            high = less_or_equal(at, s.b_start, s.a_end, precision)
            low = ir.Case(((ir.both(is_null(own.low), own.low_closed), ir.TRUE),), low)
            high = ir.Case(((ir.both(is_null(own.high), own.high_closed), ir.TRUE),), high)
            found = _and(low, high)
            if proper:
                only = _and(
                    same(at, s.a_start, s.b_start, precision), same(at, s.a_end, s.b_start, precision)
                )
                found = ir.Case(((found, ir.call("not", only)),), found)
            return truth(ir.Case(((is_null(point), ir.UNKNOWN),), found))

        if own.type.point == ANY:
            return truth(ir.Case(((absent, ir.FALSE),), ir.UNKNOWN))
        found = _with_sides(at, (own, point), test)
        return truth(ir.Case(((absent, ir.FALSE),), _sql(found)))

    if ends.start(at, pair[0]) is None:
        return None
    return bound(at, pair, answer)


# --- Intervals made of two, and of one


def _made(name: str) -> Builder:
    """``union``, ``intersect``, ``except``; null where there is a gap, nothing, or two pieces."""

    def build(call: Call) -> Value | None:
        left, right = call.operands
        if not isinstance(left, Interval) or not isinstance(right, Interval):
            return None
        pair = unified(call.at, (left, right))
        own = pair[0]
        if not isinstance(own, Interval) or own.type.point == ANY:
            return null(own.type)
        if ends.start(call.at, own) is None:
            return None

        def answer(both: tuple[Value, ...]) -> Value:
            made = _with_sides(call.at, both, lambda s: _COMBINED[name](call.at, both, s))
            absent = missing(*both)
            return choose(call.at, absent, null(own.type), made)

        return bound(call.at, pair, answer)

    return build


def _union(at: Columns, both: tuple[Value, ...], s: Sides) -> Value:
    touching = ir.either(overlaps(at, s, None), meets(at, s, None))
    left_first, right_last = less(at, s.b_start, s.a_start), less(at, s.a_end, s.b_end)
    return _piece(at, both, touching, left_first, right_last)


def _intersect(at: Columns, both: tuple[Value, ...], s: Sides) -> Value:
    return _piece(at, both, overlaps(at, s, None), less(at, s.a_start, s.b_start), less(at, s.b_end, s.a_end))


def _piece(at: Columns, both: tuple[Value, ...], there: Expr, right_low: Expr, right_high: Expr) -> Value:
    """From a boundary of one to a boundary of one; an open null where it is not known of which."""
    left, right = both
    assert isinstance(left, Interval)
    assert isinstance(right, Interval)
    low, low_closed = _boundary(at, right_low, left.low, right.low, left.low_closed, right.low_closed)
    high, high_closed = _boundary(at, right_high, left.high, right.high, left.high_closed, right.high_closed)
    made = Interval(left.type, low, high, low_closed, high_closed)
    return choose(at, ir.certain(there), made, null(left.type))


def _boundary(
    at: Columns, take_right: Expr, left: Value, right: Value, left_closed: Expr, right_closed: Expr
) -> tuple[Value, Expr]:
    unknown = ir.is_null(take_right)
    value = choose(at, unknown, null(left.type), choose(at, take_right, right, left))
    return value, ir.Case(((unknown, ir.FALSE), (take_right, right_closed)), left_closed)


def _except(at: Columns, both: tuple[Value, ...], s: Sides) -> Value:
    left, right = both
    assert isinstance(left, Interval)
    apart, head, tail = (
        overlaps(at, s, None),
        less(at, s.a_start, s.b_start),
        less(at, s.b_end, s.a_end),
    )
    first, last = ends.start_of(at, right), ends.end_of(at, right)
    assert first is not None
    assert last is not None
    until, since = step(first, -1), step(last, 1)
    assert until is not None
    assert since is not None
    nothing = null(left.type)
    before_ = Interval(left.type, left.low, until, left.low_closed, ir.TRUE)
    after_ = Interval(left.type, since, left.high, ir.TRUE, left.high_closed)
    in_tail = choose(at, _certainly(tail, head), after_, nothing)
    found = choose(at, _certainly(head, tail), before_, in_tail)
    found = choose(at, ir.certain(apart), found, nothing)
    return choose(at, ir.certain(ir.call("not", apart)), left, found)


def _certainly(yes: Expr, no: Expr) -> Expr:
    return ir.both(ir.certain(yes), ir.certain(ir.call("not", no)))


_COMBINED = {"Union": _union, "Intersect": _intersect, "Except": _except}


def checked(at: Columns, interval: Interval) -> Value:
    """The interval; null where it ends before it starts, or has no point."""
    if interval.type.point == ANY:
        return interval

    def answer(opened: tuple[Value, ...]) -> Value:
        own = opened[0]
        assert isinstance(own, Interval)
        first, last = ends.start(at, own), ends.end(at, own)
        if first is None or last is None:
            return own
        written = ir.both(*(ir.call("not", is_null(b)) for b in (own.low, own.high)))
        wrong = ir.either(ir.certain(less(at, last, first)), is_null(first.low), is_null(last.high))
        return choose(at, ir.both(written, wrong), null(own.type), own)

    return bound(at, (interval,), answer)


def _of(side: int) -> Builder:
    def build(call: Call) -> Value | None:
        (value,) = call.operands
        if not isinstance(value, Interval):
            return null(value.type) if value.type == ANY else None
        pick = ends.start_of if side == 0 else ends.end_of
        return bound(call.at, (value,), lambda opened: pick(call.at, opened[0]) or null(ANY))

    return build


def _point_from(call: Call) -> Value | None:
    (value,) = call.operands
    if not isinstance(value, Interval):
        return None
    if value.type.point == ANY:
        return null(ANY)

    def answer(opened: tuple[Value, ...]) -> Value:
        first, last = ends.start_of(call.at, opened[0]), ends.end_of(call.at, opened[0])
        assert first is not None
        assert last is not None
        alike = points.equal(call.at, first, last)
        assert alike is not None
        return choose(call.at, ir.certain(alike), first, null(first.type))

    return bound(call.at, (value,), answer)


OPERATORS: dict[str, Builder] = {
    "Start": _of(0),
    "End": _of(1),
    "PointFrom": _point_from,
    "Before": related(before),
    "After": related(before, turned=True),
    "SameAs": related(same_as),
    "SameOrBefore": related(same_or_before),
    "SameOrAfter": related(same_or_before, turned=True),
    "Includes": related(includes),
    "IncludedIn": related(includes, turned=True),
    "ProperIncludes": related(properly_includes),
    "ProperIncludedIn": related(properly_includes, turned=True),
    "Overlaps": related(overlaps),
    "OverlapsBefore": related(overlaps_before),
    "OverlapsAfter": related(overlaps_after),
    "Meets": related(meets),
    "MeetsBefore": related(meets_before),
    "MeetsAfter": related(meets_before, turned=True),
    "Starts": related(starts),
    "Ends": related(finishes),
    "Contains": contains(False),
    "In": contains(False, turned=True),
    "ProperContains": contains(True),
    "ProperIn": contains(True, turned=True),
    "Union": _made("Union"),
    "Intersect": _made("Intersect"),
    "Except": _made("Except"),
}
