from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shangyi.query.cql.operators import PURE
from shangyi.query.cql.values import Long, Quantity
from shangyi.query.cql.values.numbers import DECIMAL_MAX, INTEGER_MAX, INTEGER_MIN, LONG_MAX, STEP

integers = st.integers(INTEGER_MIN, INTEGER_MAX)
decimals = st.decimals(-(10**9), 10**9, places=8)


def rounded(value: Fraction) -> Decimal:
    scaled = Decimal((abs(value) * 10**9 * 10).__floor__())
    return (scaled.scaleb(-10) * (-1 if value < 0 else 1)).quantize(STEP, ROUND_HALF_UP)


@pytest.mark.parametrize(("name", "sign"), [("Add", 1), ("Subtract", -1)])
@given(a=integers, b=integers)
def test_integers_overflow_to_null(name: str, sign: int, a: int, b: int) -> None:
    exact = a + sign * b
    assert PURE[name](a, b) == (exact if INTEGER_MIN <= exact <= INTEGER_MAX else None)


@given(decimals, decimals)
def test_decimals_are_exact_to_eight_places(a: Decimal, b: Decimal) -> None:
    assert PURE["Add"](a, b) == a + b
    assert PURE["Multiply"](a, b) == rounded(Fraction(a) * Fraction(b))
    quotient = PURE["Divide"](a, b)
    assert quotient == (None if b == 0 or abs(a / b) > DECIMAL_MAX else rounded(Fraction(a) / Fraction(b)))


@given(integers, integers)
def test_div_and_mod_fit_together(a: int, b: int) -> None:
    quotient, rest = PURE["TruncatedDivide"](a, b), PURE["Modulo"](a, b)
    if b == 0:
        assert quotient is rest is None
    elif (a, b) != (INTEGER_MIN, -1):
        assert quotient * b + rest == a
        assert abs(rest) < abs(b)
        assert rest * a >= 0


@given(decimals)
def test_whole_numbers_around(value: Decimal) -> None:
    low, high = PURE["Floor"](value), PURE["Ceiling"](value)
    assert low <= value <= high
    assert high - low <= 1
    assert PURE["Truncate"](value) == int(value)
    assert abs(PURE["Round"](value) - value) <= Decimal("0.5")
    assert PURE["Predecessor"](PURE["Successor"](value)) == value


def test_limits() -> None:
    assert PURE["Add"](Long(LONG_MAX), 1) is None
    assert PURE["Add"](Long(1), 1) == 2
    assert type(PURE["Add"](Long(1), 1)) is Long
    assert PURE["Add"](DECIMAL_MAX, STEP) is None
    assert PURE["Negate"](INTEGER_MIN) is None
    assert PURE["Abs"](INTEGER_MIN) is None
    assert PURE["Multiply"](DECIMAL_MAX, DECIMAL_MAX) is None
    assert PURE["Successor"](INTEGER_MAX) is None
    assert PURE["Ceiling"](Decimal("2147483647.2")) is None


def test_what_cannot_be_represented_is_null() -> None:
    assert PURE["Power"](10, INTEGER_MAX) is None  # at once
    assert PURE["Power"](Decimal(10), Decimal(10**8)) is None
    assert PURE["Power"](Decimal(-2), Decimal("0.5")) is None
    assert PURE["Exp"](1000) is None
    assert PURE["Ln"](0) is PURE["Ln"](-1) is PURE["Log"](2, 1) is None


def test_powers_and_logarithms() -> None:
    assert PURE["Power"](2, 4) == 16
    assert type(PURE["Power"](2, 4)) is int
    assert PURE["Power"](2, -2) == Decimal("0.25")
    assert PURE["Power"](0, 0) == 1
    assert PURE["Log"](Decimal("0.125"), 2) == -3
    assert PURE["Exp"](1) == Decimal("2.71828183")
    assert PURE["Round"](Decimal("-1.5")) == -2
    assert PURE["Round"](Decimal("3.14159"), 2) == Decimal("3.14")


def quantity(value: str, unit: str) -> Quantity:
    return Quantity(Decimal(value), unit)


def test_quantities() -> None:
    assert PURE["Equal"](PURE["Add"](quantity("1", "m"), quantity("1", "cm")), quantity("101", "cm")) is True
    assert (
        PURE["Equal"](PURE["Multiply"](quantity("2", "cm"), quantity("3", "cm")), quantity("6", "cm2"))
        is True
    )
    assert PURE["Divide"](quantity("1", "g/cm3"), quantity("1", "g/cm3")) == quantity("1", "1")
    assert PURE["Modulo"](quantity("3.5", "cm"), quantity("3", "cm")) == quantity("0.5", "cm")
    assert PURE["Add"](quantity("1", "cm"), quantity("1", "g")) is None
    assert PURE["Add"](quantity("1", "nonsense"), quantity("1", "g")) is None
    assert PURE["Less"](quantity("1", "cm"), quantity("1", "g")) is None
    assert PURE["Divide"](quantity("1", "cm"), quantity("0", "cm")) is None
