"""Durations and differences of dates and times (https://cql.hl7.org/09-b-cqlreference.html#duration,
https://cql.hl7.org/09-b-cqlreference.html#difference): the least and the greatest that they allow.
"""

from shangyi.query.cql.sql import points
from shangyi.query.cql.sql.builder import Builder, Call
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.values import MOMENTS, Range, Value
from shangyi.query.cql.types import DATE, INTEGER, TIME
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr

_COARSE = ("year", "month", "week", "day")
_FINE = ("hour", "minute", "second", "millisecond")
_FIRST_DAY = ir.Cast(ir.text("0001-01-01 00:00:00"), ir.SqlType("TIMESTAMP"))
"""A Monday."""


def _duration(call: Call) -> Value | None:
    """Whole periods, of values that are completed to the second, or to the millisecond where that is the unit."""
    return between(call.at, call.operands[0], call.operands[1], call.node.precision or "")


def between(at: Columns, left: Value, right: Value, unit: str) -> Value | None:
    """Whole periods from one date to another."""
    if not isinstance(left, Range) or not isinstance(right, Range) or not _goes(left, right, unit):
        return None
    level = None if left.type == DATE or unit == "millisecond" else "second"
    one, other = (_in_offset(at, value, right.offset) for value in (left, right))
    (a, b), (c, d) = _completed(one, level), _completed(other, level)
    return Range(INTEGER, _count(unit, b, c), _count(unit, a, d))


def _completed(value: Range, level: str | None) -> points.Bounds:
    """What is not known is completed to the second (05, Determining Difference and Duration)."""
    if level is None:
        return value.low, value.high
    last = ir.call("date_trunc", ir.text(level), value.high)
    return value.low, ir.Case(((ir.call("eq", value.low, value.high), value.high),), last)


def _goes(left: Range, right: Range, unit: str) -> bool:
    units = _COARSE if left.type == DATE else _FINE if left.type == TIME else (*_COARSE, *_FINE)
    return left.type == right.type and left.type in MOMENTS and unit in units


def _in_offset(at: Columns, value: Range, offset: Expr | None) -> Range:
    """In the offset of the later one, in which both are counted."""
    if offset is None:
        return Range(value.type, value.low, value.high)
    return points.as_written(at, Range(value.type, value.low, value.high, offset))


def _count(unit: str, start: Expr, end: Expr) -> Expr:
    if unit not in ("year", "month"):
        return ir.Cast(ir.call("full_units", ir.text(unit), start, end), ir.INT, safe=True)
    months = _whole_months(start, end)
    return ir.Cast(ir.call("quotient", months, ir.number(12)) if unit == "year" else months, ir.INT)


def _difference(call: Call) -> Value | None:
    """How many borders of a unit lie between; days and longer are counted as each is written."""
    left, right = call.operands
    unit = call.node.precision or ""
    if not isinstance(left, Range) or not isinstance(right, Range) or not _goes(left, right, unit):
        return None
    level = "day" if unit == "week" else unit
    (a, b), (c, d) = points.cut(call.at, left, level), points.cut(call.at, right, level)
    return Range(INTEGER, _borders(unit, b, c), _borders(unit, a, d))


def _borders(unit: str, start: Expr, end: Expr) -> Expr:
    """Weeks begin on Sunday, and the day before the first year was one."""
    if unit != "week":
        found = ir.call(
            "full_units", ir.text(unit), *(ir.call("date_trunc", ir.text(unit), m) for m in (start, end))
        )
        return ir.Cast(found, ir.INT, safe=True)
    days = (ir.call("full_units", ir.text("day"), _FIRST_DAY, moment) for moment in (start, end))
    weeks = [ir.call("quotient", ir.call("add", day, ir.number(1)), ir.number(7)) for day in days]
    return ir.Cast(ir.call("sub", weeks[1], weeks[0]), ir.INT)


def _whole_months(start: Expr, end: Expr) -> Expr:
    """Months from border to border, less the one that is not over: the day of the month is that of the start, or the
    last where the month is shorter.
    """
    months = _borders("month", start, end)
    moved = ir.call("add_months", start, months)
    zero, one = ir.number(0), ir.number(1)
    over = ir.both(ir.call("gt", months, zero), ir.call("gt", moved, end))
    under = ir.both(ir.call("lt", months, zero), ir.call("lt", moved, end))
    return ir.Case(((over, ir.call("sub", months, one)), (under, ir.call("add", months, one))), months)


OPERATORS: dict[str, Builder] = {
    "DurationBetween": _duration,
    "DifferenceBetween": _difference,
}
