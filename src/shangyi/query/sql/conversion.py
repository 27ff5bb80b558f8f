"""http://hl7.org/fhirpath/N1/#conversion"""

from collections.abc import Callable

from shangyi.query import typed
from shangyi.query.closures.conversion import to_string
from shangyi.query.parser import CALENDAR
from shangyi.query.sql import ir, quantity, values
from shangyi.query.sql.base import Builder, Compiler, constant, criterion, literal, single
from shangyi.query.sql.equality import present
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.filtering import only_where
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import EMPTY, Alternative, Item, Many, Value
from shangyi.query.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    QUANTITY,
    STRING,
    TIME,
    ItemType,
)

_TRUE = ("true", "t", "yes", "y", "1", "1.0")
_FALSE = ("false", "f", "no", "n", "0", "0.0")
_DATETIME = r"\d{4}(-\d\d(-\d\d(T(\d\d(:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:\d\d)?)?)?)?)?"
_TIME = r"T?([01]\d|2[0-3])(:[0-5]\d(:([0-5]\d|60)(\.\d+)?)?)?"


def _iif(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    """Only the branch that is chosen is evaluated."""
    source = compiler.node(call.source, scope)
    inner = scope.item(source, scope.index)
    held = ir.certain(criterion(compiler, call.arguments[0], inner))
    if isinstance(source, Many) and source.slots:
        one = single(compiler, source, call.source)
        held = ir.when(ir.either(one.present, ir.negated(one.present)), held)
    yes = compiler.node(call.arguments[1], inner)
    no = compiler.node(call.arguments[2], inner) if len(call.arguments) > 2 else EMPTY
    parts = (only_where(yes, held), only_where(no, ir.negated(held)))
    return values.exclusive(parts, compiler.names)


def _matches(sql: Expr, pattern: str) -> Expr:
    return ir.call("matches_full", sql, ir.text(pattern), ir.text("s"))


def _to_boolean(a: Alternative) -> Expr | None:
    if a.kind == BOOLEAN:
        return a.sql
    if a.kind == STRING:
        folded = ir.call("lower", a.sql)
        known = (ir.Call("in", (folded, *map(ir.text, texts))) for texts in (_TRUE, _FALSE))
        return ir.Case(tuple(zip(known, (ir.TRUE, ir.FALSE), strict=True)))
    if a.kind in (INTEGER, DECIMAL):
        whens = ((ir.call("eq", a.number, ir.number(n)), ir.Literal(bool(n))) for n in (1, 0))
        return ir.Case(tuple(whens))
    return None


def _to_integer(a: Alternative) -> Expr | None:
    if a.kind == INTEGER:
        return a.sql
    if a.kind == BOOLEAN:
        return ir.Cast(a.sql, ir.INT)
    if a.kind == STRING:
        return ir.when(_matches(a.sql, r"[+-]?\d+"), ir.Cast(a.sql, ir.INT, safe=True))
    return None


def _to_decimal(a: Alternative) -> Expr | None:
    if a.kind in (INTEGER, DECIMAL):
        return a.number
    if a.kind == BOOLEAN:
        return ir.Cast(ir.Cast(a.sql, ir.INT), ir.NUMBER)
    if a.kind == STRING:
        return ir.when(_matches(a.sql, r"[+-]?\d+(\.\d+)?"), ir.Cast(a.sql, ir.NUMBER, safe=True))
    return None


def _to_text(a: Alternative) -> Expr | None:
    if a.constant is not None:
        written = to_string(a.constant)
        return None if written is None else literal(written)
    if a.kind == STRING or a.kind in (DATE, TIME):
        return a.sql
    if a.kind == DATETIME:
        return ir.call("replace", a.sql, ir.text("+00:00"), ir.text("Z"))
    if a.kind == BOOLEAN:
        return ir.Case(((a.sql, ir.text("true")), (ir.negated(a.sql), ir.text("false"))))
    if a.kind == INTEGER:
        return ir.Cast(a.sql, ir.TEXT)
    if a.kind == DECIMAL and a.slot.type.namespace == "FHIR":
        return ir.when(_matches(a.sql, r"-?\d+(\.\d+)?"), a.sql)
    if a.kind is None:
        return None
    raise CompilationError(
        "A number that was calculated has no text of its own in SQL: its places are not kept"
    )


def _date(sql: Expr) -> Expr:
    """A date of the calendar, as far as the text goes."""
    day = ir.call("left", sql, ir.number(10))
    rest = ir.call("substring", ir.text("0001-01-01"), ir.call("add", ir.call("length", day), ir.number(1)))
    real = ir.is_there(ir.Cast(ir.call("concat", day, rest), ir.SqlType("DATE"), safe=True))
    return ir.both(_matches(sql, _DATETIME), real)


def _to_date(a: Alternative) -> Expr | None:
    if a.kind == DATE:
        return a.sql
    if a.kind in (STRING, DATETIME):
        day = ir.call("left", a.sql, ir.number(10))
        return day if a.kind == DATETIME else ir.when(_date(a.sql), day)
    return None


def _to_datetime(a: Alternative) -> Expr | None:
    if a.kind in (DATE, DATETIME):
        return a.sql
    return ir.when(_date(a.sql), a.sql) if a.kind == STRING else None


def _to_time(a: Alternative) -> Expr | None:
    if a.kind == TIME:
        return a.sql
    return (
        ir.when(_matches(a.sql, _TIME), ir.call("replace", a.sql, ir.text("T"), ir.text("")))
        if a.kind == STRING
        else None
    )


_QUANTITY = r"[+-]?\d+(\.\d+)?\s*('[^']+'|[a-zA-Z]+)?"


def _to_quantity(compiler: Compiler, a: Alternative) -> Item | None:
    """Of a string its number and its unit, which stands in quotes or is the word of a calendar duration."""
    if a.kind in (QUANTITY, INTEGER, DECIMAL):
        return quantity.shown(a) if a.kind == QUANTITY else quantity.system(a.number, ir.text("1"))
    if a.kind == BOOLEAN:
        return quantity.system(ir.Cast(ir.Cast(a.sql, ir.INT), ir.NUMBER), ir.text("1"))
    if a.kind != STRING:
        return None
    text = ir.call("trim", a.sql)
    rest = ir.call(
        "trim", ir.call("replace_matches", text, ir.text(r"^[+-]?\d+(\.\d+)?"), ir.text(""), ir.text("s"))
    )
    words = ((ir.call("eq", rest, ir.text(word)), ir.text(unit)) for word, unit in CALENDAR.items())
    quoted = ir.call("replace", rest, ir.text("'"), ir.text(""))
    unit = ir.Case(
        (
            (ir.call("eq", rest, ir.text("")), ir.text("1")),
            (ir.call("starts_with", rest, ir.text("'")), quoted),
            *words,
        )
    )
    digits = ir.call("left", text, ir.call("sub", ir.call("length", text), ir.call("length", rest)))
    number = ir.Cast(ir.call("trim", digits), ir.NUMBER, safe=True)
    return quantity.system(ir.when(_matches(text, _QUANTITY), number), unit)


def _quantity(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    item = single(compiler, compiler.node(call.source, scope), call.source)
    found = [q for a in item.alternatives if (q := _to_quantity(compiler, a)) is not None]
    if not found:
        return EMPTY
    made = values.collapsed(Item(tuple(a for q in found for a in q.alternatives)))
    if not call.arguments:
        return made
    unit = constant(single(compiler, compiler.node(call.arguments[0], scope), call.arguments[0]))
    if not isinstance(unit, str):
        raise CompilationError("In SQL the unit to convert to must be written out")
    return quantity.convert(compiler, made.alternatives[0], CALENDAR.get(unit, unit))


Convert = Callable[[Alternative], Expr | None]


def _conversion(to: ItemType, convert: Convert) -> Builder:
    def build(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
        item = single(compiler, compiler.node(call.source, scope), call.source)
        results = [found for a in item.alternatives if (found := convert(a)) is not None]
        if not results:
            return EMPTY
        return values.system(to, results[0] if len(results) == 1 else ir.call("coalesce", *results))

    return build


def _convertible(conversion: Builder) -> Builder:
    def build(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
        item = single(compiler, compiler.node(call.source, scope), call.source)
        if not item.alternatives:
            return EMPTY
        there = ir.either(*(ir.is_there(a.sql) if a.guard is None else a.guard for a in item.alternatives))
        return values.truth(ir.when(there, present(conversion(compiler, call, scope))))

    return build


_CONVERSIONS = {
    "Boolean": _conversion(BOOLEAN, _to_boolean),
    "Integer": _conversion(INTEGER, _to_integer),
    "Decimal": _conversion(DECIMAL, _to_decimal),
    "String": _conversion(STRING, _to_text),
    "Date": _conversion(DATE, _to_date),
    "DateTime": _conversion(DATETIME, _to_datetime),
    "Time": _conversion(TIME, _to_time),
    "Quantity": _quantity,
}
FUNCTIONS: dict[str, Builder] = {
    "iif": _iif,
    **{f"to{name}": build for name, build in _CONVERSIONS.items()},
    **{f"convertsTo{name}": _convertible(build) for name, build in _CONVERSIONS.items()},
}
