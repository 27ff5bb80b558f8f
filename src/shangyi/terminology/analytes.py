"""What is measured by mass or by substance: the unit that it is compared in, and how to come to it from either."""

from decimal import Decimal
from functools import cache
from importlib import resources
from typing import NamedTuple

import yaml  # type: ignore[import-untyped]

from shangyi.terminology.ucum import convert

LOINC = "http://loinc.org"
_SUBSTANCE, _MASS = "mmol/L", "g/L"


class Linear(NamedTuple):
    """``value`` in ``unit`` (canonical of its kind, see ``common_units``) is ``value * factor + offset``."""

    unit: str
    factor: float
    offset: float = 0.0


class Analyte(NamedTuple):
    """By its LOINC ``code``. ``ways``: to ``unit``, from one or two kinds."""

    code: str
    name: str
    unit: str
    ways: tuple[Linear, ...]


@cache
def analytes() -> tuple[Analyte, ...]:
    """Every code of ``data/analytes.yaml``."""
    with resources.files("shangyi.terminology").joinpath("data/analytes.yaml").open("rb") as file:
        table = yaml.safe_load(file)
    return tuple(
        Analyte(code, name, given["unit"], _ways(given))
        for name, given in table.items()
        for code in given["loinc"].split()
    )


def _ways(given: dict[str, str | float]) -> tuple[Linear, ...]:
    unit = str(given["unit"])
    if "other" in given:
        other = Linear(str(given["other"]), float(given["factor"]), float(given.get("offset", 0)))
        return Linear(unit, 1.0), other
    if "g_per_mol" not in given:
        return (Linear(_MASS, float(convert(Decimal(1), _MASS, unit))),)
    of_substance = float(convert(Decimal(1), _SUBSTANCE, unit))
    return Linear(_SUBSTANCE, of_substance), Linear(_MASS, of_substance * 1000 / float(given["g_per_mol"]))
