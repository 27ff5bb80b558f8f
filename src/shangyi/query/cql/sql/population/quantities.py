"""Quantities, until ``query.cql.sql`` has them: order, conversion to a unit that is written out, value and unit."""

from collections.abc import Callable
from decimal import Decimal

from shangyi.query.cql.operators.conversion import quantity_of
from shangyi.query.cql.sql.builder import Call
from shangyi.query.cql.sql.values import NUMBER, Quantity, Scalar, Value
from shangyi.query.cql.types import BOOLEAN, DECIMAL, STRING
from shangyi.query.parser import CALENDAR
from shangyi.query.quantity import CALENDAR_TO_UCUM
from shangyi.query.sql import ir, units
from shangyi.query.sql.ir import Expr, SqlType

_FACTOR = SqlType("DECIMAL(24,6)")
_MOST_PLACES = 6


def _times(value: Expr, factor: Decimal) -> Expr:
    if factor == 1:
        return value
    return ir.call("try", ir.call("mul", value, ir.Cast(ir.text(f"{factor:f}"), _FACTOR)))


def ordered(value: Quantity) -> Expr:
    """A number that orders quantities of one kind."""
    by: dict[Decimal, list[str]] = {}
    for code, scale in units.scales().items():
        by.setdefault(scale.factor, []).append(code)
    whens = tuple((units.among(value.unit, codes), _times(value.value, f)) for f, codes in by.items())
    return ir.Case(tuple((test, ir.Cast(x, ir.DOUBLE)) for test, x in whens), ir.Cast(value.value, ir.DOUBLE))


def _same_kind(unit: str) -> dict[Decimal, list[str]]:
    """Units that convert to a unit, by their size in the smallest of them."""
    scales = units.scales()
    own = scales.get(unit)
    by: dict[Decimal, list[str]] = {}
    for code, scale in scales.items():
        if own is not None and scale.group == own.group and code != unit:
            by.setdefault(scale.factor, []).append(code)
    return by


def _compared(test: str) -> Callable[[Call], Value | None]:
    def build(call: Call) -> Value | None:
        left, right = call.operands
        if not isinstance(left, Quantity) or not isinstance(right, Quantity):
            return None
        name = test
        if not isinstance(right.unit, ir.Literal):
            left, right, name = right, left, _TURNED[test]
        unit = right.unit
        if not isinstance(unit, ir.Literal):
            return None
        own = units.scales().get(str(unit.value))
        whens = [(ir.call("eq", left.unit, unit), ir.call(name, left.value, right.value))]
        if own is not None:
            whens += [
                (
                    units.among(left.unit, codes),
                    ir.call(name, _times(left.value, factor), _times(right.value, own.factor)),
                )
                for factor, codes in _same_kind(str(unit.value)).items()
            ]
        if unit == ir.text("1"):  # an annotation is a unit by itself
            annotated = ir.call("matches_full", left.unit, ir.text(r"\{[^{}]*\}"), ir.text(""))
            whens.append((annotated, ir.call(name, left.value, right.value)))
        return Scalar(BOOLEAN, ir.Case(tuple(whens), _unless_known(left, unit, call)))

    return build


def _unless_known(value: Quantity, unit: Expr, call: Call) -> Expr:
    """Null beside a unit of another kind; of one that is in no table the statement stops rather than guess."""
    known = ir.either(
        ir.is_null(value.value), ir.is_null(value.unit), units.among(value.unit, list(units.scales()))
    )
    place = call.node.place
    text = ir.text(
        f"{place.library}:{place.line}:{place.column}: a unit that SQL cannot hold against {_shown(unit)}: "
    )
    refusal = ir.call("error", ir.call("concat", text, value.unit))
    return ir.Case(((known, ir.UNKNOWN),), ir.Cast(refusal, ir.BOOL))


def _shown(unit: Expr) -> str:
    return str(unit.value) if isinstance(unit, ir.Literal) else ""


_TURNED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}


def _converted(call: Call) -> Value | None:
    value, to = call.operands
    if not isinstance(value, Quantity) or not isinstance(to, Scalar) or not isinstance(to.sql, ir.Literal):
        return None
    target = quantity_of(Decimal(1), str(to.sql.value)).unit
    whens: list[tuple[Expr, Expr]] = [(ir.call("eq", value.unit, ir.text(target)), value.value)]
    by: dict[tuple[str, Decimal], list[str]] = {}
    for unit in units.UNITS:
        step = None if unit == target else _step(unit, target)
        if step is not None:
            by.setdefault(step, []).append(unit)
    for (name, factor), codes in by.items():
        other = ir.Cast(ir.text(f"{factor:f}"), NUMBER)
        made = _times(value.value, factor) if name == "mul" else ir.call("places_divide", value.value, other)
        whens.append((units.among(value.unit, codes), ir.Cast(made, NUMBER, safe=True)))
    known = ir.Case(tuple(whens))
    return Quantity(known, ir.text(target))


def _step(unit: str, target: str) -> tuple[str, Decimal] | None:
    there, back = units.line(unit, target), units.line(target, unit)
    if there is None or back is None or there[1] or back[1]:
        return None
    for name, (factor, _) in (("mul", there), ("div", back)):
        exponent = factor.normalize().as_tuple().exponent
        if isinstance(exponent, int) and -exponent <= _MOST_PLACES:
            return name, factor
    return None


def part(value: Quantity, name: str) -> Scalar:
    """``value``, or ``unit`` as CQL writes it: the word of a calendar duration in the plural of what is not one."""
    if name == "value":
        return Scalar(DECIMAL, value.value)
    several = ir.both(
        units.among(value.unit, list(CALENDAR_TO_UCUM)), ir.call("ne", value.value, ir.number(1))
    )
    return Scalar(STRING, ir.when(several, ir.call("concat", value.unit, ir.text("s")), value.unit))


def instance(value: Expr, unit: Expr) -> Quantity:
    """``Quantity { value: …, unit: … }``."""
    if isinstance(unit, ir.Literal) and unit.value is not None:
        return Quantity(value, ir.text(quantity_of(Decimal(1), str(unit.value)).unit))
    words = tuple((ir.call("eq", unit, ir.text(a)), ir.text(b)) for a, b in CALENDAR.items() if a != b)
    return Quantity(value, ir.Case(words, ir.call("coalesce", unit, ir.text("1"))))


OPERATORS = {
    **{
        name: _compared(test)
        for name, test in (
            ("Equal", "eq"),
            ("NotEqual", "ne"),
            ("Less", "lt"),
            ("LessOrEqual", "le"),
            ("Greater", "gt"),
            ("GreaterOrEqual", "ge"),
        )
    },
    "ConvertQuantity": _converted,
}
