"""Quantities: in one unit as they are, in another of the same kind by a factor that UCUM gives while compiling
(``query.sql.units``). A unit that is in no table, beside another one, is an error when it runs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.shapes import bound
from shangyi.query.cql.sql.values import NUMBER, Quantity, Scalar, Value, parts, when
from shangyi.query.cql.types import BOOLEAN, LONG
from shangyi.query.sql import ir, rounding, units
from shangyi.query.sql.ir import Expr, SqlType

_FACTOR = SqlType("DECIMAL(24,6)")
_UNKNOWN = "? "
_MOST = ir.Cast(ir.text("999999999999999999999999"), SqlType("DECIMAL(38,14)"))
"""What is larger in the smallest unit of its kind, as the greatest values of the type are, counts as this."""


@dataclass(frozen=True, slots=True)
class Scaled(Quantity):
    """``value``: in the smallest unit of its kind, exact; ``unit``: that kind, with which it converts."""


def scaled(quantity: Quantity) -> Scaled:
    """A quantity that compares with others of its kind by its number."""
    if isinstance(quantity, Scaled):
        return quantity
    number = ir.call("try", ir.call("mul", quantity.value, _scale_factor(quantity.unit)))
    beyond = ir.Case(((ir.call("gt", quantity.value, ir.number(0)), _MOST),), ir.call("negative", _MOST))
    saturated = ir.Case(((ir.is_there(quantity.value), ir.call("coalesce", number, beyond)),))
    return Scaled(saturated, _kind(quantity.unit))


def _kind(unit: Expr) -> Expr:
    known = ir.call("looked_up", ir.text(_table()), unit, ir.number(1))
    return ir.call("coalesce", known, ir.call("concat", ir.text(_UNKNOWN), unit))


def _scale_factor(unit: Expr) -> Expr:
    known = ir.Cast(ir.call("looked_up", ir.text(_table()), unit, ir.number(2)), _FACTOR)
    return ir.call("coalesce", known, ir.Cast(ir.text("1"), _FACTOR))


@cache
def _table() -> str:
    """Kind and factor of every unit, as one text: a CASE of them all would be parsed anew for each comparison."""
    numbers: dict[str, int] = {}
    rows = (
        f"{unit}={numbers.setdefault(scale.group, len(numbers))}|{scale.factor.normalize():f}"
        for unit, scale in units.scales().items()
    )
    return ";" + ";".join(rows) + ";"


def compare(at: Columns, test: str, a: Quantity, b: Quantity) -> Expr:
    """``eq``, ``lt`` …; null where the units do not go together."""
    if isinstance(a, Scaled) and isinstance(b, Scaled):
        return _scaled(test, a, b)
    in_one_unit = ir.call(test, a.value, b.value)
    if a.unit == b.unit:
        return in_one_unit

    def converted(pair: tuple[Value, ...]) -> Value:
        one, other = pair
        assert isinstance(one, Quantity)
        assert isinstance(other, Quantity)

        def with_scales(both: tuple[Value, ...]) -> Value:
            x, y = both
            assert isinstance(x, Scaled)
            assert isinstance(y, Scaled)
            same = ir.both(ir.call("eq", one.unit, other.unit))
            return Scalar(
                BOOLEAN, ir.Case(((same, ir.call(test, one.value, other.value)),), _scaled(test, x, y))
            )

        return bound(at, (scaled(one), scaled(other)), with_scales)

    found = bound(at, (a, b), converted)
    assert isinstance(found, Scalar)
    return found.sql


def _scaled(test: str, a: Scaled, b: Scaled) -> Expr:
    known = ir.both(ir.is_there(a.value), ir.is_there(b.value))
    unknown = ir.either(*(ir.call("starts_with", x.unit, ir.text(_UNKNOWN)) for x in (a, b)))
    message = ir.call("concat", ir.text("Units that SQL cannot convert: "), a.unit, ir.text(", "), b.unit)
    refusal = ir.Cast(ir.call("error", message), ir.BOOL)
    return ir.Case(
        (
            (ir.call("eq", a.unit, b.unit), ir.call(test, a.value, b.value)),
            (ir.both(known, unknown), refusal),
        ),
        ir.UNKNOWN,
    )


def fitting(value: Expr, unit: Expr) -> Quantity:
    """A quantity that was calculated; null where the number does not fit."""
    return Quantity(ir.Cast(ir.call("try", value), NUMBER, safe=True), unit)


# --- Calculated


def calculated(at: Columns, name: str, left: Quantity, right: Quantity) -> Value | None:
    """``Add Subtract Multiply Divide TruncatedDivide Modulo``; None of other operators."""
    if name == "Divide":
        return bound(at, (left, right), lambda pair: divided(*map(_quantity, pair)))
    if name == "Multiply":
        return bound(at, (left, right), lambda pair: _product(*map(_quantity, pair)))
    if name in ("Add", "Subtract"):
        return bound(at, (left, right), lambda pair: _sum(at, name, *map(_quantity, pair)))
    if name in ("TruncatedDivide", "Modulo"):
        return bound(at, (left, right), lambda pair: _whole(at, name, *map(_quantity, pair)))
    return None


def _quantity(value: Value) -> Quantity:
    assert isinstance(value, Quantity)
    return value


def divided(left: Quantity, right: Quantity) -> Quantity:
    """The quotient; null by zero."""
    value = ir.call("places_divide", left.value, right.value)
    return fitting(value, units.quotient(units.named(left.unit), units.named(right.unit)))


def _product(left: Quantity, right: Quantity) -> Quantity:
    value = ir.call("mul", left.value, right.value)
    return fitting(value, units.product(units.named(left.unit), units.named(right.unit)))


def _sum(at: Columns, name: str, left: Quantity, right: Quantity) -> Value:
    """In the finer of the two units."""
    operation = "add" if name == "Add" else "sub"

    def answer(known: tuple[Value, ...]) -> Value:
        one, other = (scale.value for scale in map(_quantity, known))
        coarse = ir.call("gt", one, other)
        x = ir.Case(((coarse, _by(left.value, one, other)),), left.value)
        y = ir.Case(((coarse, right.value),), _by(right.value, other, one))
        unit = ir.Case(((coarse, right.unit),), left.unit)
        total = fitting(ir.call(operation, x, y), unit)
        return Quantity(_together(known, left, right, total.value), unit)

    return _same_or(at, left, right, fitting(ir.call(operation, left.value, right.value), left.unit), answer)


def _whole(at: Columns, name: str, left: Quantity, right: Quantity) -> Value:
    """In the unit of the left one."""

    def operation(divisor: Expr) -> Expr:
        found = ir.call("decimal_quotient" if name == "TruncatedDivide" else "mod", left.value, divisor)
        return ir.Case(((ir.call("eq", divisor, ir.number(0)), ir.null(NUMBER)),), found)

    def answer(known: tuple[Value, ...]) -> Value:
        one, other = (scale.value for scale in map(_quantity, known))
        found = fitting(operation(_by(right.value, other, one)), left.unit)
        return Quantity(_together(known, left, right, found.value), left.unit)

    return _same_or(at, left, right, fitting(operation(right.value), left.unit), answer)


def _same_or(
    at: Columns,
    left: Quantity,
    right: Quantity,
    in_one_unit: Quantity,
    answer: Callable[[tuple[Value, ...]], Value],
) -> Value:
    """What holds in one unit; else what ``answer`` gives of the two units' factors and kinds."""
    scales = tuple(Scaled(_scale_factor(q.unit), _kind(q.unit)) for q in (left, right))
    other = bound(at, scales, answer)
    return when(ir.call("eq", left.unit, right.unit), in_one_unit, other)


def _by(value: Expr, factor: Expr, target: Expr) -> Expr:
    """A value of a unit in another, each so many of the smallest of their kind."""
    larger = ir.call("mul", value, ir.call("places_divide", *(ir.Cast(f, NUMBER) for f in (factor, target))))
    smaller = ir.call(
        "places_divide", value, ir.call("places_divide", *(ir.Cast(f, NUMBER) for f in (target, factor)))
    )
    return ir.Cast(
        ir.call(
            "try", ir.Case(((ir.call("ge", factor, target), ir.Cast(larger, NUMBER, safe=True)),), smaller)
        ),
        NUMBER,
        safe=True,
    )


def _together(known: tuple[Value, ...], left: Quantity, right: Quantity, value: Expr) -> Expr:
    """Null of two kinds; an error of a unit that is in no table."""
    a, b = map(_quantity, known)
    unknown = ir.either(*(ir.call("starts_with", x.unit, ir.text(_UNKNOWN)) for x in (a, b)))
    message = ir.call(
        "concat", ir.text("Units that SQL cannot convert: "), left.unit, ir.text(", "), right.unit
    )
    refusal = ir.Cast(ir.call("error", message), NUMBER)
    there = ir.both(ir.is_there(left.value), ir.is_there(right.value))
    return ir.Case(
        (
            (ir.call("eq", a.unit, b.unit), ir.Cast(value, NUMBER, safe=True)),
            (ir.both(there, unknown), refusal),
        )
    )


def in_unit(at: Columns, quantity: Quantity, unit: Expr) -> Value:
    """``ConvertQuantity``: null where the units do not go together."""
    target = Quantity(ir.Cast(ir.text("0"), NUMBER), unit)

    def answer(known: tuple[Value, ...]) -> Value:
        one, other = (scale.value for scale in map(_quantity, known))
        found = _by(quantity.value, one, other)
        return Quantity(_together(known, quantity, target, found), unit)

    return _same_or(at, quantity, target, Quantity(quantity.value, unit), answer)


def equivalent(at: Columns, left: Quantity, right: Quantity) -> Expr:
    """``~``: equal after conversion of the right one, rounded to the less precise of the two."""
    code = ir.call("eq", units.named(left.unit), units.named(right.unit))
    same = alike(at, left.value, right.value)

    def answer(opened: tuple[Value, ...]) -> Value:
        found = _quantity(opened[0])
        moved = ir.call("sub", _size(right.value), _size(found.value))
        digits = ir.call("greatest", ir.call("add", rounding.places(right.value), moved), ir.number(0))
        return Scalar(BOOLEAN, alike(at, left.value, found.value, digits))

    ucum = Quantity(right.value, units.named(right.unit))
    other = bound(at, (in_unit(at, ucum, units.named(left.unit)),), answer)
    assert isinstance(other, Scalar)
    return ir.Case(((code, same),), ir.certain(other.sql))


def _size(value: Expr) -> Expr:
    """The place of the first digit that is not zero; 0 of zero."""
    digits = ir.call("floor", ir.call("log10", ir.call("abs", value)))
    return ir.Case(((ir.call("eq", value, ir.number(0)), ir.number(0)),), ir.Cast(digits, ir.LONG))


def alike(at: Columns, left: Expr, right: Expr, right_places: Expr | None = None) -> Expr:
    """Whether two decimals are equal when rounded to the less precise of them."""
    places = rounding.places(right) if right_places is None else right_places
    digits = Scalar(LONG, ir.call("least", rounding.places(left), places))

    def answer(opened: tuple[Value, ...]) -> Value:
        count = next(parts(opened[0]))[1]
        whens = tuple(
            (
                ir.call("eq", count, ir.number(n)),
                ir.call("eq", *(ir.call("round", x, ir.number(n)) for x in (left, right))),
            )
            for n in range(8)
        )
        return Scalar(BOOLEAN, ir.Case(whens, ir.call("eq", left, right)))

    found = bound(at, (digits,), answer)
    assert isinstance(found, Scalar)
    return found.sql
