"""Ranges and prefixes (http://hl7.org/fhir/R4/search.html#date)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shangyi.errors import Invalid
from shangyi.store import keys
from shangyi.store.search import date

PREFIXES = ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
ranges = st.tuples(st.integers(0, 10**15), st.integers(0, date.LONG_US)).map(lambda r: (r[0], r[0] + r[1]))


def micro(*parts: int) -> int:
    return keys.microseconds(datetime(*parts, tzinfo=UTC))  # type: ignore[misc,arg-type]


def test_a_date_is_as_wide_as_its_precision_and_of_the_readers_zone() -> None:
    assert date.bounds("2026-03") == (micro(2026, 2, 28, 16), micro(2026, 3, 31, 16) - 1)
    assert date.bounds("2024-02-29T10:00:00Z") == (micro(2024, 2, 29, 10), micro(2024, 2, 29, 10, 0, 1) - 1)
    assert date.bounds("2024-12")[1] + 1 == date.bounds("2025")[0]


@pytest.mark.parametrize("text", ["2026-13", "2026-02-30", "26", "2026-1-1", "", "2026-01-01T25:00"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        date.bounds(text)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)))
def test_a_day_is_within_its_month_and_year(when: datetime) -> None:
    year, month, day = (date.bounds(when.strftime(form)) for form in ("%Y", "%Y-%m", "%Y-%m-%d"))
    assert year[0] <= month[0] <= day[0] < day[1] <= month[1] <= year[1]
    assert day[1] - day[0] + 1 == timedelta(days=1) // timedelta(microseconds=1)


@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
    st.integers(0, 999),
    st.sampled_from(["Z", "+00:00", "-05:00", "+08:00", "+13:59"]),
)
def test_an_instant_read_whole_is_what_its_parts_make(when: datetime, ms: int, zone: str) -> None:
    second = when.strftime("%Y-%m-%dT%H:%M:%S")
    low, high = date.bounds(f"{second}{zone}")
    assert date.bounds(f"{second}.{ms:03d}{zone}") == (low + ms * 1000, low + ms * 1000 + 999)
    assert date.bounds(f"{second}.{ms:03d}0{zone}") == (low + ms * 1000, low + ms * 1000 + 99), "by its parts"
    assert high == low + 999_999
    if second.endswith("59"):
        assert date.bounds(f"{second[:-2]}60{zone}") == (low, high)


@given(ranges, ranges, st.sampled_from(PREFIXES))
def test_a_walk_looks_back_far_enough(stored: tuple[int, int], wanted: tuple[int, int], prefix: str) -> None:
    first, last = date.starts(prefix, *wanted)
    if date.compare(prefix, *stored, wanted):
        assert first <= stored[0] <= last
