"""Quantities compared (http://hl7.org/fhirpath/N1/#quantity): in one unit as they are, in another of the same
dimension by a factor of UCUM that is worked out while compiling.

A FHIR Quantity with a comparator (``<5``) is no System Quantity; its comparison is empty here.
"""

from decimal import Decimal

from shangyi.query.closures.equality import as_quantity
from shangyi.query.quantity import Quantity
from shangyi.query.sql import ir
from shangyi.query.sql.base import Compiler
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.values import Alternative
from shangyi.query.types import QUANTITY
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
"""Units that clinical data are in; what they convert to and by how much says ``terminology.ucum``."""


def compare(compiler: Compiler, test: str, a: Alternative, b: Alternative) -> Expr:
    """``eq``, ``lt`` … of two quantities, or of a quantity and a number; NULL where units do not go together."""
    for one, other, operator in ((a, b, test), (b, a, _TURNED[test])):
        known = as_quantity(other.constant)
        if known is not None:
            return _with(compiler, operator, one, known)
    left, right = _parts(a), _parts(b)
    refusal = ir.Cast(
        ir.call("error", ir.text(f"Units differ between two columns: {compiler.text}")), ir.BOOL
    )
    both_known = ir.both(*(ir.is_there(x) for x in (*left, *right)))
    equal_units = ir.both(both_known, ir.call("eq", left[1], right[1]))
    return ir.Case(((equal_units, ir.call(test, left[0], right[0])), (both_known, refusal)), ir.UNKNOWN)


_TURNED = {"eq": "eq", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


def _parts(a: Alternative) -> tuple[Expr, Expr]:
    """Value and unit, both NULL of what is no System Quantity."""
    if a.kind != QUANTITY:
        return a.number, ir.text("1")
    if a.slot.type.namespace == "System":
        return ir.Member(a.sql, "value"), ir.Member(a.sql, "unit")
    names = {f.name for f in a.slot.fields}
    if "value" not in names:
        return ir.null(ir.NUMBER), ir.null()

    def part(name: str) -> Expr:
        return ir.Member(a.sql, name) if name in names else ir.null()

    unit: Expr = ir.call("coalesce", part("unit"), ir.text("1"))
    if "code" in names:
        without_system = ir.when(ir.is_null(part("system")), unit)
        unit = ir.call("coalesce", part("code"), without_system)
    elif "system" in names:
        unit = ir.when(ir.is_null(part("system")), unit)
    if "comparator" in names:
        unit = ir.when(ir.is_null(part("comparator")), unit)
    return ir.Cast(part("value"), ir.NUMBER, safe=True), unit


def _with(compiler: Compiler, test: str, a: Alternative, constant: Quantity) -> Expr:
    if constant.unit in ("year", "month") or constant.ucum in ("a", "mo"):
        raise CompilationError("Quantities in years or months have no form in SQL yet; use days or weeks")
    value, unit = _parts(a)
    same: list[str] = []
    factors: dict[Decimal, list[str]] = {}
    others: list[str] = []
    for code in dict.fromkeys((constant.ucum, *COMMON)):
        factor = None if code == constant.ucum else _converted(constant, code)
        if code == constant.ucum:
            same.append(code)
        elif factor is None:
            others.append(code)
        else:
            factors.setdefault(factor, []).append(code)
    whens = [(_among(unit, same), ir.call(test, value, ir.Literal(constant.value)))]
    whens += [
        (_among(unit, codes), ir.call(test, value, ir.Literal(limit))) for limit, codes in factors.items()
    ]
    whens += [(_among(unit, others), ir.UNKNOWN), (ir.is_null(unit), ir.UNKNOWN)]
    message = ir.call("concat", ir.text(f"A unit that SQL cannot convert, in {compiler.text}: "), unit)
    return ir.Case(tuple(whens), ir.Cast(ir.call("error", message), ir.BOOL))


def _among(unit: Expr, codes: list[str]) -> Expr:
    return ir.Call("in", (unit, *map(ir.text, codes)))


def _converted(constant: Quantity, unit: str) -> Decimal | None:
    """The constant in another unit, None where they do not go together."""
    try:
        if not ucum.comparable(constant.ucum, unit):
            return None
        return ucum.convert(constant.value, constant.ucum, unit)
    except ucum.UcumError:
        return None
