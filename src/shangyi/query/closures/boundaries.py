"""``lowBoundary``, ``highBoundary`` and ``precision`` (http://hl7.org/fhirpath/N1/#lowboundary)."""

from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal

from shangyi.query import temporal
from shangyi.query.closures.values import Item
from shangyi.query.quantity import Quantity
from shangyi.query.temporal import Date, DateTime, Temporal, Time

PLACES = 8
MOST_PLACES = 28
_CONTEXT = Context(prec=80)
_DIGITS = {
    Date: (4, 6, 8),
    DateTime: (4, 6, 8, 10, 12, 14, 17),
    Time: (2, 4, 6, 9),
}
_EAST, _WEST = 14 * 60, -12 * 60
"""Offsets, in minutes, of the zones where a day begins first and ends last."""


def low(value: Item, digits: int | None = None) -> Item | None:
    """The least that a value of limited precision can mean."""
    return _bound(value, digits, -1)


def high(value: Item, digits: int | None = None) -> Item | None:
    """The greatest that a value of limited precision can mean."""
    return _bound(value, digits, 1)


def _bound(value: Item, digits: int | None, side: int) -> Item | None:
    if isinstance(value, Temporal):
        return _temporal(value, digits, side)
    if isinstance(value, Quantity):
        number = _decimal(value.value, digits, side)
        return None if number is None else Quantity(number, value.unit, value.calendar)
    return _decimal(Decimal(value), digits, side)


def _decimal(value: Decimal, places: int | None, side: int) -> Decimal | None:
    """Half a unit of the last digit up or down.

    To fewer digits than that has, a bound away from zero is rounded to the nearest, one towards zero cut off:
    1.587 lies between 1.58 and 1.59, and 0.0034 between 0.0 and 0.0.
    """
    wanted = PLACES if places is None else places
    if not 0 <= wanted <= MOST_PLACES:
        return None
    bound = _CONTEXT.add(value, Decimal(5 * side).scaleb(-_places(value) - 1))
    outwards = bound * side > 0
    return bound.quantize(Decimal(1).scaleb(-wanted), ROUND_HALF_UP if outwards else ROUND_DOWN, _CONTEXT)


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _temporal(value: Temporal, digits: int | None, side: int) -> Temporal | None:
    known = _DIGITS[type(value)]
    wanted = known[-1] if digits is None else digits
    if wanted not in known:
        return None
    parts = temporal.lowest(value) if side < 0 else temporal.highest(value)
    if wanted == known[-1] and not isinstance(value, Date):
        parts = (*parts[:-1], _milliseconds(Decimal(parts[-1]), value, side))
    count = min(known.index(wanted) + 1, len(parts))
    kept = parts[:count]
    if wanted in (14, 6) and len(kept) > 2 and not isinstance(value, Date) and isinstance(kept[-1], Decimal):
        kept = (*kept[:-1], Decimal(int(kept[-1])))
    if isinstance(value, DateTime):
        zone = value.offset if value.offset is not None else (_EAST if side < 0 else _WEST)
        return DateTime(kept, zone if len(kept) > 3 else None)
    return type(value)(kept)


def _milliseconds(seconds: Decimal, value: Temporal, side: int) -> Decimal:
    """Seconds to three places; where they were known to the second, their last millisecond on the high side."""
    known = value.parts[-1] if isinstance(value.parts[-1], Decimal) else None
    if known is not None and side > 0 and not value.has_fraction:
        return known + Decimal("0.999")
    return seconds.quantize(Decimal("0.001"), ROUND_DOWN, _CONTEXT)


def precision(value: Item) -> int:
    """Digits after the point of a number, digits of a date or time."""
    return value.digits if isinstance(value, Temporal) else _places(Decimal(value))
