"""Dates and times as written: compared by precision, as instants where both have a zone
(http://hl7.org/fhirpath/N1/#comparison), moved by calendar units.

A text of up to ten characters is a date and has no zone. An instant is a count of microseconds in UTC. Of two values
one of which has no zone, that one may be up to 14 hours away from UTC: only values further apart have an order.
"""

from dataclasses import dataclass
from datetime import datetime

from shangyi.query import temporal
from shangyi.query.quantity import CALENDAR_TO_UCUM, UCUM_TO_CALENDAR, Quantity
from shangyi.query.sql import ir
from shangyi.query.sql.base import Compiler, shared
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.values import Alternative
from shangyi.query.temporal import Temporal
from shangyi.query.types import DATE, TIME

_HOUR = 3_600_000_000
_EPOCH = datetime(1970, 1, 1)
_LOWEST = "0001-01-01T00:00:00"
_ANY_DAY = ir.text("2000-01-01T")


@dataclass(frozen=True, slots=True)
class Moment:
    """One side of a comparison. ``low`` and ``high``: the first and last instant that it can mean; ``exact``:
    whether they are the same.
    """

    text: Expr
    length: Expr
    zoned: Expr
    low: Expr
    high: Expr
    exact: Expr


def compare(compiler: Compiler, test: str, a: Alternative, b: Alternative) -> Expr:
    """``eq``, ``lt``, ``le``, ``gt`` or ``ge`` of two texts."""

    def outer(left: Expr) -> Expr:
        return shared(compiler, b.sql, ir.TEXT, lambda right: inner(left, right))

    def inner(left: Expr, right: Expr) -> Expr:
        order = _times(left, right) if a.kind == TIME else _order(_moment(a, left), _moment(b, right))
        if test == "eq":
            return ir.call("eq", order, ir.number(0))
        return ir.call(test, order, ir.number(0))

    return shared(compiler, a.sql, ir.TEXT, outer)


def sort_keys(a: Alternative) -> tuple[Expr, Expr]:
    """The first and the last instant that a value can mean; of a time, in microseconds of a day."""
    if a.kind == TIME:
        rest = ir.call(
            "substring", ir.text("00:00:00"), ir.call("add", ir.call("length", a.sql), ir.number(1))
        )
        low = _wall(ir.call("concat", _ANY_DAY, a.sql, rest))
        return low, ir.call("sub", ir.number(0), ir.call("length", a.sql))
    moment = _moment(a, a.sql)
    return moment.low, moment.high


def _order(a: Moment, b: Moment) -> Expr:
    with_zones = ir.both(a.zoned, b.zoned)
    without = ir.both(ir.negated(a.zoned), ir.negated(b.zoned))
    if with_zones == ir.TRUE:
        return _by_instants(a, b, ir.both(a.exact, b.exact))
    if without == ir.TRUE:
        return _by_precision(a, b)
    whens = [(with_zones, _by_instants(a, b, ir.both(a.exact, b.exact))), (without, _by_precision(a, b))]
    kept = tuple(w for w in whens if w[0] != ir.FALSE)
    mixed = _by_instants(a, b, ir.FALSE)
    return ir.Case(kept, mixed) if kept else mixed


def _by_instants(a: Moment, b: Moment, exact: Expr) -> Expr:
    whens = [
        (ir.call("lt", a.high, b.low), ir.number(-1)),
        (ir.call("gt", a.low, b.high), ir.number(1)),
        (ir.both(exact, ir.call("eq", a.low, b.low)), ir.number(0)),
    ]
    return ir.Case(tuple(w for w in whens if w[0] != ir.FALSE))


def _by_precision(a: Moment, b: Moment) -> Expr:
    size = ir.call("least", a.length, b.length)
    left, right = ir.call("left", a.text, size), ir.call("left", b.text, size)
    by_text = ir.Case(
        (
            (ir.call("lt", left, right), ir.number(-1)),
            (ir.call("gt", left, right), ir.number(1)),
            (ir.call("eq", a.length, b.length), ir.number(0)),
        )
    )
    to_seconds = ir.call("ge", size, ir.number(19))
    if any(isinstance(m.length, ir.Literal) and m.length.value in (4, 7, 10, 13, 16) for m in (a, b)):
        return by_text
    if a.zoned == b.zoned == ir.FALSE and not (_has_time(a) or _has_time(b)):
        return by_text
    return ir.Case(((to_seconds, _sign(_wall(a.text), _wall(b.text))),), by_text)


def _has_time(moment: Moment) -> bool:
    return not (isinstance(moment.exact, ir.Literal) and moment.exact == ir.FALSE)


def _sign(a: Expr, b: Expr) -> Expr:
    return ir.Case(
        (
            (ir.call("lt", a, b), ir.number(-1)),
            (ir.call("gt", a, b), ir.number(1)),
            (ir.call("eq", a, b), ir.number(0)),
        )
    )


def _times(a: Expr, b: Expr) -> Expr:
    lengths = ir.call("length", a), ir.call("length", b)
    size = ir.call("least", *lengths)
    left, right = ir.call("left", a, size), ir.call("left", b, size)
    instants = _sign(_wall(ir.call("concat", _ANY_DAY, a)), _wall(ir.call("concat", _ANY_DAY, b)))
    return ir.Case(
        (
            (ir.call("ge", size, ir.number(8)), instants),
            (ir.call("lt", left, right), ir.number(-1)),
            (ir.call("gt", left, right), ir.number(1)),
            (ir.call("eq", *lengths), ir.number(0)),
        )
    )


def _moment(a: Alternative, sql: Expr) -> Moment:
    if isinstance(a.constant, Temporal):
        return _constant(a.constant)
    length = ir.call("length", sql)
    if a.kind == DATE:
        return Moment(sql, length, ir.FALSE, low_of(sql), high_of(sql), ir.FALSE)
    zone = ir.call("matches", ir.call("substring", sql, ir.number(12)), ir.text("[Z+-]"), ir.text("s"))
    zoned = ir.TRUE if a.slot.type.name == "instant" else ir.both(ir.call("gt", length, ir.number(10)), zone)
    instant = ir.call("epoch", sql)
    if zoned == ir.TRUE:
        return Moment(sql, length, zoned, instant, instant, ir.TRUE)
    low = ir.when(zoned, instant, low_of(sql))
    high = ir.when(zoned, instant, high_of(sql))
    return Moment(sql, length, zoned, low, high, zoned)


def _constant(value: Temporal) -> Moment:
    low, high = (ir.Literal(_micros(x)) for x in temporal.bounds(value))
    exact = len(value.parts) >= 6 and value.offset is not None
    written = str(value)
    plain = written if value.offset is None else written[:19]
    return Moment(
        ir.text(plain),
        ir.number(len(plain)),
        ir.Literal(value.offset is not None),
        low,
        high,
        ir.Literal(exact),
    )


def _micros(moment: datetime) -> int:
    delta = moment.replace(tzinfo=None) - _EPOCH
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


def _wall(sql: Expr) -> Expr:
    return ir.call("epoch_wall", sql)


def low_of(sql: Expr) -> Expr:
    """The first instant of a text without a zone, in the zone where a day begins first."""
    rest = ir.call("substring", ir.text(_LOWEST), ir.call("add", ir.call("length", sql), ir.number(1)))
    return ir.call("sub", _wall(ir.call("concat", sql, rest)), ir.Literal(14 * _HOUR))


def high_of(sql: Expr) -> Expr:
    """The last instant of a text without a zone, in the zone where a day ends last."""
    return ir.call("add", _wall(last_moment(sql)), ir.Literal(12 * _HOUR))


def last_moment(sql: Expr) -> Expr:
    """A text of limited precision, filled up to its last millisecond."""
    ends = {4: "-12-31T23:59:59.999", 10: "T23:59:59.999", 13: ":59:59.999", 16: ":59.999"}
    length = ir.call("length", sql)
    whens = [
        (ir.call("eq", length, ir.number(n)), ir.call("concat", sql, ir.text(end))) for n, end in ends.items()
    ]
    month = ir.call("concat", ir.call("month_end", sql), ir.text("T23:59:59.999"))
    whens.append((ir.call("eq", length, ir.number(7)), month))
    return ir.Case(tuple(whens), sql)


def moved(compiler: Compiler, a: Alternative, by: Quantity) -> Expr:
    """A date or time of the data moved by a whole number of calendar units; NULL outside the years 1 to 9999."""
    unit = by.unit if by.calendar else UCUM_TO_CALENDAR.get(by.unit)
    unit = by.unit if unit is None and by.unit in CALENDAR_TO_UCUM else unit
    if unit is None or a.kind == TIME:
        raise CompilationError(
            "{unit} cannot be added to a {kind} in SQL", unit=by.unit, kind=str(a.slot.type)
        )
    amount = int(by.value)
    if (unit in ("second", "millisecond") and by.value != amount) or unit == "millisecond":
        raise CompilationError("Only whole seconds can be added to a date or time in SQL")
    return shared(compiler, a.sql, ir.TEXT, lambda sql: _moved(sql, amount, unit))


_SECONDS = {"week": 7 * 86400, "day": 86400, "hour": 3600, "minute": 60, "second": 1}


def _moved(sql: Expr, amount: int, unit: str) -> Expr:
    """By precision: a year takes whole years of it, a month whole months (as ``temporal.add`` does)."""
    length = ir.call("length", sql)
    whens: list[tuple[Expr, Expr]] = []
    for size in (4, 7, 10):
        filled = ir.call("concat", sql, ir.text(_LOWEST[size:10]))
        text = ir.call("left", ir.call("date_text", _shift(filled, amount, unit, size)), ir.number(size))
        whens.append((ir.call("eq", length, ir.number(size)), text))
    wall = ir.call("left", sql, ir.number(19))
    rest = ir.call("substring", sql, ir.number(20))
    stamp = ir.call("concat", ir.call("stamp_text", _shift(wall, amount, unit, 19)), rest)
    whens.append((ir.call("ge", length, ir.number(19)), stamp))
    return ir.Case(tuple(whens))


def _shift(filled: Expr, amount: int, unit: str, size: int) -> Expr:
    if unit in ("year", "month"):
        months = amount * 12 if unit == "year" else amount
        if size == 4:
            months = int(months / 12) * 12
        return ir.call("add_months", filled, ir.number(months))
    seconds = amount * _SECONDS[unit]
    days = int(seconds / 86400)
    if size == 4:
        return ir.call("add_months", filled, ir.number(int(days / 365) * 12))
    if size == 7:
        return ir.call("add_months", filled, ir.number(int(days / 30)))
    return ir.call("add_seconds", filled, ir.Literal(days * 86400 if size == 10 else seconds))
