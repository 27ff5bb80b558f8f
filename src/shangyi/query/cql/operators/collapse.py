"""``collapse`` and ``expand`` (https://cql.hl7.org/09-b-cqlreference.html#collapse, #expand)."""

from decimal import ROUND_DOWN, Decimal
from functools import cmp_to_key
from typing import Any

from shangyi.query.cql.operators import intervals
from shangyi.query.cql.operators.arithmetic import add, subtract
from shangyi.query.cql.operators.boundaries import precision as digits
from shangyi.query.cql.operators.comparison import greater, less_or_equal
from shangyi.query.cql.operators.conversion import convert_quantity
from shangyi.query.cql.operators.ends import end_of, start_of
from shangyi.query.cql.operators.equality import Members
from shangyi.query.cql.operators.lists import sort_order
from shangyi.query.cql.operators.temporal import LEVELS, has_milliseconds
from shangyi.query.cql.values import Interval, Long, Quantity, Time
from shangyi.query.cql.values.numbers import decimal
from shangyi.query.errors import EvaluationError
from shangyi.query.quantity import CALENDAR_TO_UCUM
from shangyi.query.temporal import Temporal

_WORDS = {ucum: word for word, ucum in CALENDAR_TO_UCUM.items()}
MOST = 100_000
"""So many intervals an expansion may have; a longer one is stopped."""


def collapse(source: list[Interval | None] | None, per: Quantity | None = None) -> list[Interval] | None:
    """The fewest intervals that cover the same points; those that lie not further apart than ``per`` become one.

    Without ``per`` dates collapse at the coarsest precision of their boundaries. Intervals whose boundaries are
    not known are left out.
    """
    if source is None:
        return None
    known = [i for i in source if i is not None and start_of(i) is not None and end_of(i) is not None]
    known.sort(key=cmp_to_key(lambda a, b: sort_order(start_of(a), start_of(b))))
    precision = _unit(per) if per else _coarsest(known)
    found: list[Interval] = []
    for interval in known:
        if found and _joined(found[-1], interval, per, precision):
            last = found[-1]
            if greater(end_of(interval), end_of(last)):
                found[-1] = Interval(last.low, interval.high, last.low_closed, interval.high_closed)
        else:
            found.append(interval)
    return found


def _joined(last: Interval, following: Interval, per: Quantity | None, precision: str | None) -> bool:
    if intervals.overlaps(last, following, precision) or intervals.meets_before(last, following, precision):
        return True
    if per is None:
        return False
    step = per if isinstance(end_of(last), Temporal | Quantity) else per.value
    return less_or_equal(start_of(following), add(end_of(last), step), precision) is True


def _unit(per: Quantity) -> str | None:
    word = per.unit if per.calendar else _WORDS.get(per.unit)
    return {"week": "day"}.get(word, word) if word else None


def _coarsest(source: list[Interval]) -> str | None:
    values = [value for i in source for value in (start_of(i), end_of(i)) if value is not None]
    if not values or not isinstance(values[0], Temporal):
        return None
    return min((_precision(value) for value in values), key=LEVELS.__getitem__)


def _precision(value: Temporal) -> str:
    return "millisecond" if has_milliseconds(value) else value.precision


def expand(source: Any, per: Quantity | None = None) -> list[Any] | None:
    """Intervals of size ``per`` that cover those of a list; of a single interval, the points where they start.

    Without ``per`` the coarsest precision of the boundaries is the step. An open interval with a null boundary
    gives nothing; one that reaches to the end of its type is stopped by ``MOST``.
    """
    if source is None:
        return None
    if type(source) is Interval:
        return [start for start, _ in _pieces(source, per or _default([source]))]
    known = [interval for interval in source if interval is not None]
    per = per or _default(known)
    pieces = Members(Interval(start, end) for interval in known for start, end in _pieces(interval, per))
    return pieces.items


def _default(source: list[Interval]) -> Quantity | None:
    values = [v for i in source for v in (start_of(i), end_of(i)) if v is not None]
    if not values:
        return None
    first = values[0]
    if isinstance(first, Temporal):
        return Quantity(Decimal(1), _coarsest(source) or "", True)
    places = min(digits(value.value if type(value) is Quantity else value) or 0 for value in values)
    unit = first.unit if type(first) is Quantity else "1"
    return Quantity(Decimal(1).scaleb(-places), unit)


def _pieces(interval: Interval, per: Quantity | None) -> list[tuple[Any, Any]]:
    low, high = start_of(interval), end_of(interval)
    if per is None or low is None or high is None:
        return []
    if per.value <= 0:
        raise EvaluationError("{per} is no size that an interval can be cut into", per=str(per))
    if isinstance(low, Temporal) and isinstance(high, Temporal):
        return _dates(low, high, per)
    return _numbers(low, high, per)


def _dates(low: Temporal, high: Temporal, per: Quantity) -> list[tuple[Any, Any]]:
    unit = _unit(per)
    if unit is None:
        raise EvaluationError("{per} is no length of time", per=str(per))
    if any(LEVELS[_precision(value)] < LEVELS[unit] for value in (low, high)):
        return []
    start, last = _cut(low, unit), _cut(high, unit)
    one = Quantity(Decimal(1), unit, True)
    found: list[tuple[Any, Any]] = []
    while True:
        try:
            following = add(start, per)
        except EvaluationError:  # past the year 9999
            return found
        stop = subtract(following, one)
        if greater(stop, last) is not False or (type(start) is Time and following.parts <= start.parts):
            return [*found, (start, stop)] if less_or_equal(stop, last) else found
        found.append((start, stop))
        _check(found)
        start = following


def _cut(value: Temporal, unit: str) -> Temporal:
    kept = value.parts[: LEVELS[unit] + 1 - value.first]
    if unit == "second":
        kept = (*kept[:-1], Decimal(int(kept[-1])))
    return type(value)(kept, value.offset)


def _numbers(low: Any, high: Any, per: Quantity) -> list[tuple[Any, Any]]:
    size = per
    if type(low) is Quantity:
        converted = convert_quantity(per, low.unit)
        other = convert_quantity(high, low.unit)
        if converted is None or other is None:
            return []
        size, start, last = converted, low.value, other.value
    else:
        start, last = Decimal(low), Decimal(high)
    places = digits(size.value) or 0
    unit = Decimal(1).scaleb(-places)
    given = max(digits(start) or 0, digits(last) or 0)
    if places > given:
        last += Decimal(1).scaleb(-given) - unit
    start, last = (value.quantize(unit, ROUND_DOWN) for value in (start, last))
    found: list[tuple[Any, Any]] = []
    while start + size.value - unit <= last:
        found.append((_like(low, start, size), _like(low, start + size.value - unit, size)))
        _check(found)
        start += size.value
    return found


def _like(value: Any, number: Decimal, per: Quantity) -> Any:
    if type(value) is Quantity:
        return Quantity(number, value.unit, value.calendar)
    if type(value) in (int, Long) and per.value == per.value.to_integral_value():
        return type(value)(number)
    return decimal(number)


def _check(found: list[Any]) -> None:
    if len(found) > MOST:
        raise EvaluationError("An interval is expanded into more than {count} parts", count=MOST)
