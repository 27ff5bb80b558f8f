"""Date, DateTime and Time with the precision they were given in (http://hl7.org/fhirpath/N1/#date).

A value is a tuple of the components that are known (year, month, day, hour, minute, seconds as Decimal), and
for a DateTime the offset from UTC in minutes, or None. Comparisons answer None where precision or an unknown
offset leaves the answer open.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import ClassVar, Self

_DATETIME = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(T(?:(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?(Z|[+-]\d\d:\d\d)?)?)?"
)
_TIME = re.compile(r"(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?")
_DAY = timedelta(days=1)
UNITS = ("year", "month", "day", "hour", "minute", "second")


@dataclass(frozen=True, slots=True)
class Temporal:
    """What the three have in common."""

    parts: tuple[int | Decimal, ...]
    offset: int | None = None

    kind: ClassVar[str] = ""
    first: ClassVar[int] = 0

    @property
    def precision(self) -> str:
        """The smallest unit that is known."""
        return UNITS[self.first + len(self.parts) - 1]

    @property
    def digits(self) -> int:
        """The number of digits: 4 for a year … 17 for milliseconds (``precision()`` of FHIRPath)."""
        count = 4 if self.first == 0 else 0
        count += 2 * (len(self.parts) - (1 if self.first == 0 else 0))
        return count + (3 if self.has_fraction else 0)

    @property
    def has_fraction(self) -> bool:
        """Whether the seconds have a fraction."""
        seconds = self.parts[-1]
        return isinstance(seconds, Decimal) and seconds.as_tuple().exponent != 0

    def __str__(self) -> str:
        text = [f"{p:02}" if not isinstance(p, Decimal) else _seconds(p) for p in self.parts]
        if self.first:
            return ":".join(text)
        date = "-".join([f"{self.parts[0]:04}", *text[1:3]])
        return date + (f"T{':'.join(text[3:])}{_zone(self.offset)}" if len(text) > 3 else "")


@dataclass(frozen=True, slots=True)
class Date(Temporal):
    """Year, month, day."""

    kind: ClassVar[str] = "Date"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The date, or None where ``text`` is none."""
        match = _DATETIME.fullmatch(text)
        if match is None or match[4] or not _is_date(match):
            return None
        return cls(tuple(int(p) for p in match.group(1, 2, 3) if p))


@dataclass(frozen=True, slots=True)
class DateTime(Temporal):
    """Year to seconds, with or without an offset."""

    kind: ClassVar[str] = "DateTime"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The date and time, or None where ``text`` is none."""
        match = _DATETIME.fullmatch(text)
        if match is None or not _is_date(match):
            return None
        parts: list[int | Decimal] = [int(p) for p in match.group(1, 2, 3, 5, 6) if p]
        if match[7]:
            parts.append(Decimal(match[7]))
        if match[5] and not _is_time(parts[3:]):
            return None
        return cls(tuple(parts), _offset(match[8]))

    @classmethod
    def of(cls, value: datetime) -> Self:
        """An instant of Python's with its zone."""
        offset = value.utcoffset()
        seconds = value.second + Decimal(value.microsecond // 1000).scaleb(-3)
        parts = (value.year, value.month, value.day, value.hour, value.minute, seconds)
        return cls(parts, None if offset is None else int(offset.total_seconds()) // 60)


@dataclass(frozen=True, slots=True)
class Time(Temporal):
    """Hour, minute, seconds of any day."""

    kind: ClassVar[str] = "Time"
    first: ClassVar[int] = 3

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The time, or None where ``text`` is none."""
        match = _TIME.fullmatch(text)
        if match is None:
            return None
        parts: list[int | Decimal] = [int(p) for p in match.group(1, 2) if p]
        if match[3]:
            parts.append(Decimal(match[3]))
        return cls(tuple(parts)) if _is_time(parts) else None


@lru_cache(maxsize=4096)
def parse(kind: str, text: str) -> Temporal | None:
    """A value of the System type ``kind``; the last ones are kept, data repeat them."""
    if kind == "Date":
        return Date.parse(text)
    return DateTime.parse(text) if kind == "DateTime" else Time.parse(text)


def as_datetime(value: Temporal) -> Temporal:
    """A Date as a DateTime of the same precision."""
    return DateTime(value.parts) if isinstance(value, Date) else value


def compare(left: Temporal, right: Temporal) -> int | None:
    """-1, 0 or 1, None where it is not known (http://hl7.org/fhirpath/N1/#comparison).

    Times go with times only; the caller has checked. Two offsets are brought to UTC. Where only one value has an
    offset, the other may be up to 14 hours away from UTC: only values further apart have an order.
    """
    if left.offset is not None and right.offset is not None and left.offset != right.offset:
        left, right = in_utc(left), in_utc(right)
    elif (left.offset is None) != (right.offset is None):
        return _compare_unzoned(left, right)
    for a, b in zip(left.parts, right.parts, strict=False):
        if a != b:
            return -1 if a < b else 1
    return 0 if len(left.parts) == len(right.parts) else None


def _compare_unzoned(left: Temporal, right: Temporal) -> int | None:
    left_low, left_high = bounds(left)
    right_low, right_high = bounds(right)
    if left_high < right_low:
        return -1
    return 1 if left_low > right_high else None


def bounds(value: Temporal) -> tuple[datetime, datetime]:
    """First and last instant in UTC that a Date or DateTime can mean, whatever its zone where it has none."""
    low = _low(value.parts)
    high = _low(_highest(value.parts))
    if value.offset is None:
        return _shift(low, timedelta(hours=-14)), _shift(high, timedelta(hours=12))
    shift = timedelta(minutes=-value.offset)
    return _shift(low, shift), _shift(high, shift)


def in_utc(value: Temporal) -> Temporal:
    """A DateTime with an offset, brought to UTC as far as its precision goes."""
    if value.offset in (None, 0) or len(value.parts) < 4:
        return value
    seconds = value.parts[5] if len(value.parts) > 5 else None
    moment = _shift(_low(value.parts[:5]), timedelta(minutes=-(value.offset or 0)))
    parts: list[int | Decimal] = [moment.year, moment.month, moment.day, moment.hour, moment.minute]
    return DateTime(tuple(parts[: len(value.parts)]) + (() if seconds is None else (seconds,)), 0)


def add(value: Temporal, amount: Decimal, unit: str) -> Temporal:
    """``value`` moved by calendar units (http://hl7.org/fhirpath/N1/#datetime-arithmetic).

    The amount is first brought to the precision of the value, its fraction dropped but for seconds. A day that
    the month does not have becomes its last day. OverflowError outside the years 1 to 9999.
    """
    if unit == "week":
        amount, unit = amount * 7, "day"
    if unit == "millisecond":
        amount, unit = amount / 1000, "second"
    if unit != "second":
        amount = Decimal(int(amount))
    amount, unit = _to_precision(amount, unit, value.precision)
    if unit in ("year", "month"):
        return _add_months(value, int(amount) * (12 if unit == "year" else 1))
    parts = value.parts if not value.first else (2000, 1, 1, *value.parts)
    moment = datetime(*(int(p) for p in (*parts, *(1, 1, 1)[len(parts) :])))  # type: ignore[arg-type]
    fraction = parts[5] % 1 if len(parts) > 5 else Decimal(0)
    if unit == "second":
        whole = (amount + fraction) // 1
        rest = amount + fraction - whole
        if rest < 0:
            whole, rest = whole - 1, rest + 1
        moment += timedelta(seconds=int(whole))
        fraction = rest
    else:
        moment += timedelta(**{unit + "s": int(amount)})
    moved: list[int | Decimal] = [moment.year, moment.month, moment.day, moment.hour, moment.minute]
    moved.append(moment.second + fraction)
    return type(value)(tuple(moved[value.first : value.first + len(value.parts)]), value.offset)


def _to_precision(amount: Decimal, unit: str, precision: str) -> tuple[Decimal, str]:
    sizes = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
    if precision in sizes and unit in sizes and sizes[unit] < sizes[precision]:
        return Decimal(int(amount * sizes[unit] / sizes[precision])), precision
    if precision in ("month", "year") and unit in sizes:
        days = amount * sizes[unit] / 86400
        return Decimal(int(days / (30 if precision == "month" else 365))), precision
    if precision == "year" and unit == "month":
        return Decimal(int(amount / 12)), "year"
    return amount, unit


def _add_months(value: Temporal, months: int) -> Temporal:
    parts = list(value.parts)
    index = int(parts[0]) * 12 + (int(parts[1]) - 1 if len(parts) > 1 else 0) + months
    year, month = divmod(index, 12)
    if not 1 <= year <= 9999:
        raise OverflowError("year")
    parts[0] = year
    if len(parts) > 1:
        parts[1] = month + 1
    if len(parts) > 2:
        parts[2] = min(int(parts[2]), calendar.monthrange(year, month + 1)[1])
    return type(value)(tuple(parts), value.offset)


def now() -> DateTime:
    """The present instant, in UTC."""
    return DateTime.of(datetime.now(UTC))


def _low(parts: tuple[int | Decimal, ...]) -> datetime:
    whole = [int(p) for p in parts]
    micro = int(parts[5] % 1 * 1_000_000) if len(parts) > 5 else 0
    whole += (1, 1, 1, 0, 0, 0)[len(whole) :]
    return datetime(whole[0], whole[1], whole[2], whole[3], whole[4], min(whole[5], 59), micro)


def _highest(parts: tuple[int | Decimal, ...]) -> tuple[int | Decimal, ...]:
    full = list(parts)
    if len(full) < 2:
        full.append(12)
    if len(full) < 3:
        full.append(calendar.monthrange(int(full[0]), int(full[1]))[1])
    full += (0, 0, 0, 23, 59, Decimal("59.999"))[len(full) :]
    return tuple(full)


def highest(value: Temporal) -> tuple[int | Decimal, ...]:
    """All components, the unknown ones at their last."""
    return _highest(value.parts) if not value.first else _highest((2000, 1, 1, *value.parts))[3:]


def lowest(value: Temporal) -> tuple[int | Decimal, ...]:
    """All components, the unknown ones at their first."""
    filled = (1, 1, 1, 0, 0, Decimal("0.000"))[value.first :]
    return value.parts + filled[len(value.parts) :]


def _shift(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return datetime.min if by < timedelta(0) else datetime.max


def _is_date(match: re.Match[str]) -> bool:
    year, month, day = int(match[1]), int(match[2] or 1), int(match[3] or 1)
    if match[4] and not match[3] and match[5]:
        return False
    return year > 0 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]


def _is_time(parts: list[int | Decimal]) -> bool:
    return all(p < limit for p, limit in zip(parts, (24, 60, 61), strict=False))


def _offset(text: str | None) -> int | None:
    if not text:
        return None
    if text == "Z":
        return 0
    return (-1 if text[0] == "-" else 1) * (int(text[1:3]) * 60 + int(text[4:6]))


def _zone(offset: int | None) -> str:
    if offset is None:
        return ""
    if offset == 0:
        return "Z"
    return f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"


def _seconds(value: Decimal) -> str:
    whole, _, fraction = str(value).partition(".")
    return whole.zfill(2) + (f".{fraction}" if fraction else "")
