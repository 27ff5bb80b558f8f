"""Intervals of dates and times, and moving these by calendar units, until ``query.cql.sql`` has them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from shangyi.query.cql.operators.boundaries import MAXIMUM, MINIMUM
from shangyi.query.cql.sql import values
from shangyi.query.cql.sql.builder import Call
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.constants import ends, instant
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.points import Bounds, within_bounds
from shangyi.query.cql.sql.values import Range, Scalar, Value
from shangyi.query.cql.types import BOOLEAN, DATE, DATETIME, INTEGER, QUANTITY, IntervalOf, Type
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr
from shangyi.query.types import ItemType


def _same(sql: Expr) -> Expr:
    return sql


@dataclass(frozen=True, slots=True)
class At(Columns):
    """With ``bind``, which makes a column of what is used several times."""

    bind: Callable[[Expr], Expr] = field(default=_same, repr=False, compare=False)


End = tuple[Expr, Expr, Expr, Expr]
"""The least and the greatest that an end can be, whether it is not known at all, and minutes from the evaluation's
offset to the one it is written in."""
_COARSE = frozenset({"year", "month", "week", "day"})
_DAY_MS = 86_399_999


def _limits(table: dict[str, object], type_: Type) -> Expr:
    assert isinstance(type_, ItemType)
    value = table[type_.name]
    if type_ == INTEGER:
        return ir.number(int(value))  # type: ignore[call-overload]
    return instant(ends(value, 0)[0])  # type: ignore[arg-type]


def _both(value: Value) -> Bounds:
    if isinstance(value, Range):
        return value.low, value.high
    assert isinstance(value, Scalar)
    return value.sql, value.sql


def moved(value: Expr, unit: str, amount: Expr) -> Expr:
    """An instant later by units."""
    if unit in ("year", "month"):
        return ir.call(
            "add_months", value, ir.call("mul", amount, ir.number(12)) if unit == "year" else amount
        )
    seconds = {"week": 604800, "day": 86400, "hour": 3600, "minute": 60, "second": 1}.get(unit)
    if seconds is None:
        return ir.call("add_milliseconds", value, amount)
    return ir.call("add_seconds", value, ir.call("mul", amount, ir.number(seconds)))


def _stepped(type_: Type, low: Expr, high: Expr, sign: int) -> Bounds:
    """The next value (1) or the one before (-1), of the same precision, which shows in how wide it is."""
    if type_ == INTEGER:
        return tuple(ir.call("add", x, ir.number(sign)) for x in (low, high))  # type: ignore[return-value]
    if type_ == DATE:
        raise NoForm("{node} has no form in SQL yet", node="Interval<System.Date>")
    beside = ir.call("add_milliseconds", high if sign > 0 else low, ir.number(sign))
    units = ("second", "minute", "hour", "day", "month", "year")

    def far(unit: str) -> Expr:
        return moved(low if sign < 0 else beside, unit, ir.number(sign))

    widths = [
        (ir.call("lt", high, moved(low, unit, ir.number(1))), far(unit) if sign < 0 else _before(far(unit)))
        for unit in units
    ]
    other = ir.Case(((ir.call("eq", low, high), beside), *widths))
    return (other, beside) if sign < 0 else (beside, other)


def _before(value: Expr) -> Expr:
    return ir.call("add_milliseconds", value, ir.number(-1))


def _away(value: Value, offset: int) -> Expr:
    if not isinstance(value, Range) or value.offset is None:
        return ir.number(0)
    minutes = value.offset if not offset else ir.call("sub", value.offset, ir.number(offset))
    return ir.call("coalesce", minutes, ir.number(0))


def _end(value: Value, side: str, offset: int = 0) -> End:
    """The start (``low``) or end of an interval; a point is its own."""
    if not isinstance(value, values.Interval):
        return (*_both(value), ir.FALSE, _away(value, offset))
    point = value.type.point
    if point not in (DATE, DATETIME, INTEGER):
        raise NoForm("{node} has no form in SQL yet", node=str(value.type))
    closed = value.low_closed if side == "low" else value.high_closed
    low, high = _both(value.low if side == "low" else value.high)
    known = ir.is_there(low)
    limit = _limits(MINIMUM if side == "low" else MAXIMUM, point)
    if known == ir.FALSE or ir.is_nothing(low) or closed == ir.TRUE:
        stepped = low, high
    else:
        stepped = _stepped(point, low, high, 1 if side == "low" else -1)
    own = [ir.when(closed, x, y) for x, y in zip((low, high), stepped, strict=True)]
    other = _both(value.high if side == "low" else value.low)
    far = MAXIMUM if side == "low" else MINIMUM
    open_ = other[1] if side == "low" else other[0]
    reach = ir.call("coalesce", open_, _limits(far, point))
    there = ir.is_there(value.low_closed)
    least = ir.Case(((known, own[0]), (there, limit if side == "low" else ir.when(closed, limit, reach))))
    greatest = ir.Case(((known, own[1]), (there, limit if side == "high" else ir.when(closed, limit, reach))))
    unknown = ir.both(ir.negated(known), ir.negated(ir.certain(closed)), there)
    return least, greatest, unknown, _away(value.low if side == "low" else value.high, offset)


def compare(test: str, left: End, right: End, precision: str | None) -> Expr:
    """``lt``, ``le``, ``eq`` of two ends."""
    (a0, a1), (b0, b1) = (_cut(side, precision) for side in (left, right))
    plain = within_bounds(test, (a0, a1), (b0, b1), precision)
    open_ = ir.either(left[2], right[2])
    if open_ == ir.FALSE:
        return plain
    whens = {
        "lt": ((ir.call("lt", a1, b0), ir.TRUE), (ir.call("ge", a0, b1), ir.FALSE)),
        "le": ((ir.call("le", a1, b0), ir.TRUE), (ir.call("gt", a0, b1), ir.FALSE)),
        "eq": ((ir.either(ir.call("lt", a1, b0), ir.call("lt", b1, a0)), ir.FALSE),),
    }[test]
    return ir.when(open_, ir.Case(whens, ir.UNKNOWN), plain)


def _cut(side: End, precision: str | None) -> Bounds:
    """To a day or more as it is written; else as the evaluation's clocks show it."""
    low, high, _, away = side
    if precision in (None, "millisecond"):
        return low, high
    if precision in _COARSE and away != ir.number(0):
        seconds = ir.call("mul", away, ir.number(60))
        low, high = (ir.call("add_seconds", x, seconds) for x in (low, high))
    unit = ir.text(str(precision))
    return ir.call("date_trunc", unit, low), ir.call("date_trunc", unit, high)


def _truth(sql: Expr) -> Scalar:
    return Scalar(BOOLEAN, sql)


def _is_interval(value: Value) -> bool:
    return isinstance(value, values.Interval) and value.type.point in (DATE, DATETIME, INTEGER)


def _is_written(value: Value) -> bool:
    """Whether it may be in another offset than the evaluation's."""
    return isinstance(value, Range) and value.type == DATETIME and value.offset is not None


Form = Callable[[Call], Value | None]


@dataclass(frozen=True)
class Ends:
    """An operand: its ends as columns, and whether it is null."""

    value: Value
    start: End
    end: End


def _ends(value: Value, at: Columns) -> Ends:
    bind = at.bind if isinstance(at, At) else _same
    first, last = (tuple(map(bind, _end(value, side, at.offset))) for side in ("low", "high"))
    return Ends(value, first, last)  # type: ignore[arg-type]


Write = Callable[[Ends, Ends, str | None], Expr]


def _relation(write: Write) -> Form:
    def build(call: Call) -> Value | None:
        coarse = call.node.precision in _COARSE
        if not any(_is_interval(o) or (coarse and _is_written(o)) for o in call.operands):
            return None
        left, right = (_ends(value, call.at) for value in call.operands)
        return _truth(write(left, right, call.node.precision))

    return build


def _contains(interval: Ends, point: Ends, precision: str | None) -> Expr:
    if not isinstance(interval.value, values.Interval):
        raise NoForm("{node} has no form in SQL yet", node="Contains")
    first = compare("le", interval.start, point.start, precision)
    last = compare("le", point.start, interval.end, precision)
    return ir.when(ir.is_null(interval.value.low_closed), ir.FALSE, ir.both(first, last))


def _includes(left: Ends, right: Ends, precision: str | None) -> Expr:
    if not isinstance(right.value, values.Interval):
        return _contains(left, right, precision)
    return ir.both(
        compare("le", left.start, right.start, precision), compare("le", right.end, left.end, precision)
    )


def _overlaps(left: Ends, right: Ends, precision: str | None) -> Expr:
    return ir.both(
        compare("le", left.start, right.end, precision), compare("le", right.start, left.end, precision)
    )


def _flipped(write: Write) -> Write:
    return lambda left, right, precision: write(right, left, precision)


def _point(side: str) -> Form:
    def build(call: Call) -> Value | None:
        (value,) = call.operands
        if isinstance(value, values.Interval) and value.type.point == QUANTITY:
            return _measure(value, side)
        if not isinstance(value, values.Interval) or value.type.point not in (DATE, DATETIME, INTEGER):
            return None
        low, high, unknown, _ = _end(value, side)
        point = value.type.point
        known = [x if unknown == ir.FALSE else ir.when(unknown, ir.null(), x) for x in (low, high)]
        if unknown != ir.FALSE:
            known = [ir.Case(((ir.negated(unknown), x),)) for x in (low, high)]
        if point == INTEGER:
            return Scalar(INTEGER, known[0])
        own = value.low if side == "low" else value.high
        return Range(point, known[0], known[1], own.offset if isinstance(own, Range) else None)

    return build


def _measure(value: values.Interval, side: str) -> Value:
    """The end of an interval of quantities that is closed and known; another is refused by a null."""
    own, closed = (value.low, value.low_closed) if side == "low" else (value.high, value.high_closed)
    assert isinstance(own, values.Quantity)
    held = ir.both(ir.is_there(value.low_closed), closed)
    return values.Quantity(ir.Case(((held, own.value),)), own.unit)


def _moved_by(sign: int) -> Form:
    """A date or time and a quantity of calendar units, which are dropped below its precision."""

    def build(call: Call) -> Value | None:
        value, by = call.operands
        if (
            not isinstance(value, Range)
            or not isinstance(by, values.Quantity)
            or value.type not in (DATE, DATETIME)
        ):
            return None
        whole = ir.Cast(ir.call("truncate", by.value), ir.LONG)
        amount = whole if sign > 0 else ir.call("negative", whole)
        words = (
            "year",
            "month",
            "week",
            "day",
            *(("hour", "minute", "second", "millisecond") if value.type == DATETIME else ()),
        )
        if isinstance(by.unit, ir.Literal):
            unit = str(by.unit.value).removesuffix("s")
            if unit not in words:
                return None
            low, high = (moved(x, unit, amount) for x in (value.low, value.high))
        else:
            low, high = (
                ir.Case(
                    tuple(
                        (ir.call("in", by.unit, ir.text(w), ir.text(f"{w}s")), moved(x, w, amount))
                        for w in words
                    )
                )
                for x in (value.low, value.high)
            )
        return Range(value.type, low, high, value.offset)

    return build


def _date_from(call: Call) -> Value | None:
    (value,) = call.operands
    if not isinstance(value, Range) or value.type != DATETIME:
        return None
    low, high = value.low, value.high
    if value.offset is not None:
        seconds = ir.call("mul", ir.call("sub", value.offset, ir.number(call.at.offset)), ir.number(60))
        shift = ir.call("coalesce", seconds, ir.number(0))
        low, high = (ir.call("add_seconds", x, shift) for x in (low, high))
    day = ir.text("day")
    return Range(DATE, ir.call("date_trunc", day, low), ir.call("date_trunc", day, high))


def _to_datetime(call: Call) -> Value | None:
    (value,) = call.operands
    if not isinstance(value, Range) or value.type != DATE:
        return None
    return Range(DATETIME, value.low, ir.call("add_milliseconds", value.high, ir.number(_DAY_MS)))


def _equivalent_text(call: Call) -> Value | None:
    left, right = call.operands
    if not all(isinstance(o, Scalar) and str(o.type) == "System.String" for o in call.operands):
        return None
    assert isinstance(left, Scalar)
    assert isinstance(right, Scalar)
    same = ir.call("eq", *(ir.call("fold_spaces", x.sql) for x in (left, right)))
    neither = ir.both(ir.is_null(left.sql), ir.is_null(right.sql))
    return _truth(ir.either(neither, ir.certain(same)))


OPERATORS: dict[str, Form] = {
    "Start": _point("low"),
    "End": _point("high"),
    "In": _relation(_flipped(_contains)),
    "Contains": _relation(_contains),
    "Includes": _relation(_includes),
    "IncludedIn": _relation(_flipped(_includes)),
    "Overlaps": _relation(_overlaps),
    "Before": _relation(lambda a, b, p: compare("lt", a.end, b.start, p)),
    "After": _relation(lambda a, b, p: compare("lt", b.end, a.start, p)),
    "SameOrBefore": _relation(lambda a, b, p: compare("le", a.end, b.start, p)),
    "SameOrAfter": _relation(lambda a, b, p: compare("le", b.end, a.start, p)),
    "SameAs": _relation(
        lambda a, b, p: ir.both(compare("eq", a.start, b.start, p), compare("eq", a.end, b.end, p))
    ),
    "Starts": _relation(
        lambda a, b, p: ir.both(compare("eq", a.start, b.start, p), compare("le", a.end, b.end, p))
    ),
    "Ends": _relation(
        lambda a, b, p: ir.both(compare("le", b.start, a.start, p), compare("eq", a.end, b.end, p))
    ),
    "Add": _moved_by(1),
    "Subtract": _moved_by(-1),
    "DateFrom": _date_from,
    "ToDateTime": _to_datetime,
    "Equivalent": _equivalent_text,
}


def interval(type_: IntervalOf, low: Value, high: Value, low_closed: Expr, high_closed: Expr) -> Value:
    """``Interval[low, high)``; one that would end before it starts, which is a fault at the bedside, is null."""
    made = values.Interval(type_, low, high, low_closed, high_closed)
    if type_.point not in (DATE, DATETIME, INTEGER):
        return made
    first, last = _end(made, "low"), _end(made, "high")
    wrong = ir.both(ir.is_there(_both(low)[0]), ir.is_there(_both(high)[0]), compare("lt", last, first, None))
    if wrong == ir.FALSE:
        return made
    right = ir.negated(ir.certain(wrong))
    unknown = ir.null(ir.BOOL)
    return values.Interval(
        type_, low, high, ir.when(right, low_closed, unknown), ir.when(right, high_closed, unknown)
    )
