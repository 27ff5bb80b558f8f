"""Order of points: numbers, strings, quantities, dates and times, and what is only known to lie between two of them.

Imprecise dates: certain where their bounds are apart, or where both are the same; else null. To a precision bounds are
cut off there, and what is not known so far is never the same as anything. Years to days compare as they are written,
in the offset of each; what is finer in one offset (09-b, Same As).
"""

from dataclasses import dataclass
from typing import TypeAlias

from shangyi.query.cql.sql import quantity
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.values import MOMENTS, Quantity, Range, Scalar, Value, is_null
from shangyi.query.cql.types import BOOLEAN, DATE, DECIMAL, INTEGER, LONG, QUANTITY, STRING
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr

SCALARS = (INTEGER, LONG, DECIMAL, STRING)
COARSE = frozenset({"year", "month", "day"})
PRECISE = COARSE | {"hour", "minute", "second", "millisecond"}
Precision: TypeAlias = str | None
Bounds = tuple[Expr, Expr]


@dataclass(frozen=True, slots=True)
class Point:
    """A point; where ``open`` is true, one that is not known, from ``low`` to ``high``."""

    low: Value
    high: Value
    open: Expr = ir.FALSE


def point(value: Value) -> Point | None:
    """A value as a point; None where its type has no order."""
    if isinstance(value, Range) and value.type not in MOMENTS:
        low, high = Scalar(value.type, value.low), Scalar(value.type, value.high)
        return Point(low, high, ir.call("ne", value.low, value.high))
    ordered = isinstance(value, Range | Quantity) or value.type in SCALARS
    return Point(value, value) if ordered else None


def less(at: Columns, a: Point, b: Point, precision: Precision = None) -> Expr:
    """``<``."""
    plain = _test(at, "lt", a.low, b.low, precision)
    if (a.open, b.open) == (ir.FALSE, ir.FALSE):
        return plain
    sure = _test(at, "lt", a.high, b.low, precision)
    never = ir.call("not", _test(at, "lt", a.low, b.high, precision))
    uncertain = ir.Case(((sure, ir.TRUE), (never, ir.FALSE)), ir.UNKNOWN)
    return ir.Case(((ir.either(a.open, b.open), uncertain),), plain)


def less_or_equal(at: Columns, a: Point, b: Point, precision: Precision = None) -> Expr:
    """``<=``."""
    if (a.open, b.open) == (ir.FALSE, ir.FALSE):
        return _test(at, "le", a.low, b.low, precision)
    return ir.call("not", less(at, b, a, precision))


def same(at: Columns, a: Point, b: Point, precision: Precision = None) -> Expr:
    """``=``."""
    plain = _test(at, "eq", a.low, b.low, precision)
    if (a.open, b.open) == (ir.FALSE, ir.FALSE):
        return plain
    apart = ir.either(_test(at, "lt", a.high, b.low, precision), _test(at, "lt", b.high, a.low, precision))
    uncertain = ir.Case(((apart, ir.FALSE), (ir.either(_no(a), _no(b)), ir.UNKNOWN)), ir.UNKNOWN)
    return ir.Case(((ir.either(a.open, b.open), uncertain),), plain)


def _no(a: Point) -> Expr:
    return is_null(a.low)


def _test(at: Columns, test: str, a: Value, b: Value, precision: Precision) -> Expr:
    """``eq``, ``lt``, ``le`` of two definite points."""
    if isinstance(a, Scalar) and isinstance(b, Scalar) and a.type == b.type:
        return ir.call(test, a.sql, b.sql)
    if isinstance(a, Quantity) and isinstance(b, Quantity):
        return quantity.compare(at, test, a, b)
    if isinstance(a, Range) and isinstance(b, Range):
        if precision is not None and precision not in PRECISE:
            raise NoForm(
                "{node} of {types} has no form in SQL yet", node=precision, types=f"{a.type}, {b.type}"
            )
        return within_bounds(test, cut(at, a, precision), cut(at, b, precision), precision)
    raise NoForm("{node} of {types} has no form in SQL yet", node=test, types=f"{a.type}, {b.type}")


def cut(at: Columns, value: Range, precision: Precision) -> Bounds:
    """The bounds of a date or time, cut off below a precision."""
    if precision in COARSE:
        value = as_written(at, value)
    if precision is None or precision == "millisecond" or (precision == "day" and value.type == DATE):
        return value.low, value.high
    unit = ir.text(precision)
    return ir.call("date_trunc", unit, value.low), ir.call("date_trunc", unit, value.high)


def as_written(at: Columns, value: Range) -> Range:
    """A DateTime in its own offset."""
    if value.offset is None:
        return value
    minutes = ir.call("coalesce", ir.call("sub", value.offset, ir.number(at.offset)), ir.number(0))
    seconds = ir.call("mul", minutes, ir.number(60))
    low, high = (ir.call("add_seconds", bound, seconds) for bound in (value.low, value.high))
    return Range(value.type, low, high)


def within_bounds(test: str, a: Bounds, b: Bounds, precision: Precision) -> Expr:
    """``eq``, ``lt``, ``le`` of two ranges; null where it is open."""
    if a[0] == a[1] and b[0] == b[1]:
        return ir.call(test, a[0], b[0])
    earlier, later = ir.call("lt", a[1], b[0]), ir.call("gt", a[0], b[1])
    equal = ir.both(ir.call("eq", a[0], b[0]), ir.call("eq", a[1], b[1]))
    if precision is not None:
        equal = ir.both(equal, ir.call("eq", a[0], a[1]))
    answers = {"eq": (False, False, True), "lt": (True, False, False), "le": (True, False, True)}[test]
    whens = zip((earlier, later, equal), map(ir.Literal, answers), strict=True)
    return ir.Case(tuple(whens), ir.UNKNOWN)


def equal(at: Columns, left: Value, right: Value) -> Expr | None:
    """``=`` of two values of one type that has an order, or of Booleans; None of others."""
    if left.type != right.type:
        return None
    if left.type == BOOLEAN and isinstance(left, Scalar) and isinstance(right, Scalar):
        return ir.call("eq", left.sql, right.sql)
    a, b = point(left), point(right)
    return None if a is None or b is None else same(at, a, b)


def is_measure(value: Value) -> bool:
    """Whether it is a quantity."""
    return value.type == QUANTITY
