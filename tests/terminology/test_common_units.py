"""The table of common units: factors of UCUM, checked against known conversions."""

import pytest

from shangyi.terminology.common_units import conversions

KNOWN = (  # (value, unit, value, canonical): BIPM brochure, WHO growth charts, clinical tables
    (16.0, "kPa", 120.0102, "mm[Hg]"),
    (88.4, "umol/L", 0.0884, "mmol/L"),
    (14.2, "g/dL", 142.0, "g/L"),
    (98.6, "[degF]", 37.0, "Cel"),
    (310.15, "K", 37.0, "Cel"),
    (1.0, "[lb_av]", 0.45359237, "kg"),
    (70.0, "[in_i]", 177.8, "cm"),
    (5.0, "10*3/uL", 5.0, "10*9/L"),
    (130.0, "mmHg", 130.0, "mm[Hg]"),
)


@pytest.mark.parametrize(("value", "unit", "wanted", "canonical"), KNOWN)
def test_known(value: float, unit: str, wanted: float, canonical: str) -> None:
    found = {c.unit: c for c in conversions()}[unit]
    assert found.canonical == canonical
    assert value * found.factor + found.offset == pytest.approx(wanted, rel=1e-6)


def test_every_unit_once() -> None:
    units = [c.unit for c in conversions()]
    assert len(units) == len(set(units))
