"""http://hl7.org/fhirpath/N1/#math; what has no finite value is empty"""

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal

from shangyi.query.closures.adapters import Builder, on_value
from shangyi.query.closures.values import Item
from shangyi.query.errors import EvaluationError
from shangyi.query.quantity import Quantity

Number = int | Decimal
CONTEXT = Context(prec=34)


def _on_quantities(function: Callable[[Number], Number]) -> Callable[[Item], Item]:
    """The same on the value of a quantity, its unit kept."""

    def apply(value: Item) -> Item:
        if isinstance(value, Quantity):
            return Quantity(Decimal(function(value.value)), value.unit, value.calendar)
        return function(value)

    return apply


def _absolute(value: Number) -> Number:
    return -value if value < 0 else value


def _whole(rounding: str) -> Callable[[Number], Number]:
    return lambda value: int(Decimal(value).to_integral_value(rounding))


def _power(value: Number, exponent: Number) -> Decimal:
    if not -10_000 <= exponent <= 10_000:
        raise OverflowError
    found = CONTEXT.power(Decimal(value), Decimal(exponent))
    nearest = found.to_integral_value()
    return nearest if found == nearest and abs(nearest) < 10**15 else found


def _logarithm(value: Number, base: Number) -> Decimal:
    quotient = CONTEXT.divide(CONTEXT.ln(Decimal(value)), CONTEXT.ln(Decimal(base)))
    return Context(prec=30).plus(quotient)  # so that log2(16) is 4


def _finite(function: Callable[[Decimal], Decimal]) -> Callable[[Number], Decimal | None]:
    def apply(value: Number) -> Decimal | None:
        found = function(Decimal(value))
        return found if found.is_finite() else None

    return apply


def _round(value: Item, places: int | None = None) -> Item:
    if places is not None and not 0 <= places <= 28:
        raise EvaluationError("round() needs between 0 and 28 places, not {places}", places=places)
    if isinstance(value, Quantity):
        return Quantity(_rounded(value.value, places or 0), value.unit, value.calendar)
    return _rounded(Decimal(value), places or 0)


def _rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, Context(prec=80))


FUNCTIONS: dict[str, Builder] = {
    "abs": on_value(_on_quantities(_absolute)),
    "ceiling": on_value(_on_quantities(_whole(ROUND_CEILING))),
    "exp": on_value(_finite(CONTEXT.exp)),
    "floor": on_value(_on_quantities(_whole(ROUND_FLOOR))),
    "ln": on_value(_finite(CONTEXT.ln)),
    "log": on_value(_logarithm),
    "power": on_value(_power),
    "round": on_value(_round),
    "sqrt": on_value(_finite(CONTEXT.sqrt)),
    "truncate": on_value(_on_quantities(_whole(ROUND_DOWN))),
}
