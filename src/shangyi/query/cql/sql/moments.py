"""Dates and times made and taken apart
(https://cql.hl7.org/09-b-cqlreference.html#date-and-time-operators-2).

What is a fault at the bedside (31 February, a component below one that is null, a year beyond 9999) is null.
"""

from collections.abc import Sequence
from itertools import pairwise

from shangyi.query.cql.sql import points
from shangyi.query.cql.sql.builder import Builder, Call, integer
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.constants import MIDNIGHT, instant, literal
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.shapes import bound
from shangyi.query.cql.sql.steps import add_milliseconds
from shangyi.query.cql.sql.values import INSTANT, MOMENTS, NUMBER, Range, Scalar, Value, bounds
from shangyi.query.cql.types import DATE, DATETIME, DECIMAL, INTEGER, TIME, Type
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr
from shangyi.query.temporal import Date, DateTime, Time

SIZES_MS = {
    "week": 604_800_000,
    "day": 86_400_000,
    "hour": 3_600_000,
    "minute": 60_000,
    "second": 1000,
    "millisecond": 1,
}
_FIRST = (1, 1, 1, 0, 0, 0, 0)
_MOST = (9999, 12, 31, 23, 59, 59, 999)


# --- Made of components


def _constructed(type_: Type) -> Builder:
    def build(call: Call) -> Value | None:
        given = [bounds(operand)[0] for operand in call.operands]
        if any(
            t not in (INTEGER, DECIMAL) and not ir.is_nothing(c)
            for t, c in zip(call.types, given, strict=True)
        ):
            return None
        if type_ == TIME:
            clock = (*given, *[ir.null(ir.INT)] * (4 - len(given)))
            day = (ir.number(MIDNIGHT.year), ir.number(1), ir.number(1))
            return assembled(call.at, type_, (*day, *clock), clock[0])
        offset = given[7] if len(given) > 7 else None
        parts = (*given[:7], *[ir.null(ir.INT)] * (7 - len(given[:7])))
        made = assembled(call.at, type_, parts, parts[0])
        if offset is None:
            return made
        hours = ir.call("mul", ir.Cast(offset, NUMBER), ir.number(60))
        return in_offset(call.at, made, ir.Cast(ir.call("truncate", hours), ir.INT), parts[3])

    return build


def assembled(at: Columns, type_: Type, parts: Sequence[Expr], there: Expr) -> Range:
    """From year to millisecond; those that are null are not known."""
    missing = [ir.is_null(part) for part in parts]
    gaps = [ir.both(above, ir.negated(below)) for above, below in pairwise(missing)]
    limits = [
        ir.either(ir.call("lt", part, ir.number(least)), ir.call("gt", part, ir.number(most)))
        for part, least, most in zip(parts, _FIRST, _MOST, strict=True)
        if not isinstance(part, ir.Literal)
    ]
    wrong = ir.either(ir.is_null(there), *gaps, *map(ir.certain, limits))
    filled = [
        part
        if isinstance(part, ir.Literal) and part.value is not None
        else ir.call("coalesce", part, ir.number(first))
        for part, first in zip(parts, _FIRST, strict=True)
    ]
    start = add_milliseconds(ir.call("make_instant", *filled[:6]), filled[6])
    low = Scalar(type_, ir.Case(((wrong, ir.null(INSTANT)),), start))
    tick = SIZES_MS["day"] if type_ == DATE else 1

    def completed(opened: tuple[Value, ...]) -> Value:
        (first,) = bounds(opened[0])[:1]
        until = [
            ir.call("add_months", first, ir.number(12)),
            ir.call("add_months", first, ir.number(1)),
            *(add_milliseconds(first, ir.number(SIZES_MS[u])) for u in ("day", "hour", "minute", "second")),
        ]
        last: Expr = first
        for absent, end in reversed(list(zip(missing[1:], until, strict=True))[: 2 if type_ == DATE else 6]):
            last = ir.when(absent, add_milliseconds(end, ir.number(-tick)), last)
        return Range(type_, first, last)

    made = bound(at, (low,), completed)
    assert isinstance(made, Range)
    return made


def in_offset(at: Columns, value: Range, minutes: Expr, hour: Expr) -> Value:
    """A DateTime whose offset is given; the evaluation's where that is null, or no hour is known."""

    def moved(opened: tuple[Value, ...]) -> Value:
        made, own = opened
        assert isinstance(made, Range)
        (offset,) = bounds(own)[:1]
        known = ir.both(ir.is_there(offset), ir.is_there(hour))
        by = ir.Case(
            ((known, ir.call("mul", ir.call("sub", ir.number(at.offset), offset), ir.number(60_000))),),
            ir.number(0),
        )
        valid = ir.either(ir.is_null(offset), ir.call("le", ir.call("abs", offset), ir.number(14 * 60)))
        low, high = (ir.Case(((valid, add_milliseconds(b, by)),)) for b in (made.low, made.high))
        return Range(DATETIME, low, high, ir.Case(((known, offset),)))

    return bound(at, (value, integer(minutes)), moved)


def _now(call: Call) -> Value:
    return literal(_instant_of(call.at), DATETIME, call.at.offset)


def _today(call: Call) -> Value:
    return literal(Date(_instant_of(call.at).parts[:3]), DATE, call.at.offset)


def _time_of_day(call: Call) -> Value:
    return literal(Time(_instant_of(call.at).parts[3:]), TIME, call.at.offset)


def _instant_of(at: Columns) -> DateTime:
    if at.now is None:
        raise NoForm("{node} has no form in SQL yet", node="Now")
    return at.now


# --- Taken apart


def _component(call: Call) -> Value | None:
    (value,) = call.operands
    unit = call.node.precision or ""
    if not isinstance(value, Range) or value.type not in MOMENTS:
        return None

    def taken(opened: tuple[Value, ...]) -> Value:
        (own,) = opened
        assert isinstance(own, Range)
        low, high = points.cut(call.at, own, unit)
        if unit == "millisecond":
            found = ir.call("full_units", ir.text(unit), ir.call("date_trunc", ir.text("second"), low), low)
        else:
            found = ir.call("component", ir.text(unit), low)
        return integer(ir.Case(((ir.call("eq", low, high), ir.Cast(found, ir.INT)),)))

    return bound(call.at, (value,), taken)


def _date_from(call: Call) -> Value | None:
    (value,) = call.operands
    if not isinstance(value, Range) or value.type != DATETIME:
        return None
    own = points.as_written(call.at, value)
    return Range(DATE, *(ir.call("date_trunc", ir.text("day"), b) for b in (own.low, own.high)))


def _time_from(call: Call) -> Value | None:
    (value,) = call.operands
    if not isinstance(value, Range) or value.type != DATETIME:
        return None

    def taken(opened: tuple[Value, ...]) -> Value:
        (own,) = opened
        assert isinstance(own, Range)
        known = ir.call("eq", *(ir.call("date_trunc", ir.text("hour"), b) for b in (own.low, own.high)))
        return Range(TIME, *(ir.Case(((known, _of_day(b)),)) for b in (own.low, own.high)))

    return bound(call.at, (value,), taken)


def _of_day(moment: Expr) -> Expr:
    since = ir.call(
        "full_units", ir.text("millisecond"), ir.call("date_trunc", ir.text("day"), moment), moment
    )
    return add_milliseconds(instant(MIDNIGHT), since)


def _offset_from(call: Call) -> Value | None:
    (value,) = call.operands
    if not isinstance(value, Range) or value.type != DATETIME:
        return None
    own = ir.number(call.at.offset)
    minutes = own if value.offset is None else ir.call("coalesce", value.offset, own)
    hours = ir.call("places_divide", ir.Cast(minutes, NUMBER), ir.Cast(ir.number(60), NUMBER))
    return Scalar(DECIMAL, ir.Case(((ir.is_there(value.low), hours),)))


OPERATORS: dict[str, Builder] = {
    "Date": _constructed(DATE),
    "DateTime": _constructed(DATETIME),
    "Time": _constructed(TIME),
    "Now": _now,
    "Today": _today,
    "TimeOfDay": _time_of_day,
    "DateTimeComponentFrom": _component,
    "DateFrom": _date_from,
    "TimeFrom": _time_from,
    "TimezoneOffsetFrom": _offset_from,
    "TimezoneFrom": _offset_from,
}
