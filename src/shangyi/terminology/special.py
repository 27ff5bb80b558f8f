"""The functions of special units (https://ucum.org/ucum#section-Tables-of-Terminal-Symbols): number ↔ ratio scale.

Each is a pair (to the ratio scale, back). Temperatures are exact; logarithms and angles are rounded to 34 digits
or to the precision of a float.
"""

import math
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction

Function = Callable[[Fraction], Fraction]
_CONTEXT = Context(prec=34)


def _decimal(value: Fraction) -> Decimal:
    return _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))


def _logarithm(base: int | Decimal, scale: Fraction) -> tuple[Function, Function]:
    """x = log_base(ratio) × scale, so ratio = base^(x / scale)."""
    natural = _CONTEXT.ln(Decimal(base))

    def forward(x: Fraction) -> Fraction:
        return Fraction(_CONTEXT.power(Decimal(base), _decimal(x / scale)))

    def back(ratio: Fraction) -> Fraction:
        logarithm = _CONTEXT.divide(_CONTEXT.ln(_decimal(ratio)), natural)
        return Fraction(logarithm.quantize(Decimal("1e-25"))) * scale

    return forward, back


def _linear(offset: str) -> tuple[Function, Function]:
    shift = Fraction(offset)
    return (lambda x: x + shift), (lambda base: base - shift)


_TANGENT: tuple[Function, Function] = (
    lambda x: Fraction(math.atan(x / 100)),
    lambda angle: Fraction(math.tan(angle) * 100),
)
_EULER = Decimal("2.718281828459045235360287471352662498")

# The degree sizes (5 K/9, 5 K/4) are in the table; the offsets are in degrees of the unit itself.
FUNCTIONS: dict[str, tuple[Function, Function]] = {
    "Cel": _linear("273.15"),
    "degF": _linear("459.67"),
    "degRe": _linear("218.52"),
    "pH": _logarithm(10, Fraction(-1)),
    "ln": _logarithm(_EULER, Fraction(1)),
    "lg": _logarithm(10, Fraction(1)),
    "ld": _logarithm(2, Fraction(1)),
    "lgTimes2": _logarithm(10, Fraction(2)),
    "tanTimes100": _TANGENT,
    "100tan": _TANGENT,
    "hpX": _logarithm(10, Fraction(-1)),
    "hpC": _logarithm(100, Fraction(-1)),
    "hpM": _logarithm(1000, Fraction(-1)),
    "hpQ": _logarithm(50000, Fraction(-1)),
    "sqrt": (lambda x: x * x, lambda ratio: Fraction(_CONTEXT.sqrt(_decimal(ratio)))),
}
