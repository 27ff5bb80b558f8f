"""Intervals of small integers against sets of integers, which leave no room for interpretation."""

import itertools
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shangyi.query.cql.operators import PURE
from shangyi.query.cql.values import DateTime, Interval, Quantity, Time
from shangyi.query.errors import EvaluationError

LOW, HIGH = 0, 12


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    low = draw(st.integers(LOW, HIGH))
    high = draw(st.integers(low, HIGH))
    low_open, high_open = draw(st.booleans()), draw(st.booleans())
    return Interval(low - low_open, high + high_open, not low_open, not high_open)


def points(interval: Interval | None) -> set[int]:
    if interval is None:
        return set()
    return set(range(PURE["Start"](interval), PURE["End"](interval) + 1))


RELATIONS: dict[str, Callable[[set[int], set[int]], bool]] = {
    "Before": lambda a, b: max(a) < min(b),
    "After": lambda a, b: min(a) > max(b),
    "SameAs": lambda a, b: a == b,
    "Equal": lambda a, b: a == b,
    "SameOrBefore": lambda a, b: max(a) <= min(b),
    "SameOrAfter": lambda a, b: min(a) >= max(b),
    "Includes": lambda a, b: a >= b,
    "IncludedIn": lambda a, b: a <= b,
    "ProperIncludes": lambda a, b: a > b,
    "ProperIncludedIn": lambda a, b: a < b,
    "Overlaps": lambda a, b: bool(a & b),
    "OverlapsBefore": lambda a, b: bool(a & b) and min(a) < min(b),
    "OverlapsAfter": lambda a, b: bool(a & b) and max(a) > max(b),
    "MeetsBefore": lambda a, b: max(a) + 1 == min(b),
    "MeetsAfter": lambda a, b: max(b) + 1 == min(a),
    "Meets": lambda a, b: max(a) + 1 == min(b) or max(b) + 1 == min(a),
    "Starts": lambda a, b: min(a) == min(b) and max(a) <= max(b),
    "Ends": lambda a, b: max(a) == max(b) and min(a) >= min(b),
}


@pytest.mark.parametrize("name", RELATIONS)
@given(left=intervals(), right=intervals())
def test_relations_are_those_of_sets(name: str, left: Interval, right: Interval) -> None:
    assert PURE[name](left, right) is RELATIONS[name](points(left), points(right))


@pytest.mark.parametrize("name", RELATIONS)
@given(interval=intervals())
def test_relations_to_null_are_null(name: str, interval: Interval) -> None:
    assert PURE[name](interval, None) is None
    assert PURE[name](None, interval) is None


@given(intervals(), st.integers(LOW - 2, HIGH + 2))
def test_points(interval: Interval, point: int) -> None:
    inside = point in points(interval)
    assert PURE["In"](point, interval) is PURE["Contains"](interval, point) is inside
    assert PURE["ProperContains"](interval, point) is (inside and len(points(interval)) > 1)
    assert PURE["Before"](point, interval) is (point < min(points(interval)))
    assert PURE["Size"](interval) == len(points(interval)) == PURE["Width"](interval) + 1


def one_run(numbers: set[int]) -> set[int]:
    return numbers if numbers and max(numbers) - min(numbers) + 1 == len(numbers) else set()


@given(intervals(), intervals())
def test_union_intersect_and_except_are_those_of_sets(left: Interval, right: Interval) -> None:
    a, b = points(left), points(right)
    assert points(PURE["Union"](left, right)) == one_run(a | b)
    assert points(PURE["Intersect"](left, right)) == a & b
    assert points(PURE["Except"](left, right)) == one_run(a - b)


@given(st.lists(intervals(), max_size=8))
def test_collapse_keeps_the_points_and_leaves_gaps(source: list[Interval]) -> None:
    found = PURE["Collapse"]([*source, None])
    assert set().union(*map(points, found)) == set().union(*map(points, source))
    assert all(PURE["Before"](a, b) and not PURE["Meets"](a, b) for a, b in itertools.pairwise(found))


@given(intervals(), st.integers(1, 5))
def test_expand_cuts_into_equal_parts(interval: Interval, size: int) -> None:
    parts = PURE["Expand"]([interval], Quantity(Decimal(size)))
    covered = [point for part in parts for point in sorted(points(part))]
    assert covered == sorted(points(interval))[: len(points(interval)) // size * size]
    assert all(len(points(part)) == size for part in parts)
    assert PURE["Expand"](interval, Quantity(Decimal(size))) == [part.low for part in parts]


def test_closed_null_is_the_end_of_the_type_and_open_null_is_unknown() -> None:
    closed, unknown = Interval(5, None), Interval(5, None, True, False)
    assert PURE["End"](closed) == 2**31 - 1
    assert PURE["End"](unknown) is None
    assert PURE["In"](10, closed) is True
    assert PURE["In"](10, unknown) is None
    assert PURE["In"](4, unknown) is False
    assert PURE["Overlaps"](Interval(1, 5), unknown) is True
    assert PURE["Overlaps"](Interval(1, 6), Interval(None, 8, False, True)) is None
    assert PURE["Before"](Interval(1, 4), unknown) is True
    assert str(PURE["Intersect"](Interval(1, 10), unknown)) == "Interval[5, null)"


def test_boundaries_of_an_unknown_point_type_are_null() -> None:
    assert PURE["Start"](Interval(None, None)) is None
    assert PURE["Overlaps"](Interval(None, None), Interval(1, 10)) is None
    assert PURE["Overlaps"](Interval(None, None, point="Integer"), Interval(1, 10)) is True


def when(text: str) -> DateTime:
    found = DateTime.parse(text)
    assert found is not None
    return DateTime(found.parts, 0)


def test_relations_to_a_precision() -> None:
    morning = Interval(when("2024-03-01T08:00"), when("2024-03-01T12:00"))
    evening = Interval(when("2024-03-01T18:00"), when("2024-03-02T01:00"))
    assert PURE["Before"](morning, evening, precision="hour") is True
    assert PURE["Before"](morning, evening, precision="day") is False
    assert PURE["Overlaps"](morning, evening, precision="day") is True
    assert PURE["Meets"](morning, Interval(when("2024-03-02"), when("2024-03-03")), precision="day") is True
    assert PURE["Meets"](morning, Interval(when("2024-03-02"), when("2024-03-03"))) is False


def test_expand_of_dates_and_times() -> None:
    per = Quantity(Decimal(1), "hour", True)
    until_midnight = Interval(Time((22, 30)), Time((23, 59)))
    assert PURE["Expand"](until_midnight, per) == [Time((22,)), Time((23,))]
    assert PURE["Expand"](Interval(Time((10,)), Time((10,))), Quantity(Decimal(1), "minute", True)) == []


@pytest.mark.parametrize(("low", "high"), [(5, 4), (Decimal("1.1"), Decimal("1.0"))])
def test_an_interval_that_ends_before_it_starts_is_an_error(low: object, high: object) -> None:
    from shangyi.query.cql.operators.intervals import make

    with pytest.raises(EvaluationError, match="ends before it starts"):
        make(low, high)


def test_runaway_expansions_are_stopped() -> None:
    with pytest.raises(EvaluationError, match="more than 100000 parts"):
        PURE["Expand"](Interval(0, None), None)


def test_point_from() -> None:
    assert PURE["PointFrom"](Interval(3, 4, True, False)) == 3
    with pytest.raises(EvaluationError, match="more than one point"):
        PURE["PointFrom"](Interval(3, 4))
