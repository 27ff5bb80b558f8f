"""Conversions from the UCUM specification's tables and from NIST SP 811."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shangyi.terminology import ucum


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ("1", "[in_i]", "cm", "2.54"),
        ("1", "[lb_av]", "g", "453.59237"),
        ("37", "Cel", "[degF]", "98.6"),
        ("98.6", "[degF]", "Cel", "37"),
        ("0", "Cel", "K", "273.15"),
        ("80", "[degRe]", "Cel", "100"),
        ("120", "mm[Hg]", "kPa", "15.99864"),
        ("1", "wk", "d", "7"),
        ("1", "a", "d", "365.25"),
        ("5.5", "mmol/L", "mol/m3", "5.5"),
        ("30", "dB", "1", "1000"),
        ("1000", "1", "dB", "30"),
        ("1", "10*3/uL", "10*9/L", "1"),
        ("2", "U/(10.g){feces}", "U/g", "0.2"),
        ("7", "[pH]", "mol/L", "1E-7"),
    ],
)
def test_published_conversions(value: str, source: str, target: str, expected: str) -> None:
    assert ucum.convert(Decimal(value), source, target) == Decimal(expected)


@pytest.mark.parametrize("unit", ["", "lbs", "Kg", "m/", "(m", "m{", "Cel/s", "s.Cel", "wibble", "[s]", "m)"])
def test_what_is_not_a_unit(unit: str) -> None:
    with pytest.raises(ucum.UnknownUnit):
        ucum.parse(unit)


def test_canonical_is_exact() -> None:
    assert ucum.canonical(Decimal("1.20"), "kPa") == (Decimal(1_200_000), "g.m-1.s-2")
    assert ucum.canonical(Decimal(5), "{score}") == (Decimal(5), "1")


def test_arbitrary_units_convert_to_nothing_else() -> None:
    assert not ucum.comparable("[iU]", "1")
    assert ucum.comparable("m[iU]/mL", "[iU]/L")
    with pytest.raises(ucum.IncomparableUnits):
        ucum.convert(Decimal(1), "kg", "m")


def test_no_logarithm_of_nothing() -> None:
    with pytest.raises(ucum.UcumError):
        ucum.convert(Decimal(0), "1", "dB")


def test_products_and_quotients() -> None:
    assert ucum.parse(ucum.multiply("cm", "m")).dimensions == ucum.parse("m2").dimensions
    assert ucum.divide("m", "m") == "1"
    assert ucum.divide("g", "m/s") == "g/(m/s)"


@given(st.text(alphabet="mgsLK[]()./{}*^1234-+dau ", max_size=12))
def test_any_text_is_a_unit_or_a_typed_error(text: str) -> None:
    try:
        ucum.parse(text)
    except ucum.UcumError:
        return
    assert ucum.convert(Decimal(3), text, text) == 3
