"""http://hl7.org/fhirpath/N1/#utility-functions"""

from shangyi.query import typed
from shangyi.query.sql import boundaries, ir, values
from shangyi.query.sql.arithmetic import known
from shangyi.query.sql.base import Builder, Compiler, only, single, truth
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import EMPTY, Value
from shangyi.query.temporal import Date, Time
from shangyi.query.types import DATE, DATETIME, INTEGER


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


FUNCTIONS: dict[str, Builder] = {
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
