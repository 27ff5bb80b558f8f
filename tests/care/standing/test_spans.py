import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shangyi.care.standing.spans import (
    BEGINNING,
    FOREVER,
    Span,
    complement,
    intersection,
    months_after,
    union,
)

DAY = dt.timedelta(days=1)
days = st.dates(dt.date(2020, 1, 1), dt.date(2020, 3, 1))
spans = st.lists(st.tuples(days, days), max_size=6)


def holds(found: list[Span], day: dt.date) -> bool:
    return any(begins <= day < ends for begins, ends in found)


@given(spans, spans, days)
def test_a_day_is_in_a_combination_as_it_is_in_its_parts(a: list[Span], b: list[Span], day: dt.date) -> None:
    assert holds(union([*a, *b]), day) == (holds(a, day) or holds(b, day))
    assert holds(intersection(a, b), day) == (holds(a, day) and holds(b, day))
    assert holds(complement(a), day) != holds(a, day)


@given(spans)
def test_a_union_is_sorted_and_apart(a: list[Span]) -> None:
    found = union(a)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(found))


def test_nothing_leaves_all_days() -> None:
    assert complement([]) == [(BEGINNING, FOREVER)]


@pytest.mark.parametrize(
    ("day", "months", "after"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2026-10-20", -12, "2025-10-20"),
        ("2026-03-15", -15, "2024-12-15"),
    ],
)
def test_months_end_where_the_month_ends(day: str, months: int, after: str) -> None:
    assert months_after(dt.date.fromisoformat(day), months) == dt.date.fromisoformat(after)
