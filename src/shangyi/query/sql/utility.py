"""http://hl7.org/fhirpath/N1/#utility-functions"""

from shangyi.query import typed
from shangyi.query.closures.boundaries import precision
from shangyi.query.sql import boundaries, ir, quantity, values
from shangyi.query.sql.arithmetic import known
from shangyi.query.sql.base import Builder, Compiler, constant, only, single, truth
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import EMPTY, Alternative, Value
from shangyi.query.temporal import Date, Time
from shangyi.query.types import DATE, DATETIME, DECIMAL, INTEGER, QUANTITY, TIME


def _trace(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    """The input; SQL tells nobody."""
    return compiler.node(call.source, scope)


def _not(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    return values.truth(ir.negated(truth(single(compiler, compiler.node(call.source, scope), call.source))))


def _now(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    return known(compiler.now)


def _today(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    return known(Date(compiler.now.parts[:3]))


def _time_of_day(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    return known(Time(compiler.now.parts[3:]))


def _part(start: int, size: int) -> Builder:
    """A component of a date or of a date and time, by where it stands in the text."""

    def build(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
        found = only(single(compiler, compiler.node(call.source, scope), call.source), DATE, DATETIME)
        if found is None:
            return EMPTY
        digits: Expr = ir.call("substring", found.sql, ir.number(start + 1), ir.number(size))
        return values.system(INTEGER, ir.Cast(digits, ir.INT, safe=True))

    return build


def _comparable(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    one, other = (
        only(single(compiler, compiler.node(node, scope), node), QUANTITY, INTEGER, DECIMAL)
        for node in (call.source, call.arguments[0])
    )
    if one is None or other is None:
        return EMPTY
    return values.truth(quantity.comparable(compiler, one, other))


def _precision(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    """Of a value as it was written: the digits behind the point, or those of a date or time."""
    item = single(compiler, compiler.node(call.source, scope), call.source)
    value = constant(item)
    if value is not None:
        return known(precision(value))
    digits = [_digits(a) for a in item.alternatives]
    if not digits:
        return EMPTY
    return values.system(
        INTEGER, ir.Cast(digits[0] if len(digits) == 1 else ir.call("coalesce", *digits), ir.INT)
    )


def _digits(a: Alternative) -> Expr:
    if a.kind == INTEGER:
        return ir.when(ir.is_there(a.sql), ir.number(0))
    if a.kind == DECIMAL and a.slot.type.namespace == "FHIR":
        return ir.call("length", _without(a.sql, r"^[^.]*\.?"))
    if a.kind not in (DATE, DATETIME, TIME):
        raise CompilationError("The precision of what was calculated is not kept in SQL")
    size = 8 if a.kind == TIME else 19
    count = ir.call("length", _without(ir.call("left", a.sql, ir.number(size)), "[^0-9]"))
    point = ir.call("eq", ir.call("substring", a.sql, ir.number(size + 1), ir.number(1)), ir.text("."))
    return ir.when(point, ir.call("add", count, ir.number(3)), count)


def _without(sql: Expr, pattern: str) -> Expr:
    return ir.call("replace_matches", sql, ir.text(pattern), ir.text(""), ir.text("s"))


FUNCTIONS: dict[str, Builder] = {
    "comparable": _comparable,
    "precision": _precision,
    "trace": _trace,
    "not": _not,
    "now": _now,
    "today": _today,
    "timeOfDay": _time_of_day,
    "yearOf": _part(0, 4),
    "monthOf": _part(5, 2),
    "dayOf": _part(8, 2),
    "hourOf": _part(11, 2),
    "minuteOf": _part(14, 2),
    "secondOf": _part(17, 2),
    **boundaries.FUNCTIONS,
}
