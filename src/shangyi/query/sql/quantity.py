"""Quantities (http://hl7.org/fhirpath/N1/#quantity): in one unit as they are, in another of the same kind by a factor
of UCUM that is worked out while compiling; a unit that is in no table is an error when it runs.

A FHIR Quantity with a comparator (``<5``) is no System Quantity: what is calculated or compared with it is empty.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from shangyi.query.closures.equality import as_quantity
from shangyi.query.quantity import CALENDAR_TO_UCUM, UCUM_TO_CALENDAR, Quantity, places
from shangyi.query.sql import ir, rounding, units, values
from shangyi.query.sql.base import Compiler, shared
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.values import QUANTITY_TYPE, Alternative, Item
from shangyi.query.types import QUANTITY
from shangyi.terminology import ucum

_TURNED = {"eq": "eq", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
_CALENDAR = {**UCUM_TO_CALENDAR, "a": "year", "mo": "month"}
_UCUM = "http://unitsofmeasure.org"


def literal(value: Quantity) -> Expr:
    """A quantity that is written out."""
    return ir.Struct((("value", ir.Literal(value.value)), ("unit", ir.text(value.unit))))


def system(value: Expr, unit: Expr) -> Item:
    """A quantity that was calculated; none where its value or its unit is not known."""
    made = ir.Struct((("value", value), ("unit", unit)))
    return values.system(QUANTITY, ir.when(ir.both(ir.is_there(value), ir.is_there(unit)), made))


def parts(a: Alternative, *, calendar: bool = True) -> tuple[Expr, Expr]:
    """Value and unit, both NULL of what is no System Quantity; ``calendar``: a UCUM duration by its word."""
    if a.kind != QUANTITY:
        return a.number, ir.text("1")
    if isinstance(a.constant, Quantity):
        return ir.Literal(a.constant.value), ir.text(a.constant.unit)
    if a.slot.type.namespace == "System":
        return ir.Member(a.sql, "value"), ir.Member(a.sql, "unit")
    names = {f.name for f in a.slot.fields}
    if "value" not in names:
        return ir.null(ir.NUMBER), ir.null()

    def part(name: str) -> Expr:
        return ir.Member(a.sql, name) if name in names else ir.null()

    unit: Expr = ir.call("coalesce", part("unit"), ir.text("1"))
    if "code" in names:
        code = part("code")
        if calendar and "system" in names:
            words = tuple(
                (
                    ir.both(ir.call("eq", code, ir.text(c)), ir.call("eq", part("system"), ir.text(_UCUM))),
                    ir.text(w),
                )
                for c, w in _CALENDAR.items()
            )
            code = ir.Case(words, code)
        unit = ir.call("coalesce", code, ir.when(ir.is_null(part("system")), unit))
    elif "system" in names:
        unit = ir.when(ir.is_null(part("system")), unit)
    if "comparator" in names:
        unit = ir.when(ir.is_null(part("comparator")), unit)
    return ir.Cast(part("value"), ir.NUMBER, safe=True), unit


def shown(a: Alternative) -> Item:
    """As a System Quantity."""
    if a.slot.type == QUANTITY:
        return Item((a,))
    return system(*parts(a))


def compare(compiler: Compiler, test: str, a: Alternative, b: Alternative) -> Expr:
    """``eq``, ``lt`` … of two quantities, or of a quantity and a number; NULL where units do not go together."""
    for one, other, operator in ((a, b, test), (b, a, _TURNED[test])):
        known = as_quantity(other.constant)
        if known is not None:
            return _with(compiler, operator, one, known)

    def answer(pair: Pair) -> Expr:
        scaled = ir.call(test, _times(pair.x, pair.factors[0]), _times(pair.y, pair.factors[1]))
        return _aligned(compiler, pair, ir.call(test, pair.x, pair.y), scaled, ir.null(ir.BOOL))

    return _paired(compiler, a, b, answer)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two quantities, and how their units convert."""

    x: Expr
    left: Expr
    y: Expr
    right: Expr
    groups: tuple[Expr, Expr]
    factors: tuple[Expr, Expr]


_PARTS = ir.struct_of(("x", ir.NUMBER), ("left", ir.TEXT), ("y", ir.NUMBER), ("right", ir.TEXT))
_SCALES = ir.struct_of(
    ("group0", ir.TEXT), ("factor0", ir.NUMBER), ("group1", ir.TEXT), ("factor1", ir.NUMBER)
)


def _paired(compiler: Compiler, a: Alternative, b: Alternative, use: Callable[[Pair], Expr]) -> Expr:
    """``use`` of two quantities whose parts are written once only, since tables of units are long."""
    (x, left), (y, right) = parts(a), parts(b)

    def with_parts(row: Expr) -> Expr:
        one, other = ir.Member(row, "left"), ir.Member(row, "right")
        scales = ir.Struct(
            (
                ("group0", units.group(one)),
                ("factor0", units.factor(one)),
                ("group1", units.group(other)),
                ("factor1", units.factor(other)),
            )
        )

        def with_scales(scale: Expr) -> Expr:
            groups = ir.Member(scale, "group0"), ir.Member(scale, "group1")
            factors = ir.Member(scale, "factor0"), ir.Member(scale, "factor1")
            return use(Pair(ir.Member(row, "x"), one, ir.Member(row, "y"), other, groups, factors))

        return shared(compiler, scales, _SCALES, with_scales)

    row = ir.Struct((("x", x), ("left", left), ("y", y), ("right", right)))
    return shared(compiler, row, _PARTS, with_parts)


def _aligned(compiler: Compiler, pair: Pair, in_one_unit: Expr, converted: Expr, nothing: ir.Literal) -> Expr:
    """What holds of quantities in one unit, in two units of one kind, of two kinds; an error of an unknown unit."""
    known = ir.both(*(ir.is_there(x) for x in (pair.x, pair.left, pair.y, pair.right)))
    unknown = ir.either(*(ir.is_null(g) for g in pair.groups))
    message = f"Units that SQL cannot convert: {compiler.text}: "
    refusal = ir.call("error", ir.call("concat", ir.text(message), pair.left, ir.text(", "), pair.right))
    no_form = ir.either(unknown, ir.call("eq", units.base(pair.left), units.base(pair.right)))
    return ir.Case(
        (
            (ir.both(known, ir.call("eq", pair.left, pair.right)), in_one_unit),
            (ir.negated(known), nothing),
            (ir.call("eq", *pair.groups), converted),
            (no_form, ir.Cast(refusal, nothing.type)),
        ),
        nothing,
    )


def _times(value: Expr, factor: Expr) -> Expr:
    return ir.call("decimal_multiply", value, factor)


def _with(compiler: Compiler, test: str, a: Alternative, constant: Quantity) -> Expr:
    value, unit = parts(a, calendar=_is_duration(constant))
    found = _in_each_unit(constant)
    same, others = found.pop(constant.value, []), found.pop(None, [])
    whens = [(units.among(unit, same), ir.call(test, value, ir.Literal(constant.value)))]
    whens += [
        (units.among(unit, codes), ir.call(test, value, ir.Literal(limit)))
        for limit, codes in found.items()
        if limit is not None
    ]
    whens += [(units.among(unit, others), ir.UNKNOWN), (ir.is_null(unit), ir.UNKNOWN)]
    return ir.Case(tuple(whens), _refusal(compiler, unit, ir.BOOL))


def _is_duration(constant: Quantity) -> bool:
    return ucum.comparable(constant.ucum, "s")


def _in_each_unit(constant: Quantity) -> dict[Decimal | None, list[str]]:
    """Units by what a constant is in them, the constant's own first; None: where it is nothing."""
    found: dict[Decimal | None, list[str]] = {constant.value: [constant.unit]}
    for unit in units.UNITS:
        if unit != constant.unit:
            found.setdefault(units.converted(constant, unit), []).append(unit)
    return found


def _refusal(compiler: Compiler, unit: Expr, of: ir.SqlType) -> Expr:
    message = ir.call("concat", ir.text(f"A unit that SQL cannot convert, in {compiler.text}: "), unit)
    return ir.Cast(ir.call("error", message), of)


def convert(compiler: Compiler, a: Alternative, target: str) -> Item:
    """In another unit; none where the units do not go together."""
    value, unit = parts(a)
    by: dict[tuple[Decimal, Decimal], list[str]] = {}
    others: list[str] = []
    for code in dict.fromkeys((target, *units.UNITS)):
        line = units.line(code, target)
        by.setdefault(line, []).append(code) if line is not None else others.append(code)
    whens = [
        (units.among(unit, codes), ir.call("try_add", _times(value, ir.Literal(factor)), ir.Literal(offset)))
        for (factor, offset), codes in by.items()
    ]
    whens += [(units.among(unit, others), ir.null(ir.NUMBER)), (ir.is_null(unit), ir.null(ir.NUMBER))]
    number = ir.Case(tuple(whens), _refusal(compiler, unit, ir.NUMBER))
    return system(ir.Cast(number, ir.NUMBER, safe=True), ir.text(target))


def comparable(compiler: Compiler, a: Alternative, b: Alternative) -> Expr:
    """Whether two quantities measure the same thing."""
    known = as_quantity(b.constant)
    if known is None:
        if as_quantity(a.constant) is None:
            raise CompilationError("In SQL one of the units must be written out")
        return comparable(compiler, b, a)
    value, unit = parts(a)
    codes = [known.unit, *units.UNITS] if ucum.comparable(known.ucum, known.ucum) else list(units.UNITS)
    together = [c for c in codes if ucum.comparable(CALENDAR_TO_UCUM.get(c, c), known.ucum)]
    others = [c for c in codes if c not in together]
    whens = [(ir.either(ir.is_null(value), ir.is_null(unit)), ir.UNKNOWN)]
    whens += [
        (units.among(unit, found), ir.Literal(found is together)) for found in (together, others) if found
    ]
    return ir.Case(tuple(whens), _refusal(compiler, unit, ir.BOOL))


def calculate(compiler: Compiler, operator: str, a: Alternative, b: Alternative) -> Item:
    """``+ - * /`` of two quantities, or of a quantity and a number."""
    if operator in ("+", "-"):
        return _sum(compiler, operator, a, b)
    (x, left), (y, right) = parts(a), parts(b)
    match operator:
        case "*":
            return system(_times(x, y), units.product(units.named(left), units.named(right)))
        case "/":
            divided = ir.call("decimal_divide", x, y)
            return system(divided, units.quotient(units.named(left), units.named(right)))
    raise CompilationError("{operator} does not go between quantities", operator=operator)


def _sum(compiler: Compiler, operator: str, a: Alternative, b: Alternative) -> Item:
    """In the finer of the two units."""
    name = "try_add" if operator == "+" else "try_sub"

    def made(x: Expr, y: Expr, unit: Expr) -> Expr:
        total = ir.Cast(ir.call(name, x, y), ir.NUMBER, safe=True)
        return ir.when(ir.is_there(total), ir.Struct((("value", total), ("unit", unit))))

    def answer(pair: Pair) -> Expr:
        one, other = pair.factors
        ratio = ir.call("decimal_divide", ir.call("greatest", one, other), ir.call("least", one, other))
        in_left = made(pair.x, _times(pair.y, ratio), pair.left)
        in_right = made(_times(pair.x, ratio), pair.y, pair.right)
        finer = ir.when(ir.call("le", one, other), in_left, in_right)
        return _aligned(compiler, pair, made(pair.x, pair.y, pair.left), finer, ir.null(QUANTITY_TYPE))

    return values.system(QUANTITY, _paired(compiler, a, b, answer))


def equivalent(compiler: Compiler, a: Alternative, b: Alternative) -> Expr:
    """``~``: equal after conversion of the right one, rounded to the less precise of the two."""
    constant = as_quantity(b.constant)
    value, unit = parts(a)
    if constant is None:
        other, other_unit = parts(b)
        alike = rounding.alike(compiler, value, other)
        same = ir.both(*(ir.is_there(x) for x in (value, unit, other, other_unit)))
        codes = units.named(unit), units.named(other_unit)
        refusal = ir.Cast(ir.call("error", ir.text(f"~ of two units: {compiler.text}")), ir.BOOL)
        return ir.Case(((ir.both(same, ir.call("eq", *codes)), alike), (same, refusal)), ir.FALSE)
    limits, digits, others = _limits(constant)
    limit = ir.Case(tuple((units.among(unit, codes), ir.Literal(v)) for v, codes in limits.items()))
    size = ir.Case(tuple((units.among(unit, codes), ir.number(n)) for n, codes in digits.items()))
    alike = shared(
        compiler,
        limit,
        ir.NUMBER,
        lambda found: ir.when(ir.is_there(found), rounding.alike(compiler, value, found, size)),
    )
    unknown = ir.both(
        ir.is_there(unit),
        ir.negated(units.among(unit, [*others, *(code for codes in limits.values() for code in codes)])),
    )
    return ir.when(unknown, _refusal(compiler, unit, ir.BOOL), ir.certain(alike))


def _limits(constant: Quantity) -> tuple[dict[Decimal, list[str]], dict[int, list[str]], list[str]]:
    """Units by what the constant is in them, by how many places of that count, and those where it is nothing."""
    limits: dict[Decimal, list[str]] = {}
    digits: dict[int, list[str]] = {}
    others: list[str] = []
    for unit in dict.fromkeys((constant.unit, *units.UNITS)):
        found, count = _converted(constant, unit)
        if found is None:
            others.append(unit)
            continue
        limits.setdefault(found, []).append(unit)
        digits.setdefault(max(0, count), []).append(unit)
    return limits, digits, others


def _converted(constant: Quantity, unit: str) -> tuple[Decimal | None, int]:
    """As ``query.quantity.equivalent`` has it: a year is a UCUM year here."""
    code = CALENDAR_TO_UCUM.get(unit, unit)
    if code == constant.ucum:
        return constant.value, places(constant.value)
    try:
        found = ucum.convert(constant.value, constant.ucum, code)
    except ucum.UcumError:
        return None, 0
    shift = constant.value.adjusted() - found.adjusted() if constant.value and found else 0
    return found, places(constant.value) + shift
