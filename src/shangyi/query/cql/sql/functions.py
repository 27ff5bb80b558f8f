"""Rounding, powers and logarithms, limits and steps of types, precision and its boundaries, messages
(https://cql.hl7.org/09-b-cqlreference.html#arithmetic-operators-4).

Powers of decimals, exponentials and logarithms are those of DOUBLE: 15 digits.
"""

from shangyi.query.cql.sql import ends, quantity
from shangyi.query.cql.sql.builder import Builder, Call, integer, one
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.points import as_written
from shangyi.query.cql.sql.shapes import bound, choose, null
from shangyi.query.cql.sql.steps import add_milliseconds, limit, step
from shangyi.query.cql.sql.values import MOMENTS, NUMBER, Interval, Quantity, Range, Scalar, Value, bounds
from shangyi.query.cql.types import ANY, DATE, DATETIME, DECIMAL, INTEGER, LONG, TIME, Type
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr, SqlType

_ZERO, _ONE = ir.number(0), ir.number(1)
_WIDE = SqlType("DECIMAL(38,0)")
_WIDEST_POWER = 64
_DAY_MS = 86_400_000


def _number(sql: Expr) -> Scalar:
    return Scalar(DECIMAL, ir.Cast(ir.call("try", sql), NUMBER, safe=True))


def _double(sql: Expr) -> Expr:
    return ir.Cast(sql, ir.DOUBLE)


def _round(call: Call) -> Value | None:
    value, *places = call.operands
    if value.type != DECIMAL or not isinstance(value, Scalar):
        return null(DECIMAL) if value.type == ANY else None
    if not places:
        return _number(ir.call("round", value.sql, _ZERO))
    wanted = ir.call("coalesce", one(places[0]), _ZERO)

    def rounded(opened: tuple[Value, ...]) -> Value:
        number, count = (bounds(v)[0] for v in opened)
        whens = [
            (
                ir.call("le", count, ir.number(n)),
                ir.Cast(ir.call("round", number, ir.number(n)), NUMBER, safe=True),
            )
            for n in range(-20, 8)
        ]
        below = (ir.call("lt", count, ir.number(-20)), ir.Cast(_ZERO, NUMBER))
        return Scalar(DECIMAL, ir.Case(((ir.is_null(number), ir.null(NUMBER)), below, *whens), number))

    return bound(call.at, (value, integer(wanted)), rounded)


def _exponential(call: Call) -> Value | None:
    (value,) = call.operands
    return (
        _number(ir.call("exp", _double(value.sql)))
        if isinstance(value, Scalar) and value.type == DECIMAL
        else None
    )


def _positive(sql: Expr) -> Expr:
    return _double(ir.Case(((ir.call("gt", sql, _ZERO), sql),)))


def _logarithm(call: Call) -> Value | None:
    if set(call.types) != {DECIMAL}:
        return None
    value, *base = (ir.call("ln", _positive(column)) for column in call.columns)
    if not base:
        return _number(value)
    return _number(ir.call("div", value, ir.call("nullif", base[0], _double(_ZERO))))


def _power(call: Call) -> Value | None:
    """Of whole numbers whole; null where the exponent is negative, which leaves no whole number."""
    (kind, *others), (base, exponent) = call.types, call.columns
    if any(other != kind for other in others):
        return None
    if kind == DECIMAL:
        return _number(ir.call("power", _double(base), _double(exponent)))
    if kind not in (INTEGER, LONG):
        return None
    so_far, each = call.at.fresh(), call.at.fresh()
    factors = ir.call("list_range", _ZERO, ir.Cast(exponent, ir.LONG))
    body = ir.Cast(ir.call("mul", so_far, ir.Cast(base, SqlType("DECIMAL(19,0)"))), _WIDE)
    product = ir.call("list_fold", factors, ir.Cast(_ONE, _WIDE), ir.Lambda((so_far, each), body))
    small = ir.call("le", ir.call("abs", ir.Cast(base, _WIDE)), _ONE)
    even = ir.call("eq", ir.call("mod", exponent, ir.number(2)), _ZERO)
    sign = ir.Case(((even, ir.call("abs", ir.Cast(base, _WIDE))),), ir.Cast(base, _WIDE))
    whens = (
        (ir.call("lt", exponent, _ZERO), ir.null(_WIDE)),
        (ir.call("eq", exponent, _ZERO), ir.Cast(_ONE, _WIDE)),
        (small, sign),
        (ir.call("gt", exponent, ir.number(_WIDEST_POWER)), ir.null(_WIDE)),
    )
    known = ir.both(ir.is_there(base), ir.is_there(exponent))
    found = ir.Case(((known, ir.Case(whens, ir.call("try", product))),))
    return Scalar(kind, ir.Cast(found, ir.INT if kind == INTEGER else ir.LONG, safe=True))


def _limit(side: int) -> Builder:
    return lambda call: limit(call.node.type, side)


def _step(sign: int) -> Builder:
    def build(call: Call) -> Value | None:
        return bound(call.at, call.operands, lambda opened: step(opened[0], sign) or null(ANY))

    return lambda call: None if step(call.operands[0], sign) is None else build(call)


def _width(plus_one: bool) -> Builder:
    """``width of``, ``Size``; of dates, which have none (a fault at the bedside), null."""

    def build(call: Call) -> Value | None:
        (value,) = call.operands
        if not isinstance(value, Interval):
            return None
        if value.type.point in (*MOMENTS, ANY):
            return null(call.node.type)

        def found(opened: tuple[Value, ...]) -> Value:
            first, last = ends.start_of(call.at, opened[0]), ends.end_of(call.at, opened[0])
            assert first is not None
            assert last is not None
            return _difference(call.at, first, last, plus_one)

        return None if ends.start(call.at, value) is None else bound(call.at, (value,), found)

    return build


_SIZES: dict[Type, tuple[SqlType, SqlType, str]] = {
    INTEGER: (ir.LONG, ir.INT, "1"),
    LONG: (SqlType("DECIMAL(20,0)"), ir.LONG, "1"),
    DECIMAL: (SqlType("DECIMAL(30,8)"), NUMBER, "0.00000001"),
}


def _difference(at: Columns, first: Value, last: Value, plus_one: bool) -> Value:
    if isinstance(first, Quantity) and isinstance(last, Quantity):
        width = quantity.calculated(at, "Subtract", last, first)
        assert isinstance(width, Quantity)
        one = ir.Cast(ir.text("0.00000001" if plus_one else "0"), NUMBER)
        return Quantity(ir.Cast(ir.call("add", width.value, one), NUMBER, safe=True), width.unit)
    wide, own, size = _SIZES[first.type]
    a, b = (ir.Cast(bounds(v)[0], wide) for v in (first, last))
    found = ir.Cast(ir.call("sub", b, a), own, safe=True)
    if plus_one:
        found = ir.Cast(ir.call("add", ir.Cast(found, wide), ir.Cast(ir.text(size), wide)), own, safe=True)
    return Scalar(first.type, found)


# --- Precision of dates


_LENGTHS: dict[Type, tuple[tuple[int, int], ...]] = {
    DATE: ((_DAY_MS, 8), (40 * _DAY_MS, 6)),
    DATETIME: ((1, 17), (1000, 14), (60_000, 12), (3_600_000, 10), (_DAY_MS, 8), (40 * _DAY_MS, 6)),
    TIME: ((1, 9), (1000, 6), (60_000, 4), (3_600_000, 2)),
}
_UNITS: dict[Type, tuple[tuple[int, str], ...]] = {
    DATE: ((4, "year"), (6, "month"), (8, "day")),
    DATETIME: (
        (4, "year"),
        (6, "month"),
        (8, "day"),
        (10, "hour"),
        (12, "minute"),
        (14, "second"),
        (17, "millisecond"),
    ),
    TIME: ((2, "hour"), (4, "minute"), (6, "second"), (9, "millisecond")),
}


def _precision(call: Call) -> Value | None:
    """The digits of a date or time; a Decimal's are not kept in a column."""
    (value,) = call.operands
    if not isinstance(value, Range) or value.type not in MOMENTS:
        return None
    length = ir.call("full_units", ir.text("millisecond"), value.low, value.high)
    whens = [(ir.call("lt", length, ir.number(ms)), ir.number(n)) for ms, n in _LENGTHS[value.type]]
    return integer(ir.Case(((ir.is_null(value.low), ir.null(ir.INT)), *whens), ir.number(4)))


def _boundary(side: int) -> Builder:
    """``LowBoundary``, ``HighBoundary`` of a date or time; null of so many digits as the type has not."""

    def build(call: Call) -> Value | None:
        value, *wanted = call.operands
        if not isinstance(value, Range) or value.type not in MOMENTS:
            return None
        kinds = _UNITS[value.type]
        most = ir.number(kinds[-1][0])
        digits = ir.call("coalesce", one(wanted[0]), most) if wanted else most

        def cut(opened: tuple[Value, ...]) -> Value:
            own, count = opened
            assert isinstance(own, Range)
            end = own.low if side == 0 else own.high
            found: Value = null(value.type)
            for number, unit in kinds:
                low = end if unit == "millisecond" else ir.call("date_trunc", ir.text(unit), end)
                whole = Range(value.type, low, _last_of(low, unit, value.type), own.offset)
                found = choose(call.at, ir.call("eq", bounds(count)[0], ir.number(number)), whole, found)
            return found

        written = as_written(call.at, value)
        return bound(call.at, (written, integer(digits)), cut)

    return build


def _last_of(low: Expr, unit: str, type_: Type) -> Expr:
    tick = _DAY_MS if type_ == DATE else 1
    if unit in ("year", "month"):
        after = ir.call("add_months", low, ir.number(12 if unit == "year" else 1))
        return add_milliseconds(after, ir.number(-tick))
    sizes = {"day": _DAY_MS, "hour": 3_600_000, "minute": 60_000, "second": 1000, "millisecond": 1}
    return add_milliseconds(low, ir.number(sizes[unit] - tick))


def _message(call: Call) -> Value | None:
    """The source; null after an error, which is a fault at the bedside. What is said is not kept."""
    source, *rest = call.operands
    if len(rest) < 3:
        return source
    condition, _, severity = rest[:3]
    stopped = ir.both(ir.certain(one(condition)), ir.certain(ir.call("eq", one(severity), ir.text("Error"))))
    return choose(call.at, stopped, null(source.type), source)


OPERATORS: dict[str, Builder] = {
    "Round": _round,
    "Exp": _exponential,
    "Ln": _logarithm,
    "Log": _logarithm,
    "Power": _power,
    "MinValue": _limit(0),
    "MaxValue": _limit(1),
    "Successor": _step(1),
    "Predecessor": _step(-1),
    "Width": _width(plus_one=False),
    "Size": _width(plus_one=True),
    "Precision": _precision,
    "LowBoundary": _boundary(0),
    "HighBoundary": _boundary(1),
    "Message": _message,
}
