"""Quantities of FHIRPath: UCUM units and calendar durations (http://hl7.org/fhirpath/N1/#quantity)."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from shangyi.terminology import ucum

CALENDAR_TO_UCUM = {
    "year": "a",
    "month": "mo",
    "week": "wk",
    "day": "d",
    "hour": "h",
    "minute": "min",
    "second": "s",
    "millisecond": "ms",
}
UCUM_TO_CALENDAR = {unit: word for word, unit in CALENDAR_TO_UCUM.items() if word not in ("year", "month")}
_MONTHS = {"year": 12, "month": 1}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with its unit: a UCUM code, or with ``calendar`` a word such as ``day``."""

    value: Decimal
    unit: str = "1"
    calendar: bool = False

    def __str__(self) -> str:
        if self.calendar:
            return f"{self.value} {self.unit}{'' if self.value == 1 else 's'}"
        return f"{self.value} '{self.unit}'"

    @property
    def ucum(self) -> str:
        """The unit as UCUM writes it."""
        return CALENDAR_TO_UCUM[self.unit] if self.calendar else self.unit


def compare(left: Quantity, right: Quantity) -> int | None:
    """-1, 0, 1, or None where the units do not go together.

    A calendar year or month has no fixed length: it compares with calendar years and months only
    (http://hl7.org/fhirpath/N1/#time-valued-quantities), while weeks and shorter are definite durations.
    """
    pair = _aligned(left, right)
    if pair is None:
        return None
    a, b = pair
    return (a > b) - (a < b)


def equivalent(left: Quantity, right: Quantity) -> bool:
    """Equal after conversion, rounded to the less precise of the two; a year is a UCUM year here."""
    if left.ucum == right.ucum:
        return decimals_equivalent(left.value, right.value)
    try:
        value = ucum.convert(right.value, right.ucum, left.ucum)
    except ucum.UcumError:
        return False
    return decimals_equivalent(left.value, value, places(right.value) + _shift(right.value, value))


def multiply(left: Quantity, right: Quantity) -> Quantity:
    """The product, in the product of the units."""
    return Quantity(left.value * right.value, ucum.multiply(left.ucum, right.ucum))


def divide(left: Quantity, right: Quantity) -> Quantity | None:
    """The quotient, None by zero."""
    if right.value == 0:
        return None
    return Quantity(left.value / right.value, ucum.divide(left.ucum, right.ucum))


def add(left: Quantity, right: Quantity) -> Quantity | None:
    """The sum in the finer of the units; None where they do not go together."""
    if left.unit == right.unit and left.calendar == right.calendar:
        return Quantity(left.value + right.value, left.unit, left.calendar)
    pair = _aligned(left, right)
    if pair is None:
        return None
    one = _aligned(
        Quantity(Decimal(1), left.unit, left.calendar), Quantity(Decimal(1), right.unit, right.calendar)
    )
    finer = left if one is None or one[0] <= one[1] else right
    try:
        total = ucum.convert(left.value, left.ucum, finer.ucum) + ucum.convert(
            right.value, right.ucum, finer.ucum
        )
    except ucum.UcumError:
        return None
    return Quantity(total, finer.unit, finer.calendar)


def comparable(left: Quantity, right: Quantity) -> bool:
    """Whether the units are of one dimension."""
    return ucum.comparable(left.ucum, right.ucum)


def places(value: Decimal) -> int:
    """Digits after the point, zeros at the end not counted."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def decimals_equivalent(left: Decimal, right: Decimal, right_places: int | None = None) -> bool:
    """Equal when rounded to the less precise operand (http://hl7.org/fhirpath/N1/#equivalent)."""
    digits = min(places(left), places(right) if right_places is None else max(0, right_places))
    step = Decimal(1).scaleb(-digits)
    return left.quantize(step, ROUND_HALF_UP) == right.quantize(step, ROUND_HALF_UP)


def _shift(before: Decimal, after: Decimal) -> int:
    return before.adjusted() - after.adjusted() if before and after else 0


def _aligned(left: Quantity, right: Quantity) -> tuple[Decimal, Decimal] | None:
    if left.unit == right.unit and left.calendar == right.calendar:
        return left.value, right.value
    if left.calendar or right.calendar:
        months = [_MONTHS.get(q.unit) if q.calendar else None for q in (left, right)]
        if months[0] and months[1]:
            return left.value * months[0], right.value * months[1]
        if months[0] or months[1]:
            return None
    try:
        if not ucum.comparable(left.ucum, right.ucum):
            return None
        return ucum.canonical(left.value, left.ucum)[0], ucum.canonical(right.value, right.ucum)[0]
    except ucum.UcumError:
        return None
