"""Comparisons and arithmetic of the official suite's cases (groups testLessThan, testEquality, testPlus)."""

from decimal import Decimal

import pytest

from shangyi.query.temporal import Temporal, add, compare, parse


def value(text: str) -> Temporal:
    found = parse("Time" if text[2:3] == ":" else "DateTime" if "T" in text else "Date", text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [
        ("2018-03", "2018-03-01", None),
        ("2012-04-15T15:30:31", "2012-04-15T15:30:31.0", 0),
        ("2012-04-15T15:00:00+02:00", "2012-04-15T16:00:00+03:00", 0),
        ("2012-04-15T15:00:00Z", "2012-04-15T10:00:00", None),
        ("2017-11-05T01:30:00.0-04:00", "2017-11-05T01:15:00.0-05:00", -1),
        ("1974-12-25", "2026-01-01T00:00:00Z", -1),
        ("10:30", "10:30:00", None),
    ],
)
def test_order_is_known_only_where_precision_and_zone_allow(left: str, right: str, order: int | None) -> None:
    assert compare(value(left), value(right)) == order


@pytest.mark.parametrize(
    ("start", "amount", "unit", "end"),
    [
        ("1973-12-25", "7.7", "day", "1974-01-01"),
        ("1973-12-25T00:00:00.000+10:00", "10", "millisecond", "1973-12-25T00:00:00.010+10:00"),
        ("2020-02-29", "1", "year", "2021-02-28"),
        ("2020-01-31", "1", "month", "2020-02-29"),
        ("2014", "24", "month", "2016"),
        ("1974-12-25", "-1", "month", "1974-11-25"),
    ],
)
def test_calendar_arithmetic(start: str, amount: str, unit: str, end: str) -> None:
    assert str(add(value(start), Decimal(amount), unit)) == end


@pytest.mark.parametrize("text", ["2014-02-30", "2014-13", "0000"])
def test_no_such_day(text: str) -> None:
    assert parse("Date", text) is None
