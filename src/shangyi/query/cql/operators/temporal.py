"""Dates and times: comparison to a precision, duration, difference, components
(https://cql.hl7.org/09-b-cqlreference.html#date-and-time-operators-2).

Precisions are the words ``year`` … ``millisecond``, and ``week`` for durations. An offset of None is that of a
Date; every DateTime that CQL makes has one.
"""

import calendar
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from shangyi.query import temporal
from shangyi.query.cql.values import Date, DateTime, Time, Uncertainty
from shangyi.query.errors import EvaluationError
from shangyi.query.temporal import Temporal

LEVELS = {"year": 0, "month": 1, "day": 2, "hour": 3, "minute": 4, "second": 5, "millisecond": 6}
_FINE = frozenset({"hour", "minute", "second", "millisecond"})
_MILLISECOND = Decimal("0.001")
_MILLISECONDS = {
    "millisecond": 1,
    "second": 1000,
    "minute": 60_000,
    "hour": 3_600_000,
    "day": 86_400_000,
    "week": 604_800_000,
}


def compare(left: Temporal, right: Temporal, precision: str | None = None) -> int | None:
    """-1, 0 or 1, component by component down to ``precision``; None where one has no value for a component.

    Without a precision, down to the finest that either has. Seconds and milliseconds compare as one decimal; what
    has no milliseconds is unknown to the millisecond (09-b, Same As; 05, Uncertainty).
    """
    if left.offset != right.offset and (precision is None or precision in _FINE):
        left, right = aligned(left, right)
    a, b = left.parts, right.parts
    first = left.first
    length = 6 - first if precision is None else min(LEVELS[precision] + 1, 6) - first
    shared = min(len(a), len(b), length)
    for index in range(shared):
        p, q = a[index], b[index]
        if index + first == 5:
            return _compare_seconds(Decimal(p), Decimal(q), precision)
        if p != q:
            return -1 if p < q else 1
    if shared == length or (precision is None and len(a) == len(b)):
        return 0
    return None


def _compare_seconds(left: Decimal, right: Decimal, precision: str | None) -> int | None:
    a, b = int(left), int(right)
    if a != b:
        return -1 if a < b else 1
    if precision == "second":
        return 0
    known = [value.as_tuple().exponent != 0 for value in (left, right)]
    if all(known):
        return (left > right) - (left < right)
    return 0 if precision is None and not any(known) else None


def aligned(left: Temporal, right: Temporal) -> tuple[Temporal, Temporal]:
    """Both in one offset, as far as their precision allows.

    A value without hours keeps its day, and the other is brought to its offset, which by default is that of the
    evaluation request.
    """
    if left.offset is None or right.offset is None or left.offset == right.offset:
        return left, right
    if len(left.parts) < 4:
        return left, at_offset(right, left.offset)
    return at_offset(left, right.offset), right


def at_offset(value: Temporal, offset: int) -> Temporal:
    """A DateTime in another offset (minutes); one without hours stays as it is."""
    if value.offset is None or value.offset == offset or len(value.parts) < 4:
        return value
    parts = value.parts
    whole = datetime(int(parts[0]), int(parts[1]), int(parts[2]), int(parts[3]), int((*parts, 0)[4]))
    try:
        moved = whole + timedelta(minutes=offset - value.offset)
    except OverflowError:
        return value
    shifted = (moved.year, moved.month, moved.day, moved.hour, moved.minute)[: len(parts)]
    return DateTime((*shifted, *parts[5:]), offset)


def has_milliseconds(value: Temporal) -> bool:
    """Whether it is known to the millisecond."""
    return len(value.parts) + value.first == 6 and value.has_fraction


# --- Duration and difference


def duration(left: Temporal, right: Temporal, unit: str) -> int | Uncertainty | None:
    """Whole periods from ``left`` to ``right``: 15-h of the specification; negative where ``right`` is earlier.

    Imprecise values are first completed, Dates to the day, others to the second (to the millisecond where that is
    the unit); the least and greatest results bound the answer (05, Determining Difference and Duration).
    """
    left, right = aligned(left, right)
    level = 2 if type(left) is type(right) is Date else max(_needed(unit), 5)
    return _range(left, right, level, lambda a, b: _duration(a, b, unit))


def difference(left: Temporal, right: Temporal, unit: str) -> int | Uncertainty | None:
    """How many borders of ``unit`` lie between; weeks begin on Sunday."""
    if unit in _FINE:
        left, right = aligned(left, right)
    return _range(left, right, _needed(unit), lambda a, b: _difference(a, b, unit))


def _needed(unit: str) -> int:
    return 2 if unit == "week" else LEVELS[unit]


def _range(left: Temporal, right: Temporal, level: int, count: Any) -> int | Uncertainty:
    a_low, a_high = completed(left, level)
    b_low, b_high = completed(right, level)
    low = count(a_high, b_low)
    if a_low == a_high and b_low == b_high:
        return int(low)
    found: int | Uncertainty = Uncertainty.between(low, count(a_low, b_high))
    return found


Components = tuple[int, int, int, int]
"""Year, month, day, milliseconds of the day."""


def completed(value: Temporal, level: int) -> tuple[Components, Components]:
    """The first and the last moment of ``value``, its components finer than ``level`` cut off."""
    return (
        _components(value, temporal.lowest(value), level),
        _components(value, _highest(value, level), level),
    )


def _highest(value: Temporal, level: int) -> tuple[int | Decimal, ...]:
    parts = temporal.highest(value)
    if level == 6 and value.precision == "second" and not value.has_fraction:
        return (*parts[:-1], Decimal(parts[-1]) + Decimal("0.999"))
    return parts


def _components(value: Temporal, parts: tuple[int | Decimal, ...], level: int) -> Components:
    whole = (2000, 1, 1, *parts) if value.first else parts
    kept = tuple(
        part if index <= level else (0, 1, 1, 0, 0, 0)[index] for index, part in enumerate(whole[:6])
    )
    kept += (1, 1, 0, 0, 0)[len(kept) - 1 :]
    fine = int(Decimal(kept[5]) * 1000)
    return int(kept[0]), int(kept[1]), int(kept[2]), (int(kept[3]) * 60 + int(kept[4])) * 60_000 + fine


def _instant(moment: Components) -> int:
    return date(*moment[:3]).toordinal() * 86_400_000 + moment[3]


def _truncated(number: int, by: int) -> int:
    return number // by if number >= 0 else -(-number // by)


def _duration(left: Components, right: Components, unit: str) -> int:
    if unit not in ("year", "month"):
        return _truncated(_instant(right) - _instant(left), _MILLISECONDS[unit])
    months = (right[0] - left[0]) * 12 + right[1] - left[1]
    day = min(left[2], calendar.monthrange(right[0], right[1])[1])
    start, end = (day, left[3]), right[2:]
    if months > 0 and start > end:
        months -= 1
    elif months < 0 and start < end:
        months += 1
    return _truncated(months, 12) if unit == "year" else months


def _difference(left: Components, right: Components, unit: str) -> int:
    if unit == "year":
        return right[0] - left[0]
    if unit == "month":
        return (right[0] - left[0]) * 12 + right[1] - left[1]
    if unit == "week":
        return date(*right[:3]).toordinal() // 7 - date(*left[:3]).toordinal() // 7
    size = _MILLISECONDS[unit]
    return _instant(right) // size - _instant(left) // size


# --- Components


def component(value: Temporal, precision: str) -> int | None:
    """``year from`` … ``millisecond from``; None where the value is not known so far."""
    if precision == "millisecond":
        return int(Decimal(value.parts[-1]) % 1 * 1000) if has_milliseconds(value) else None
    index = LEVELS[precision] - value.first
    return int(value.parts[index]) if 0 <= index < len(value.parts) else None


def timezone_offset(value: Temporal) -> Decimal | None:
    """Hours from UTC."""
    return None if value.offset is None else Decimal(value.offset) / 60


def date_from(value: Temporal) -> Date:
    """The day as it is written, whatever the offset."""
    return Date(value.parts[:3])


def time_from(value: Temporal, offset: int) -> Time | None:
    """The time of day at ``offset``, that of the evaluation request."""
    parts = at_offset(value, offset).parts[3:]
    return Time(parts) if parts else None


# --- Construction


def make_date(year: int | None, month: int | None = None, day: int | None = None) -> Date | None:
    """``Date(…)``."""
    parts = _given((year, month, day))
    if not parts:
        return None
    _check_day(parts)
    return Date(parts)


def make_datetime(components: tuple[int | None, ...], offset: int) -> DateTime | None:
    """``DateTime(…)``: up to seven components, the offset in minutes."""
    parts = _given(components)
    if not parts:
        return None
    _check_day(parts)
    if abs(offset) > 14 * 60:
        raise EvaluationError("{offset} is no offset from UTC", offset=offset)
    return DateTime(parts[:3] + _clock(parts[3:]), offset)


def make_time(components: tuple[int | None, ...]) -> Time | None:
    """``Time(…)``: up to four components."""
    parts = _given(components)
    return Time(_clock(parts)) if parts else None


def _given(components: tuple[int | None, ...]) -> tuple[int, ...]:
    parts = [part for part in components if part is not None]
    if any(part is None for part in components[: len(parts)]):
        raise EvaluationError("A component of a date or time is given below one that is null")
    return tuple(parts)


def _check_day(parts: tuple[int, ...]) -> None:
    year, month, day = (*parts[:3], 1, 1)[:3]
    if not (1 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]):
        raise EvaluationError("{date} is no date", date="-".join(map(str, parts[:3])))


def _clock(parts: tuple[int, ...]) -> tuple[int | Decimal, ...]:
    if any(not 0 <= part < limit for part, limit in zip(parts, (24, 60, 60, 1000), strict=False)):
        raise EvaluationError("{time} is no time of day", time=":".join(map(str, parts)))
    if len(parts) < 3:
        return parts
    seconds = Decimal(parts[2])
    return (*parts[:2], seconds if len(parts) == 3 else seconds + Decimal(parts[3]).scaleb(-3))


def to_milliseconds(value: Temporal) -> Temporal:
    """Seconds cut to three places, or given them where they have one or two."""
    if len(value.parts) + value.first < 6 or not value.has_fraction:
        return value
    seconds = Decimal(value.parts[-1]).quantize(_MILLISECOND, ROUND_DOWN)
    return type(value)((*value.parts[:-1], seconds), value.offset)


def whole_seconds(value: Temporal) -> Temporal:
    """Known to the millisecond wherever it is known to the second: ``…:05`` is ``…:05.000``."""
    if len(value.parts) + value.first < 6:
        return value
    seconds = Decimal(value.parts[-1]).quantize(_MILLISECOND, ROUND_DOWN)
    return type(value)((*value.parts[:-1], seconds), value.offset)


def step(value: Temporal, sign: int) -> Temporal | None:
    """The next (1) or the one before (-1) at the value's own precision; None beyond the limits of the type."""
    unit = "millisecond" if has_milliseconds(value) else value.precision
    try:
        moved = temporal.add(value, Decimal(sign), unit)
    except (OverflowError, ValueError):
        return None
    if value.first and (moved.parts > value.parts) is not (sign > 0):  # past midnight
        return None
    return moved
