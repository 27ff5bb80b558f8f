from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shangyi.query.cql.operators import PURE
from shangyi.query.cql.values import Date, DateTime, Quantity, Time, Uncertainty
from shangyi.query.errors import EvaluationError

UNITS = ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
PRECISIONS = ("year", "month", "day", "hour", "minute", "second", "millisecond")


def when(text: str) -> DateTime:
    found = DateTime.parse(text)
    assert found is not None
    return DateTime(found.parts, 0 if found.offset is None else found.offset)


def exact(moment: datetime) -> DateTime:
    return DateTime(
        (
            moment.year,
            moment.month,
            moment.day,
            moment.hour,
            moment.minute,
            moment.second + Decimal(moment.microsecond // 1000).scaleb(-3),
        ),
        0,
    )


moments = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(exact)
partial = st.builds(lambda value, kept: DateTime(value.parts[:kept], 0), moments, st.integers(1, 6))


@given(moments, moments, st.sampled_from(PRECISIONS))
def test_order_agrees_with_pythons(left: DateTime, right: DateTime, precision: str) -> None:
    a, b = left.parts, right.parts
    assert PURE["Before"](left, right) is (a < b)
    assert PURE["SameAs"](left, right, precision=precision) is PURE["SameAs"](
        right, left, precision=precision
    )
    kept = PRECISIONS.index(precision) + 1
    if kept < 6:
        assert PURE["SameOrBefore"](left, right, precision=precision) is (a[:kept] <= b[:kept])


@given(partial, partial)
def test_an_imprecise_order_holds_for_all_that_the_values_may_mean(left: DateTime, right: DateTime) -> None:
    found = PURE["Before"](left, right)
    lowest, highest = PURE["LowBoundary"], PURE["HighBoundary"]
    surely = PURE["Before"](highest(left), lowest(right))
    possibly = PURE["Before"](lowest(left), highest(right))
    if found is not None:
        assert surely == found or possibly == found
    if surely:
        assert found is True


@given(moments, st.integers(-400, 400), st.sampled_from(UNITS))
def test_duration_undoes_addition(value: DateTime, count: int, unit: str) -> None:
    moved = PURE["Add"](value, Quantity(Decimal(count), unit, True))
    found = PURE["DurationBetween"](value, moved, unit)
    assert found == count


@given(moments, moments, st.sampled_from(UNITS))
def test_durations_and_differences(left: DateTime, right: DateTime, unit: str) -> None:
    duration, difference = (
        PURE["DurationBetween"](left, right, unit),
        PURE["DifferenceBetween"](left, right, unit),
    )
    assert PURE["DifferenceBetween"](right, left, unit) == -difference
    assert abs(duration - difference) <= 1
    assert duration * difference >= 0


@given(partial, partial, st.sampled_from(UNITS))
def test_uncertain_durations_hold_what_boundaries_give(left: DateTime, right: DateTime, unit: str) -> None:
    found = PURE["DurationBetween"](left, right, unit)
    low, high = (found.low, found.high) if isinstance(found, Uncertainty) else (found, found)
    middle = PURE["DurationBetween"](PURE["LowBoundary"](left), PURE["LowBoundary"](right), unit)
    assert low <= middle <= high


@given(st.integers(0, 5000))
def test_differences_in_weeks_count_sundays(days: int) -> None:
    first = datetime(2012, 3, 10)
    last = first + timedelta(days=days)
    sundays = sum((first + timedelta(days=d)).weekday() == 6 for d in range(1, days + 1))
    assert PURE["DifferenceBetween"](exact(first), exact(last), "week") == sundays


@pytest.mark.parametrize(
    ("left", "right", "unit", "found"),
    [
        ("2014-01-15", "2014-02", "day", Uncertainty(16, 44)),
        ("2005", "2006-05", "month", Uncertainty(4, 16)),
        ("2005", "2010", "year", Uncertainty(4, 5)),
        ("2012-02-29T10:18:56", "2014-02-28T19:02:34", "year", 2),
        ("2012-06-11T12:16:17", "2011-08-21T05:48:02", "month", -9),
        ("2017-08-07T17:00", "2017-08-14", "day", Uncertainty(6, 7)),
        ("2013-05-26T23:06:11", "2013-05-12T20:25:30", "week", -2),
        ("2017-03-12T01:00:00-07:00", "2017-03-12T03:00:00-06:00", "hour", 1),
    ],
)
def test_examples_of_the_specification(left: str, right: str, unit: str, found: object) -> None:
    assert PURE["DurationBetween"](when(left), when(right), unit) == found


def test_dates_are_completed_to_the_day_only() -> None:
    found = PURE["DurationBetween"](Date((2014, 1, 15)), Date((2014, 2)), "day")
    assert found == Uncertainty(17, 44)


def test_uncertainty_compares_and_calculates() -> None:
    days = PURE["DurationBetween"](when("2014-01-15"), when("2014-02"), "day")
    assert PURE["Greater"](days, 2) is True
    assert PURE["Greater"](days, 50) is False
    assert PURE["Greater"](days, 20) is None
    assert PURE["Equal"](days, 50) is False
    assert PURE["Equal"](days, days) is None
    assert PURE["Add"](days, days) == Uncertainty(32, 88)
    assert PURE["Multiply"](days, 2) == Uncertainty(32, 88)


@given(st.one_of(moments, partial))
def test_successor_and_predecessor_undo_each_other(value: DateTime) -> None:
    following = PURE["Successor"](value)
    assert PURE["Predecessor"](following) == value
    assert PURE["Before"](value, following) is True


def test_offsets() -> None:
    assert (
        PURE["SameAs"](when("2012-03-10T10:20:00.999+07:00"), when("2012-03-10T09:20:00.999+06:00")) is True
    )
    assert (
        PURE["Before"](when("2022-02-22T00:00:00-05:00"), when("2022-02-22T04:59:00Z"), precision="hour")
        is False
    )
    day = when("2022-02-22")
    assert (
        PURE["SameAs"](day, when("2022-02-22T23:00:00-05:00"), precision="day") is True
    )  # days as they are written


def test_time_wraps_around_midnight_but_has_a_last_value() -> None:
    assert PURE["Add"](Time((23, 30)), Quantity(Decimal(1), "hour", True)) == Time((0, 30))
    assert PURE["Successor"](Time((23, 59, Decimal("59.999")))) is None
    assert PURE["Predecessor"](Time((0, 0, Decimal("0.000")))) is None


def test_years_out_of_range_are_an_error() -> None:
    with pytest.raises(EvaluationError, match="outside of the years"):
        PURE["Add"](when("2005-10-10"), Quantity(Decimal(8000), "year", True))
    with pytest.raises(EvaluationError):
        PURE["Add"](when("2005-10-10"), Quantity(Decimal(1), "a"))
    with pytest.raises(EvaluationError, match="is no date"):
        PURE["Date"](2023, 2, 29)
    with pytest.raises(EvaluationError, match="below one that is null"):
        PURE["Date"](2023, None, 1)


def test_components() -> None:
    value = when("2003-10-29T20:50:33.955+01:00")
    found = [PURE["DateTimeComponentFrom"](value, precision=p) for p in PRECISIONS]
    assert found == [2003, 10, 29, 20, 50, 33, 955]
    assert PURE["DateTimeComponentFrom"](when("2003-10-29T20:50:33"), precision="millisecond") is None
    assert PURE["TimezoneOffsetFrom"](value) == 1
    assert PURE["DateFrom"](value) == Date((2003, 10, 29))


@given(partial)
def test_boundaries_enclose(value: DateTime) -> None:
    digits = (4, 6, 8, 10, 12, 14, 17)
    lows = [PURE["LowBoundary"](value, d) for d in digits]
    highs = [PURE["HighBoundary"](value, d) for d in digits]
    assert [PURE["Precision"](v) for v in lows] == list(digits)
    assert all(PURE["After"](a, b) is not True for a, b in pairwise(lows))
    assert all(PURE["After"](low, high) is not True for low, high in zip(lows, highs, strict=True))
