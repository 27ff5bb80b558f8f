"""The units that SQL knows: what they convert to is worked out by UCUM while compiling, never by the engine.

A unit is a UCUM code, or the word of a calendar duration (``year``), as ``query.quantity`` has them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache

from shangyi.query import quantity
from shangyi.query.quantity import CALENDAR_TO_UCUM, Quantity
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr
from shangyi.terminology import ucum

COMMON = (
    "1 % mol mmol umol nmol pmol kg g mg ug ng pg L dL mL uL fL m cm mm um nm km [in_i] [ft_i] [lb_av] [oz_av]"
    " kg/m2 g/m2 mg/kg ug/kg g/L g/dL g/mL mg/L mg/dL mg/mL ug/L ug/dL ug/mL ng/L ng/dL ng/mL pg/mL pg/dL mol/L"
    " mmol/L umol/L nmol/L pmol/L mol/mol mmol/mol mg/g ug/mg ug/g mmol/g mg/mmol U U/L mU/L U/mL k[IU]/L [IU]"
    " [IU]/L [IU]/mL m[IU]/L m[IU]/mL u[IU]/mL kat/L ukat/L nkat/L 10*9/L 10*12/L 10*6/L 10*3/uL 10*6/uL /uL /mL"
    " /L mm[Hg] kPa Pa cm[H2O] Cel [degF] K /min /s Hz /h mm/h mL/min mL/min/{1.73_m2} L/min L/s mL/h mL/kg/h"
    " ug/kg/min mg/h g/d mg/d ug/d mL/d L/d d h min s ms wk mo a meq meq/L mosm/kg mosm/L kcal kJ J cal m2 cm2 mm2"
    " m/s km/h V mV uV A mA Ohm W dB kg/m3 {score} {ratio} {#} g/(24.h) mg/(24.h) mmol/(24.h) [pH] [drp] [cup_us]"
).split()
"""Units that clinical data are in."""
UNITS = (*COMMON, *CALENDAR_TO_UCUM)
_SUBSTANCE = re.compile(r"mol|eq|osm|kat|U\b")
_LARGEST = Decimal(10**17)


def of(value: Quantity) -> str:
    """The unit as SQL has it."""
    return value.unit


def made(value: Decimal, unit: str) -> Quantity:
    """A quantity of a unit as SQL has it."""
    return Quantity(value, unit, unit in CALENDAR_TO_UCUM)


@lru_cache(maxsize=4096)
def converted(value: Quantity, unit: str) -> Decimal | None:
    """A quantity in another unit; None where they do not go together: a calendar year is no number of days."""
    other = made(Decimal(1), unit)
    if of(value) == unit:
        return value.value
    if not quantity.comparable(value, other) or quantity.compare(value, other) is None:
        return None
    try:
        return ucum.convert(value.value, value.ucum, other.ucum)
    except ucum.UcumError:
        return None


@lru_cache(maxsize=4096)
def line(unit: str, target: str) -> tuple[Decimal, Decimal] | None:
    """Factor and offset that lead from one unit to another, exact; None where none do."""
    if unit == target:
        return Decimal(1), Decimal(0)
    points = [ucum_value(Decimal(n), unit, target) for n in (0, 1, 2, 3)]
    zero, one, two, three = points
    if zero is None or one is None or two is None or three is None:
        return None
    factor = one - zero
    if two - one != factor or three - two != factor:
        return None
    return factor, zero


def ucum_value(number: Decimal, unit: str, target: str) -> Decimal | None:
    """A number of one unit in another, as UCUM has it: a year is 365.25 days."""
    try:
        return ucum.convert(number, CALENDAR_TO_UCUM.get(unit, unit), CALENDAR_TO_UCUM.get(target, target))
    except ucum.UcumError:
        return None


@dataclass(frozen=True, slots=True)
class Scale:
    """``base``: what is measured. ``group``: units that convert to each other exactly, by ``factor``."""

    base: str
    group: str
    factor: Decimal


@cache
def scales() -> dict[str, Scale]:
    """Of every unit that is proportional to others of its kind; not degrees, not logarithms.

    Moles and percent are of one dimension in UCUM, with Avogadro's number between them: such are apart.
    """
    kinds: dict[tuple[str, bool], list[tuple[Decimal, str]]] = {
        ("calendar", False): [(Decimal(1), "month"), (Decimal(12), "year")],
    }
    for unit in UNITS:
        parsed = ucum.parse(CALENDAR_TO_UCUM.get(unit, unit))
        if not parsed.function and unit not in ("month", "year"):
            found = ucum.canonical(Decimal(1), CALENDAR_TO_UCUM.get(unit, unit))[0]
            kinds.setdefault((parsed.base, bool(_SUBSTANCE.search(unit))), []).append((found, unit))
    known: dict[str, Scale] = {}
    for (measured, _), members in kinds.items():
        smallest: list[tuple[Decimal, str]] = []
        for size, unit in sorted(members):
            least, name = next((s for s in smallest if _exact(size / s[0])), (size, unit))
            if name == unit:
                smallest.append((size, unit))
            known[unit] = Scale(measured, f"{measured} {name}", round(size / least, 6))
    return known


def _exact(ratio: Decimal) -> bool:
    return ratio <= _LARGEST and abs(ratio - round(ratio, 6)) < Decimal("1e-20") * ratio


def group(unit: Expr) -> Expr:
    """With which units a unit converts, NULL of one that is not known."""
    return _by(unit, lambda scale: scale.group)


def base(unit: Expr) -> Expr:
    """What a unit measures."""
    return _by(unit, lambda scale: scale.base)


def _by(unit: Expr, name: Callable[[Scale], str]) -> Expr:
    by: dict[str, list[str]] = {}
    for code, scale in scales().items():
        by.setdefault(name(scale), []).append(code)
    return ir.Case(tuple((among(unit, codes), ir.text(text)) for text, codes in by.items()))


def factor(unit: Expr) -> Expr:
    """How many of the smallest unit of its group a unit is, NULL of one that is not known."""
    by: dict[Decimal, list[str]] = {}
    for code, scale in scales().items():
        by.setdefault(scale.factor, []).append(code)
    return ir.Case(tuple((among(unit, codes), ir.Literal(f)) for f, codes in by.items()))


def among(unit: Expr, codes: list[str]) -> Expr:
    """Whether a unit is one of these."""
    return ir.Call("in", (unit, *map(ir.text, codes)))


def named(unit: Expr) -> Expr:
    """A unit as UCUM writes it."""
    words = tuple(
        (ir.call("eq", unit, ir.text(word)), ir.text(code)) for word, code in CALENDAR_TO_UCUM.items()
    )
    return ir.Case(words, unit)


def product(left: Expr, right: Expr) -> Expr:
    """The unit of a product (``terminology.ucum.multiply``)."""
    return ir.Case(
        ((ir.call("eq", left, ir.text("1")), right), (ir.call("eq", right, ir.text("1")), left)),
        ir.call("concat", left, ir.text("."), _grouped(right)),
    )


def quotient(left: Expr, right: Expr) -> Expr:
    """The unit of a quotient (``terminology.ucum.divide``)."""
    head = ir.when(ir.call("eq", left, ir.text("1")), ir.text(""), left)
    return ir.Case(
        ((ir.call("eq", left, right), ir.text("1")), (ir.call("eq", right, ir.text("1")), left)),
        ir.call("concat", head, ir.text("/"), _grouped(right)),
    )


def _grouped(unit: Expr) -> Expr:
    composed = ir.either(*(ir.call("gt", ir.call("position", unit, ir.text(c)), ir.number(0)) for c in "./"))
    return ir.when(composed, ir.call("concat", ir.text("("), unit, ir.text(")")), unit)
