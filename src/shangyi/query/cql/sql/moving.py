"""Dates and times moved by a quantity of time (https://cql.hl7.org/09-b-cqlreference.html#add-1): a day that the month
does not have becomes its last; what is finer than the date's precision is brought to it, and its fraction dropped.

What a date cannot be moved by, and what lies outside of the years 1 to 9999, a fault at the bedside, is null.
"""

from shangyi.query.cql.sql import points
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.constants import MIDNIGHT, instant
from shangyi.query.cql.sql.moments import SIZES_MS
from shangyi.query.cql.sql.shapes import bound
from shangyi.query.cql.sql.steps import LIMITS, add_milliseconds
from shangyi.query.cql.sql.values import Quantity, Range, Scalar, Value, bounds
from shangyi.query.cql.types import DATE, DECIMAL, LONG, STRING, TIME
from shangyi.query.quantity import CALENDAR_TO_UCUM, UCUM_TO_CALENDAR
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr

_WORDS = {**UCUM_TO_CALENDAR, **{word: word for word in CALENDAR_TO_UCUM}}
_DAY = ir.number(SIZES_MS["day"])
_MONTH = ir.number(40 * SIZES_MS["day"])
"""More than the length of any month, less than that of any year."""
_ZERO = ir.number(0)


def move(at: Columns, value: Range, by: Quantity, sign: int) -> Value:
    """Later (1) or earlier (-1)."""
    word = ir.Case(tuple((ir.call("eq", by.unit, ir.text(unit)), ir.text(w)) for unit, w in _WORDS.items()))
    number = by.value if sign > 0 else ir.call("negative", by.value)

    def counted(opened: tuple[Value, ...]) -> Value:
        own, unit, amount = opened
        assert isinstance(own, Range)
        length = ir.call("full_units", ir.text("millisecond"), own.low, own.high)
        counts = (length, _milliseconds(_one(unit), _one(amount)), _months(_one(unit), _one(amount)))
        numbers = [Scalar(LONG, ir.Cast(ir.call("try", c), ir.LONG, safe=True)) for c in counts]
        return bound(at, [own, *numbers], lambda known: _moved(at, value, known))

    return bound(at, (points.as_written(at, value), Scalar(STRING, word), Scalar(DECIMAL, number)), counted)


def _one(value: Value) -> Expr:
    return bounds(value)[0]


def _milliseconds(unit: Expr, amount: Expr) -> Expr:
    """Weeks and shorter; only of seconds the fraction counts."""
    whole = ir.call("truncate", amount)
    weeks = ir.call("truncate", ir.call("mul", amount, ir.number(7)))
    counts = {
        "week": ir.call("mul", weeks, _DAY),
        **{name: ir.call("mul", whole, ir.number(SIZES_MS[name])) for name in ("day", "hour", "minute")},
        "second": ir.call("truncate", ir.call("mul", amount, ir.number(1000))),
        "millisecond": whole,
    }
    return ir.Case(tuple((ir.call("eq", unit, ir.text(name)), sql) for name, sql in counts.items()))


def _months(unit: Expr, amount: Expr) -> Expr:
    whole = ir.call("truncate", amount)
    years = ir.call("mul", whole, ir.number(12))
    return ir.Case(
        ((ir.call("eq", unit, ir.text("year")), years), (ir.call("eq", unit, ir.text("month")), whole))
    )


def _moved(at: Columns, value: Range, known: tuple[Value, ...]) -> Value:
    own, *counts = known
    assert isinstance(own, Range)
    length, milliseconds, months = map(_one, counts)
    if value.type == TIME:
        return _around_the_clock(at, own, length, milliseconds)
    size = ir.call("add", length, _DAY if value.type == DATE else ir.number(1))
    exact, by_month = ir.call("le", size, _DAY), ir.call("lt", size, _MONTH)
    days = ir.call("quotient", milliseconds, _DAY)
    in_months = ir.call("coalesce", months, ir.call("quotient", days, ir.number(30)))
    years = ir.call(
        "coalesce", ir.call("quotient", months, ir.number(12)), ir.call("quotient", days, ir.number(365))
    )
    count = ir.Case(((exact, months), (by_month, in_months)), ir.call("mul", years, ir.number(12)))
    finer = _finer(size, milliseconds)
    kept = ir.call("mul", ir.call("quotient", milliseconds, size), size)
    shift = ir.Case(((ir.both(exact, ir.is_null(months)), ir.Case(((finer, milliseconds),), kept)),))
    low = ir.Case(
        ((ir.is_there(shift), add_milliseconds(own.low, shift)),), ir.call("add_months", own.low, count)
    )
    width = ir.Case(((finer, _ZERO),), length)
    ready = (Range(own.type, ir.call("try", low), own.high), Scalar(LONG, width), *counts[:1])
    return bound(at, ready, lambda made: _completed(at, value, made))


def _finer(size: Expr, milliseconds: Expr) -> Expr:
    """Whether a date to the second is moved by a part of a second, and so becomes one to the millisecond."""
    left = ir.call("mod", milliseconds, ir.number(1000))
    return ir.certain(ir.both(ir.call("eq", size, ir.number(1000)), ir.call("ne", left, _ZERO)))


def _completed(at: Columns, value: Range, made: tuple[Value, ...]) -> Value:
    """The last instant, as far from the first as its precision has it."""
    own, width, length = made
    assert isinstance(own, Range)
    tick = ir.number(-SIZES_MS["day"] if value.type == DATE else -1)

    def until(months: int) -> Expr:
        return add_milliseconds(ir.call("add_months", own.low, ir.number(months)), tick)

    short = ir.call("lt", _one(length), _DAY)
    by_month = ir.call("lt", _one(length), _MONTH)
    high = ir.Case(((short, add_milliseconds(own.low, _one(width))), (by_month, until(1))), until(12))
    first, last = map(instant, LIMITS[value.type])
    inside = ir.both(ir.call("ge", own.low, first), ir.call("le", own.low, last))
    low, high = (ir.Case(((inside, bound_),)) for bound_ in (own.low, high))
    moved = Range(value.type, low, high)
    return moved if value.offset is None else _from_own_offset(at, moved, value.offset)


def _from_own_offset(at: Columns, value: Range, offset: Expr) -> Range:
    minutes = ir.call("coalesce", ir.call("sub", ir.number(at.offset), offset), _ZERO)
    by = ir.call("mul", minutes, ir.number(60_000))
    return Range(value.type, add_milliseconds(value.low, by), add_milliseconds(value.high, by), offset)


def _around_the_clock(at: Columns, own: Range, length: Expr, milliseconds: Expr) -> Value:
    size = ir.call("add", length, ir.number(1))
    finer = _finer(size, milliseconds)
    kept = ir.Case(((finer, milliseconds),), ir.call("mul", ir.call("quotient", milliseconds, size), size))
    midnight = instant(MIDNIGHT)
    since = ir.call("add", ir.call("full_units", ir.text("millisecond"), midnight, own.low), kept)
    turned = ir.call("mod", ir.call("add", ir.call("mod", since, _DAY), _DAY), _DAY)
    low = Scalar(TIME, add_milliseconds(midnight, turned))
    width = Scalar(LONG, ir.Case(((finer, _ZERO),), length))

    def completed(made: tuple[Value, ...]) -> Value:
        return Range(TIME, _one(made[0]), add_milliseconds(_one(made[0]), _one(made[1])))

    return bound(at, (low, width), completed)
