"""Dates as inclusive ranges of microseconds since 1970, as wide as their precision.

http://hl7.org/fhir/R4/search.html#date: a date stands for the whole of its implicit range; a period without an end
is open. Dates without a zone are read in the platform's own zone, Asia/Shanghai: a day is a day of the reader.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from shangyi.errors import Invalid
from shangyi.store.keys import microseconds

FIRST, LAST = -(2**62), 2**62
"""Open ends of a period."""

ZONE = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has had one zone, without summer time, since 1991."""

LONG_US = 31 * 86_400 * 1_000_000
"""A main date longer than 31 days is marked, so that a walk by its start need look back no further."""

_FORM = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?\Z"
)


_DIGITS = str.maketrans("123456789", "000000000")
_WHOLE = frozenset(
    f"0000-00-00T00:00:00{fraction}{zone}" for fraction in ("", ".000") for zone in ("Z", "+00:00", "-00:00")
)
"""Instants to the second or the millisecond, which Python reads ten times as fast as we do."""


@lru_cache(maxsize=16384)
def bounds(text: str) -> tuple[int, int]:
    """First and last microsecond of a FHIR date, dateTime or instant; Invalid where it is none."""
    if text.translate(_DIGITS) in _WHOLE:
        try:
            low = microseconds(datetime.fromisoformat(text))
        except ValueError:
            pass  # second 60, or a mistake: said below
        else:
            return low, low + (999 if text[19] == "." else 999_999)
    match = _FORM.match(text)
    if match is None:
        raise Invalid("{value} is not a date (YYYY, YYYY-MM, YYYY-MM-DD or a date with time)", value=text)
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        zone = _zone(offset)
        if second == "60":
            second = "59"
        start = datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0),
            tzinfo=zone,
        )  # fmt: skip
        low = microseconds(start)
        if month is None:
            return low, _year_end(start)
        if day is None:
            return low, _month_end(start)
    except ValueError as error:
        raise Invalid("{value} is not a day or time that there is", value=text) from error
    if hour is None:
        return low, low + 86_400_000_000 - 1
    if second is None:
        return low, low + 60_000_000 - 1
    if fraction is None:
        return low, low + 1_000_000 - 1
    digits = fraction[:6]
    return low + int(digits.ljust(6, "0")), low + int(digits.ljust(6, "9"))


def _year_end(start: datetime) -> int:
    return LAST if start.year == 9999 else microseconds(start.replace(year=start.year + 1)) - 1


def _month_end(start: datetime) -> int:
    if start.month == 12:
        return _year_end(start.replace(month=1))
    return microseconds(start.replace(month=start.month + 1)) - 1


@lru_cache(maxsize=64)
def _zone(offset: str | None) -> timezone:
    if offset is None:
        return ZONE
    if offset == "Z":
        return UTC
    minutes = int(offset[1:3]) * 60 + int(offset[4:6])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def span(value: Any) -> tuple[int, int] | None:
    """The range of a date, Period or Timing as it stands in a resource; None where there is nothing in it."""
    if isinstance(value, str):
        return bounds(value)
    if not isinstance(value, dict):
        return None
    if "start" in value or "end" in value:
        low = bounds(value["start"])[0] if value.get("start") else FIRST
        high = bounds(value["end"])[1] if value.get("end") else LAST
        return low, high
    if events := [bounds(event) for event in value.get("event", ()) if event]:
        return min(low for low, _ in events), max(high for _, high in events)
    repeat = value.get("repeat")
    return span(repeat.get("boundsPeriod")) if isinstance(repeat, dict) else None


def compare(prefix: str, low: int, high: int, wanted: tuple[int, int]) -> bool:
    """Whether a stored range [low, high] fits ``prefix`` and the searched range; both inclusive.

    http://hl7.org/fhir/R4/search.html#prefix
    """
    first, last = wanted
    match prefix:
        case "eq":
            return first <= low and high <= last
        case "ne":
            return not (first <= low and high <= last)
        case "gt":
            return high > last
        case "lt":
            return low < first
        case "ge":
            return high > last or (first <= low and high <= last)
        case "le":
            return low < first or (first <= low and high <= last)
        case "sa":
            return low > last
        case "eb":
            return high < first
    return low <= last and high >= first


def starts(prefix: str, low: int, high: int) -> tuple[int, int]:
    """Between which instants a range no longer than LONG_US must start to fit the prefix."""
    match prefix:
        case "eq":
            return low, high
        case "gt" | "sa":
            return high - LONG_US, LAST
        case "ge":
            return low - LONG_US, LAST
        case "lt" | "eb":
            return FIRST, low
        case "le":
            return FIRST, high
        case "ap":
            return low - LONG_US, high
    return FIRST, LAST


def around(wanted: tuple[int, int], now: int) -> tuple[int, int]:
    """The range of ``ap``: widened by a tenth of its distance from now, at least by a day."""
    slack = max(abs(now - wanted[0]) // 10, 86_400_000_000)
    return wanted[0] - slack, wanted[1] + slack
