"""Durations and differences of dates (https://cql.hl7.org/09-b-cqlreference.html#duration,
https://cql.hl7.org/09-b-cqlreference.html#difference): the least and the greatest that the dates allow.
"""

from shangyi.query.cql.sql.builder import Builder, Call
from shangyi.query.cql.sql.values import Range, Value, bounds
from shangyi.query.cql.types import DATE, DATETIME, INTEGER
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr

_UNITS = frozenset({"year", "month", "week", "day"})
_FIRST_DAY = ir.Cast(ir.text("0001-01-01 00:00:00"), ir.SqlType("TIMESTAMP"))
"""A Monday."""


def _between(count: str) -> Builder:
    def build(call: Call) -> Value | None:
        left, right = call.operands
        unit = call.node.precision or ""
        if left.type != right.type or left.type not in _TYPES[count] or unit not in _UNITS:
            return None
        (a, b), (c, d) = bounds(left), bounds(right)
        return Range(INTEGER, _count(count, unit, b, c), _count(count, unit, a, d))

    return build


_TYPES = {"duration": (DATE,), "difference": (DATE, DATETIME)}


def _count(count: str, unit: str, start: Expr, end: Expr) -> Expr:
    if count == "difference":
        return ir.Cast(_borders(unit, start, end), ir.INT)
    if unit in ("week", "day"):
        return ir.Cast(ir.call("full_units", ir.text(unit), start, end), ir.INT)
    months = _whole_months(start, end)
    return ir.Cast(ir.call("quotient", months, ir.number(12)) if unit == "year" else months, ir.INT)


def _borders(unit: str, start: Expr, end: Expr) -> Expr:
    """How many borders of a unit lie between; weeks begin on Sunday, and the day before the first year was one."""
    if unit != "week":
        return ir.call(
            "full_units", ir.text(unit), *(ir.call("date_trunc", ir.text(unit), m) for m in (start, end))
        )
    days = (ir.call("full_units", ir.text("day"), _FIRST_DAY, moment) for moment in (start, end))
    weeks = [ir.call("quotient", ir.call("add", day, ir.number(1)), ir.number(7)) for day in days]
    return ir.call("sub", weeks[1], weeks[0])


def _whole_months(start: Expr, end: Expr) -> Expr:
    """Months from border to border, less the one that is not over: the day of the month is that of the start, or the
    last where the month is shorter.
    """
    months = _borders("month", start, end)
    moved = ir.call("add_months", start, months)
    zero = ir.number(0)
    return ir.Case(
        (
            (
                ir.both(ir.call("gt", months, zero), ir.call("gt", moved, end)),
                ir.call("sub", months, ir.number(1)),
            ),
            (
                ir.both(ir.call("lt", months, zero), ir.call("lt", moved, end)),
                ir.call("add", months, ir.number(1)),
            ),
        ),
        months,
    )


OPERATORS: dict[str, Builder] = {
    "DurationBetween": _between("duration"),
    "DifferenceBetween": _between("difference"),
}
