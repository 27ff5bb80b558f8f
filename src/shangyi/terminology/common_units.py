"""The units of clinical measurements, each with the unit that its kind is compared in, and how to come to it."""

from decimal import Decimal
from functools import cache
from importlib import resources
from typing import NamedTuple

import yaml  # type: ignore[import-untyped]

from shangyi.terminology.ucum import convert


class Conversion(NamedTuple):
    """``value`` in ``unit`` is ``value * factor + offset`` in ``canonical``."""

    unit: str
    canonical: str
    factor: float
    offset: float


@cache
def conversions() -> tuple[Conversion, ...]:
    """Every unit of ``data/common_units.yaml``, the canonical ones too (factor 1), then those as people write them.

    All are linear: a special unit (degrees) has an offset as well. What is counted in mass and what in substance
    (mg/dL and mmol/L) stay apart, since the molar mass is not known from a unit.
    """
    with resources.files("shangyi.terminology").joinpath("data/common_units.yaml").open("rb") as file:
        table = yaml.safe_load(file)
    found = [
        _conversion(unit, unit, to) for to, units in table["canonical"].items() for unit in units.split()
    ]
    known = {conversion.unit: conversion for conversion in found}
    written = [known[unit]._replace(unit=text) for text, unit in table["written"].items()]
    return (*found, *written)


def _conversion(name: str, unit: str, canonical: str) -> Conversion:
    if unit == canonical:
        return Conversion(name, canonical, 1.0, 0.0)
    nothing, hundred = (convert(Decimal(x), unit, canonical) for x in (0, 100))
    return Conversion(name, canonical, float((hundred - nothing) / 100), float(nothing))
