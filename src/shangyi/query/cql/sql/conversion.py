"""Conversions (https://cql.hl7.org/09-b-cqlreference.html#type-operators-1): null where there is none."""

from collections.abc import Callable

from shangyi.query.cql.sql.builder import Builder, Call, string, truth
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.moments import assembled, in_offset
from shangyi.query.cql.sql.points import as_written
from shangyi.query.cql.sql.shapes import bound, choose, list_of, null
from shangyi.query.cql.sql.steps import add_milliseconds
from shangyi.query.cql.sql.values import (
    NUMBER,
    Listed,
    Quantity,
    Range,
    Scalar,
    Structure,
    Value,
    bounds,
    is_null,
    when,
)
from shangyi.query.cql.types import (
    ANY,
    BOOLEAN,
    CODE,
    CONCEPT,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    LONG,
    QUANTITY,
    STRING,
    TIME,
    Type,
)
from shangyi.query.quantity import CALENDAR_TO_UCUM
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr, SqlType

_TRUE, _FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
_WHOLE, _DECIMAL = r"[+-]?[0-9]{1,40}", r"[+-]?[0-9]{1,40}(\.[0-9]{1,80})?"
_DATE = r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?"
_CLOCK = r"(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?"
_DATETIME = f"{_DATE}(?:T(?:{_CLOCK}(Z|[+-]\\d\\d:\\d\\d)?)?)?"
_TIME = f"T?{_CLOCK}(?:Z|[+-]\\d\\d:\\d\\d)?"
_SQL: dict[Type, SqlType] = {INTEGER: ir.INT, LONG: ir.LONG, DECIMAL: NUMBER}
_DAY_MS = 86_400_000
_SINGLE_LINE = ir.text("s")


def _matching(text: Expr, pattern: str, found: Expr) -> Expr:
    return ir.Case(((ir.call("matches_full", text, ir.text(pattern), _SINGLE_LINE), found),))


def _to_boolean(call: Call) -> Value | None:
    (value,) = call.operands
    if value.type == STRING:
        text = ir.call("lower", bounds(value)[0])
        whens = [
            (ir.Call("in", (text, *map(ir.text, words))), ir.Literal(words is _TRUE))
            for words in (_TRUE, _FALSE)
        ]
        return truth(ir.Case(tuple(whens), ir.UNKNOWN))
    if value.type in _SQL and isinstance(value, Scalar):
        one, zero = (ir.call("eq", value.sql, ir.number(n)) for n in (1, 0))
        return truth(ir.Case(((one, ir.TRUE), (zero, ir.FALSE)), ir.UNKNOWN))
    return value if value.type == BOOLEAN else None


def _to_number(to: Type) -> Builder:
    """From a String as CQL writes numbers, a narrower number, or a Boolean."""

    def build(call: Call) -> Value | None:
        (value,) = call.operands
        if not isinstance(value, Scalar):
            return None
        sql = value.sql
        if value.type == STRING:
            wide = SqlType("DECIMAL(38,8)") if to == DECIMAL else SqlType("DECIMAL(38,0)")
            number = ir.Cast(ir.Cast(sql, wide, safe=True), _SQL[to], safe=True)
            return Scalar(to, _matching(sql, _DECIMAL if to == DECIMAL else _WHOLE, number))
        if value.type == BOOLEAN:
            return Scalar(
                to,
                ir.Case(
                    (
                        (sql, ir.Cast(ir.number(1), _SQL[to])),
                        (ir.call("not", sql), ir.Cast(ir.number(0), _SQL[to])),
                    )
                ),
            )
        if value.type in _SQL and (to == DECIMAL or value.type != DECIMAL):
            return Scalar(to, ir.Cast(sql, _SQL[to], safe=True))
        return null(to) if value.type == ANY else None

    return build


# --- Dates and times


def _captured(text: Expr, pattern: str, group: int) -> Expr:
    anchored = ir.text(f"^(?:{pattern})$")
    return ir.Cast(ir.call("captured", text, anchored, ir.number(group)), ir.INT, safe=True)


def _milliseconds(text: Expr, pattern: str, group: int) -> Expr:
    digits = ir.call("captured", text, ir.text(f"^(?:{pattern})$"), ir.number(group))
    padded = ir.call("substring", ir.call("concat", digits, ir.text("000")), ir.number(1), ir.number(3))
    return ir.Case(((ir.call("ne", digits, ir.text("")), ir.Cast(padded, ir.INT, safe=True)),))


def _to_datetime(call: Call) -> Value | None:
    (value,) = call.operands
    if value.type == DATE and isinstance(value, Range):
        return Range(DATETIME, value.low, add_milliseconds(value.high, ir.number(_DAY_MS - 1)))
    if value.type == STRING:
        return _parsed(call.at, bounds(value)[0])
    return value if value.type == DATETIME else null(DATETIME) if value.type == ANY else None


def _parsed(at: Columns, text: Expr) -> Value:
    whole = _matching(text, _DATETIME, text)
    parts = [_captured(whole, _DATETIME, n) for n in range(1, 7)]
    made = assembled(at, DATETIME, (*parts, _milliseconds(whole, _DATETIME, 7)), parts[0])
    zone = ir.call("captured", whole, ir.text(f"^(?:{_DATETIME})$"), ir.number(8))
    sign = ir.Case(((ir.call("starts_with", zone, ir.text("-")), ir.number(-1)),), ir.number(1))
    hours, minutes = (
        ir.Cast(ir.call("substring", zone, ir.number(start), ir.number(2)), ir.INT, safe=True)
        for start in (2, 5)
    )
    offset = ir.call("mul", sign, ir.call("add", ir.call("mul", hours, ir.number(60)), minutes))
    known = ir.Case(
        ((ir.call("eq", zone, ir.text("Z")), ir.number(0)), (ir.call("ne", zone, ir.text("")), offset))
    )
    return in_offset(at, made, ir.Cast(known, ir.INT), parts[3])


def _to_date(call: Call) -> Value | None:
    (value,) = call.operands
    found = _parsed(call.at, bounds(value)[0]) if value.type == STRING else value
    if found.type == DATETIME and isinstance(found, Range):
        own = as_written(call.at, found)
        return Range(DATE, *(ir.call("date_trunc", ir.text("day"), b) for b in (own.low, own.high)))
    return value if value.type == DATE else null(DATE) if value.type == ANY else None


def _to_time(call: Call) -> Value | None:
    (value,) = call.operands
    if value.type != STRING:
        return value if value.type == TIME else null(TIME) if value.type == ANY else None
    whole = _matching(bounds(value)[0], _TIME, bounds(value)[0])
    parts = [_captured(whole, _TIME, n) for n in range(1, 4)]
    day = (ir.number(1970), ir.number(1), ir.number(1))
    return assembled(call.at, TIME, (*day, *parts, _milliseconds(whole, _TIME, 4)), parts[0])


# --- Strings


def _to_string(call: Call) -> Value | None:
    (value,) = call.operands
    match value:
        case Scalar() if value.type == STRING:
            return value
        case Scalar() if value.type == BOOLEAN:
            yes, no = ir.text("true"), ir.text("false")
            return string(ir.Case(((value.sql, yes), (ir.call("not", value.sql), no))))
        case Scalar() if value.type == DECIMAL:
            short = _without_zeros(value.sql)
            whole = ir.call("eq", ir.call("position", short, ir.text(".")), ir.number(0))
            return string(ir.Case(((whole, ir.call("concat", short, ir.text(".0"))),), short))
        case Scalar() if value.type in (INTEGER, LONG):
            return string(ir.Cast(value.sql, ir.TEXT))
        case Quantity():
            return _quantity_text(value)
        case Range() if value.type in (DATE, DATETIME, TIME):
            return bound(call.at, (value,), lambda opened: _moment_text(call.at, opened[0]))
    return null(STRING) if value.type == ANY else None


def _without_zeros(number: Expr) -> Expr:
    text = ir.Cast(number, ir.TEXT)
    return ir.call("replace_matches", text, ir.text(r"\.?0+$"), ir.text(""), _SINGLE_LINE)


def _quantity_text(value: Quantity) -> Value:
    number = _without_zeros(value.value)
    plural = ir.Case(((ir.call("eq", value.value, ir.number(1)), ir.text("")),), ir.text("s"))
    word = ir.call("concat", number, ir.text(" "), value.unit, plural)
    code = ir.call("concat", number, ir.text(" '"), value.unit, ir.text("'"))
    calendar = ir.Call("in", (value.unit, *map(ir.text, CALENDAR_TO_UCUM)))
    return string(ir.Case(((calendar, word),), code))


def _moment_text(at: Columns, value: Value) -> Value:
    """To the precision that it has; a DateTime with its offset where that is not the evaluation's."""
    assert isinstance(value, Range)
    own = as_written(at, value)
    length = ir.call("full_units", ir.text("millisecond"), own.low, own.high)
    second = ir.call("date_trunc", ir.text("second"), own.low)
    thousandths = ir.call("full_units", ir.text("millisecond"), second, own.low)
    padded = ir.call(
        "substring",
        ir.Cast(ir.call("add", thousandths, ir.number(1000)), ir.TEXT),
        ir.number(2),
        ir.number(3),
    )
    full = ir.call("concat", ir.call("stamp_text", own.low), ir.text("."), padded)
    sizes: tuple[tuple[int, int], ...] = (
        (1, 23),
        (1000, 19),
        (60_000, 16),
        (3_600_000, 13),
        (_DAY_MS, 10),
        (40 * _DAY_MS, 7),
    )
    if value.type == DATE:
        sizes = ((_DAY_MS, 10), (40 * _DAY_MS, 7))
    whens = tuple((ir.call("lt", length, ir.number(ms)), ir.number(digits)) for ms, digits in sizes)
    digits = ir.Case(whens, ir.number(4))
    if value.type == TIME:
        return string(ir.call("substring", full, ir.number(12), ir.call("sub", digits, ir.number(11))))
    text = ir.call("substring", full, ir.number(1), digits)
    if value.offset is None:
        return string(text)
    other = ir.call("ne", value.offset, ir.number(at.offset))
    return string(ir.Case(((ir.certain(other), ir.call("concat", text, _zone(value.offset))),), text))


def _zone(offset: Expr) -> Expr:
    size = ir.call("abs", offset)
    hours, minutes = ir.call("quotient", size, ir.number(60)), ir.call("mod", size, ir.number(60))
    two = [
        ir.call(
            "substring", ir.Cast(ir.call("add", part, ir.number(100)), ir.TEXT), ir.number(2), ir.number(2)
        )
        for part in (hours, minutes)
    ]
    sign = ir.Case(((ir.call("lt", offset, ir.number(0)), ir.text("-")),), ir.text("+"))
    return ir.call("concat", sign, two[0], ir.text(":"), two[1])


# --- Structures


def _to_quantity(call: Call) -> Value | None:
    (value,) = call.operands
    if isinstance(value, Scalar) and value.type in _SQL:
        return Quantity(ir.Cast(value.sql, NUMBER, safe=True), ir.text("1"))
    return value if value.type == QUANTITY else null(QUANTITY) if value.type == ANY else None


def _to_concept(call: Call) -> Value | None:
    (value,) = call.operands
    if isinstance(value, Structure) and value.type == CODE:
        display = value.element("display")
        assert display is not None
        made = Structure(CONCEPT, (("codes", list_of(call.at, (value,))), ("display", display)), ir.TRUE)
        return choose(call.at, is_null(value), null(CONCEPT), made)
    if isinstance(value, Listed) and value.type.element == CODE:
        made = Structure(CONCEPT, (("codes", value), ("display", null(STRING))), ir.TRUE)
        return choose(call.at, is_null(value), null(CONCEPT), made)
    return value if value.type == CONCEPT else None


def _to_list(call: Call) -> Value | None:
    (value,) = call.operands
    made, empty = list_of(call.at, (value,)), list_of(call.at, (), value.type)
    return when(is_null(value), empty, made)


def _converts(convert: Builder) -> Builder:
    def build(call: Call) -> Value | None:
        found = convert(call)
        if found is None:
            return None
        absent = is_null(call.operands[0])
        return truth(ir.Case(((absent, ir.UNKNOWN),), ir.call("not", is_null(found))))

    return build


_TO: dict[str, Callable[[Call], Value | None]] = {
    "ToBoolean": _to_boolean,
    "ToInteger": _to_number(INTEGER),
    "ToLong": _to_number(LONG),
    "ToDecimal": _to_number(DECIMAL),
    "ToDate": _to_date,
    "ToDateTime": _to_datetime,
    "ToTime": _to_time,
    "ToString": _to_string,
    "ToQuantity": _to_quantity,
}
OPERATORS: dict[str, Builder] = {
    **_TO,
    **{name.replace("To", "ConvertsTo", 1): _converts(convert) for name, convert in _TO.items()},
    "ToConcept": _to_concept,
    "ToList": _to_list,
}
