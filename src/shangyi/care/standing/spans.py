"""Spans of days: half-open, sorted, apart from each other once united."""

import datetime as dt
from collections.abc import Iterable

Span = tuple[dt.date, dt.date]
"""First day, and the first day on which it no longer holds."""

BEGINNING, FOREVER = dt.date(1, 1, 1), dt.date(9999, 12, 31)


def union(spans: Iterable[Span]) -> list[Span]:
    """The days of any of them; touching spans become one."""
    found: list[Span] = []
    for begins, ends in sorted(s for s in spans if s[0] < s[1]):
        if found and begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(ends, found[-1][1]))
        else:
            found.append((begins, ends))
    return found


def intersection(a: Iterable[Span], b: Iterable[Span]) -> list[Span]:
    """The days of both."""
    others = union(b)
    cut = ((max(x[0], y[0]), min(x[1], y[1])) for x in union(a) for y in others)
    return [s for s in cut if s[0] < s[1]]


def complement(spans: Iterable[Span]) -> list[Span]:
    """All other days."""
    found, at = [], BEGINNING
    for begins, ends in union(spans):
        if at < begins:
            found.append((at, begins))
        at = ends
    return [*found, (at, FOREVER)] if at < FOREVER else found


def months_after(day: dt.date, months: int) -> dt.date:
    """The same day of a later (or earlier) month, or that month's last; ``FOREVER`` beyond the calendar."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > FOREVER.year:
        return FOREVER
    for number in (day.day, 30, 29, 28):
        try:
            return dt.date(year, month + 1, number)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")
