"""``lowBoundary`` and ``highBoundary`` (http://hl7.org/fhirpath/N1/#lowboundary) of values as they are written."""

from shangyi.query import typed
from shangyi.query.closures import boundaries
from shangyi.query.sql import ir, quantity, temporal
from shangyi.query.sql.arithmetic import known
from shangyi.query.sql.base import Builder, Compiler, constant, single
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import EMPTY, Alternative, Item, Slot, Value
from shangyi.query.types import DATE, DATETIME, DECIMAL, INTEGER, QUANTITY, TIME

_DATE_DIGITS = {4: 4, 6: 7, 8: 10}
"""Digits of a date and the characters that they take."""


def _bound(side: int) -> Builder:
    def build(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
        item = single(compiler, compiler.node(call.source, scope), call.source)
        digits: object = None
        if call.arguments:
            digits = constant(single(compiler, compiler.node(call.arguments[0], scope), call.arguments[0]))
            if not isinstance(digits, int):
                raise CompilationError("In SQL the digits of a boundary must be written out")
        value = constant(item)
        if value is not None:
            found = (boundaries.low if side < 0 else boundaries.high)(value, digits)  # type: ignore[arg-type]
            return EMPTY if found is None else known(found)
        parts = [_of(a, side, digits) for a in item.alternatives]
        return Item(tuple(a for a in parts if a is not None))

    return build


def _of(a: Alternative, side: int, digits: object) -> Alternative | None:
    assert digits is None or isinstance(digits, int)
    match a.kind:
        case found if found == DATE:
            sql = _date(a.sql, side, digits)
        case found if found == DATETIME and digits is None:
            sql = _datetime(a.sql, side)
        case found if found == TIME and digits is None:
            sql = _time(a.sql, side)
        case found if found == INTEGER:
            sql = _decimal(ir.Cast(a.sql, ir.TEXT), side, digits)
            return Alternative(Slot(DECIMAL), sql)
        case found if found == DECIMAL and a.slot.type.namespace == "FHIR":
            sql = _decimal(a.sql, side, digits)
        case found if found == QUANTITY and a.slot.type.namespace == "FHIR":
            value, unit = quantity.parts(a)
            written = next((ir.Member(a.sql, f.name) for f in a.slot.fields if f.name == "value"), ir.null())
            bound = ir.when(ir.is_there(value), _decimal(written, side, digits))
            return quantity.system(bound, unit).alternatives[0]
        case _:
            raise CompilationError("A boundary of {type} has no form in SQL", type=str(a.slot.type))
    assert a.kind is not None
    return Alternative(Slot(a.kind), sql)


def _date(sql: Expr, side: int, digits: int | None) -> Expr:
    size = _DATE_DIGITS.get(8 if digits is None else digits)
    if size is None:
        return ir.null()
    return ir.call("left", temporal.last_moment(sql) if side > 0 else _filled(sql), ir.number(size))


def _filled(sql: Expr) -> Expr:
    rest = ir.call(
        "substring", ir.text("0001-01-01T00:00:00"), ir.call("add", ir.call("length", sql), ir.number(1))
    )
    return ir.call("concat", sql, rest)


def _datetime(sql: Expr, side: int) -> Expr:
    """To the millisecond; without a zone, in the one where a day begins first or ends last."""
    length = ir.call("length", sql)
    edge = ir.text("+14:00" if side < 0 else "-12:00")
    filled = _filled(sql) if side < 0 else temporal.last_moment(sql)
    day = ir.call(
        "concat", ir.call("left", filled, ir.number(19)), ir.text(".000" if side < 0 else ".999"), edge
    )
    rest = ir.call("substring", sql, ir.number(20))
    zone = ir.call("replace_matches", rest, ir.text(r"^\.[0-9]*"), ir.text(""), ir.text("s"))
    utc = ir.Call("in", (zone, ir.text("+00:00"), ir.text("-00:00")))
    shown = ir.Case(((utc, ir.text("Z")), (ir.call("eq", zone, ir.text("")), edge)), zone)
    stamp = ir.call("concat", ir.call("left", sql, ir.number(19)), _milliseconds(rest, side), shown)
    return ir.Case(
        ((ir.call("le", length, ir.number(10)), day), (ir.call("ge", length, ir.number(19)), stamp))
    )


def _milliseconds(rest: Expr, side: int) -> Expr:
    """What follows the seconds, as three digits."""
    cut = ir.call("replace_matches", rest, ir.text(r"[^.0-9].*$"), ir.text(""), ir.text("s"))
    digits = ir.call("left", ir.call("concat", cut, ir.text("000")), ir.number(4))
    fraction = ir.call("starts_with", rest, ir.text("."))
    return ir.when(fraction, digits, ir.text(".000" if side < 0 else ".999"))


def _time(sql: Expr, side: int) -> Expr:
    ends = ("00:00:00", ".000") if side < 0 else ("23:59:59", ".999")
    length = ir.call("length", sql)
    rest = ir.call("substring", ir.text(ends[0]), ir.call("add", length, ir.number(1)))
    short = ir.call("concat", sql, rest, ir.text(ends[1]))
    after = ir.call("substring", sql, ir.number(9))
    long = ir.call("concat", ir.call("left", sql, ir.number(8)), _milliseconds(after, side))
    return ir.when(ir.call("lt", length, ir.number(8)), short, long)


def _decimal(sql: Expr, side: int, digits: int | None) -> Expr:
    """Half a unit of the last digit up or down; to fewer digits, away from zero to the nearest, towards zero cut."""
    wanted = boundaries.PLACES if digits is None else digits
    if not 0 <= wanted <= ir.SCALE:
        return ir.null(ir.NUMBER)
    fraction = ir.call("replace_matches", sql, ir.text(r"^[^.]*\.?"), ir.text(""), ir.text("s"))
    places = ir.call("length", fraction)
    half = ir.Cast(
        ir.call("concat", ir.text("0."), ir.call("left", ir.text("0" * 17), places), ir.text("5")),
        ir.NUMBER,
        safe=True,
    )
    number = ir.Cast(sql, ir.NUMBER, safe=True)
    bound = ir.call("try_add" if side > 0 else "try_sub", number, half)
    ulp = ir.Cast(ir.text(f"0.{'0' * wanted}5"), ir.NUMBER, safe=True)
    zero = ir.number(0)
    inwards = ir.call("sub" if side < 0 else "add", bound, ulp)
    outwards = ir.call("lt" if side < 0 else "gt", bound, zero)
    cut = ir.when(ir.call("eq", bound, zero), bound, ir.call("round", inwards, ir.number(wanted)))
    written = ir.call("matches_full", sql, ir.text(r"-?\d+(\.\d{1,17})?"), ir.text("s"))
    rounded = ir.Case(((outwards, ir.call("round", bound, ir.number(wanted))),), cut)
    return ir.Cast(ir.when(written, rounded), ir.NUMBER, safe=True)


FUNCTIONS: dict[str, Builder] = {"lowBoundary": _bound(-1), "highBoundary": _bound(1)}
