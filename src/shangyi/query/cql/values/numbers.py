"""Integer, Long and Decimal with the limits of CQL: what does not fit is None (null), never an error."""

from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

INTEGER_MIN, INTEGER_MAX = -(2**31), 2**31 - 1
LONG_MIN, LONG_MAX = -(2**63), 2**63 - 1
PLACES = 8
STEP = Decimal(1).scaleb(-PLACES)
DECIMAL_MAX = Decimal("99999999999999999999.99999999")
CONTEXT = Context(prec=76, rounding=ROUND_HALF_UP)
"""Wide enough for the exact product of two Decimals; results are then rounded once, to 8 places."""


class Long(int):
    """A whole number of 64 bits; ``type`` tells it from an Integer."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{int(self)}L"


def integer(value: int) -> int | None:
    """An Integer, None outside of 32 bits."""
    return value if INTEGER_MIN <= value <= INTEGER_MAX else None


def long(value: int) -> Long | None:
    """A Long, None outside of 64 bits."""
    return Long(value) if LONG_MIN <= value <= LONG_MAX else None


def decimal(value: Decimal) -> Decimal | None:
    """A Decimal rounded (half away from zero) to 8 places, None where it has more than 20 digits before the point."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):  # NaN, infinite
        return None
    if exponent < -PLACES:
        try:
            value = value.quantize(STEP, ROUND_HALF_UP, CONTEXT)
        except InvalidOperation:
            return None
    elif exponent > 0:
        if value.adjusted() > 28:
            return None if value else Decimal(0)
        value = value.quantize(Decimal(1), ROUND_HALF_UP, CONTEXT)
    return value if -DECIMAL_MAX <= value <= DECIMAL_MAX else None
