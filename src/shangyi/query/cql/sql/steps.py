"""The least and the greatest value of a type, and the next one and the one before
(https://cql.hl7.org/09-b-cqlreference.html#successor).
"""

from datetime import datetime

from shangyi.query.cql.sql.constants import MIDNIGHT, instant
from shangyi.query.cql.sql.shapes import null
from shangyi.query.cql.sql.values import MOMENTS, NUMBER, Quantity, Range, Scalar, Value
from shangyi.query.cql.types import ANY, DATE, DATETIME, DECIMAL, INTEGER, LONG, QUANTITY, TIME, Type
from shangyi.query.cql.values.numbers import (
    DECIMAL_MAX,
    INTEGER_MAX,
    INTEGER_MIN,
    LONG_MAX,
    LONG_MIN,
)
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr, SqlType

_NUMBERS: dict[Type, tuple[SqlType, SqlType, str, tuple[object, object]]] = {
    INTEGER: (ir.INT, ir.LONG, "1", (INTEGER_MIN, INTEGER_MAX)),
    LONG: (ir.LONG, SqlType("DECIMAL(20,0)"), "1", (LONG_MIN, LONG_MAX)),
    DECIMAL: (NUMBER, SqlType("DECIMAL(29,8)"), "0.00000001", (-DECIMAL_MAX, DECIMAL_MAX)),
}
_MILLISECOND, _DAY = 1, 86_400_000
_LAST_OF_DAY = MIDNIGHT.replace(hour=23, minute=59, second=59, microsecond=999_000)
LIMITS: dict[Type, tuple[datetime, datetime]] = {
    DATE: (datetime(1, 1, 1), datetime(9999, 12, 31)),
    DATETIME: (datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_000)),
    TIME: (MIDNIGHT, _LAST_OF_DAY),
}


def limit(type_: Type, side: int, like: Value | None = None) -> Value | None:
    """``minimum T`` (side 0) or ``maximum T`` (1); of a quantity in the unit of ``like``. None where T has none."""
    if type_ in MOMENTS:
        moment = instant(LIMITS[type_][side])
        return Range(type_, moment, moment)
    if type_ == QUANTITY:
        number = ir.Cast(ir.text(str(_NUMBERS[DECIMAL][3][side])), NUMBER)
        unit: Expr = ir.text("1")
        if isinstance(like, Quantity):
            unit = ir.call("coalesce", like.unit, unit)
        return Quantity(number, unit)
    if type_ not in _NUMBERS:
        return null(type_) if type_ == ANY else None
    own, *_, limits = _NUMBERS[type_]
    return Scalar(type_, ir.Cast(ir.text(str(limits[side])), own))


def step(value: Value, sign: int) -> Value | None:
    """The successor (1) or the predecessor (-1); null beyond the limits of the type, None of what has none."""
    if isinstance(value, Quantity):
        return Quantity(_moved(value.value, DECIMAL, sign), value.unit)
    if isinstance(value, Scalar) and value.type in _NUMBERS:
        return Scalar(value.type, _moved(value.sql, value.type, sign))
    if isinstance(value, Range) and value.type in MOMENTS:
        return _date(value, sign)
    return null(ANY) if value.type == ANY else None


def _moved(number: Expr, type_: Type, sign: int) -> Expr:
    own, wide, size, _ = _NUMBERS[type_]
    amount = ir.Cast(ir.text(size), wide)
    return ir.Cast(ir.call("add" if sign > 0 else "sub", ir.Cast(number, wide), amount), own, safe=True)


def _date(value: Range, sign: int) -> Range:
    """One unit of the precision that the value has, which its length tells: months and years are longer than a day."""
    tick = _DAY if value.type == DATE else _MILLISECOND
    length = ir.call("full_units", ir.text("millisecond"), value.low, value.high)
    if sign > 0:
        low = add_milliseconds(value.high, ir.number(tick))
        high: Expr = ir.Case(
            (
                (_shorter(length, 2 * _DAY), add_milliseconds(low, length)),
                (_shorter(length, 40 * _DAY), _before(ir.call("add_months", low, ir.number(1)), tick)),
            ),
            _before(ir.call("add_months", low, ir.number(12)), tick),
        )
    else:
        high = add_milliseconds(value.low, ir.number(-tick))
        low = ir.Case(
            (
                (_shorter(length, 2 * _DAY), add_milliseconds(high, ir.call("negative", length))),
                (_shorter(length, 40 * _DAY), ir.call("date_trunc", ir.text("month"), high)),
            ),
            ir.call("date_trunc", ir.text("year"), high),
        )
    first, last = map(instant, LIMITS[value.type])
    inside = ir.both(ir.call("ge", low, first), ir.call("le", high, last))
    nothing = null(value.type)
    assert isinstance(nothing, Range)
    offset = value.offset and ir.Case(((inside, value.offset),))
    return Range(
        value.type, ir.Case(((inside, low),), nothing.low), ir.Case(((inside, high),), nothing.high), offset
    )


def _shorter(length: Expr, milliseconds: int) -> Expr:
    return ir.call("lt", length, ir.number(milliseconds))


def add_milliseconds(moment: Expr, count: Expr) -> Expr:
    """A TIMESTAMP later by so many milliseconds."""
    return ir.call("add_milliseconds", moment, count)


def _before(moment: Expr, tick: int) -> Expr:
    return add_milliseconds(moment, ir.number(-tick))
