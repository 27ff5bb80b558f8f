"""http://hl7.org/fhirpath/N1/#math: whole numbers and decimals exactly, ``exp ln log power sqrt`` in double precision."""

from collections.abc import Callable

from shangyi.query import typed
from shangyi.query.sql import ir, values
from shangyi.query.sql.arithmetic import whole
from shangyi.query.sql.base import Builder, Compiler, constant, only, single
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import EMPTY, Alternative, Value
from shangyi.query.types import DECIMAL, INTEGER, QUANTITY


def _number(compiler: Compiler, node: typed.Node, scope: Scope) -> Alternative | None:
    item = single(compiler, compiler.node(node, scope), node)
    if any(a.kind == QUANTITY for a in item.alternatives):
        raise CompilationError("Calculations with quantities have no form in SQL; take their value")
    return only(item, INTEGER, DECIMAL)


def _abs(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    found = _number(compiler, call.source, scope)
    if found is None:
        return EMPTY
    if found.kind == INTEGER:
        return values.system(INTEGER, whole(ir.call("abs", ir.Cast(found.sql, ir.LONG))))
    return values.system(DECIMAL, ir.call("abs", found.number))


def _rounding(name: str) -> Builder:
    """To a whole number."""

    def build(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
        found = _number(compiler, call.source, scope)
        if found is None:
            return EMPTY
        sql = found.sql if found.kind == INTEGER else whole(ir.call(name, found.number))
        return values.system(INTEGER, sql)

    return build


def _round(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    found = _number(compiler, call.source, scope)
    places: object = 0
    if call.arguments:
        places = constant(single(compiler, compiler.node(call.arguments[0], scope), call.arguments[0]))
    if not isinstance(places, int) or not 0 <= places <= ir.SCALE:
        raise CompilationError("In SQL round() takes 0 to {most} places, written out", most=ir.SCALE)
    if found is None:
        return EMPTY
    return values.system(DECIMAL, ir.Cast(ir.call("round", found.number, ir.number(places)), ir.NUMBER))


def _double(found: Alternative) -> Expr:
    return ir.Cast(found.number, ir.DOUBLE)


def _approximate(build: Callable[..., Expr]) -> Builder:
    """In double precision; NULL where there is no finite value."""

    def builder(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
        given = [_number(compiler, node, scope) for node in (call.source, *call.arguments)]
        known = [_double(found) for found in given if found is not None]
        if len(known) < len(given):
            return EMPTY
        result = ir.Cast(ir.call("try", build(*known)), ir.NUMBER, safe=True)
        return values.system(DECIMAL, result)

    return builder


def _log(value: Expr, base: Expr) -> Expr:
    return ir.call("div", ir.call("ln", value), ir.call("ln", base))


def _named(name: str) -> Callable[..., Expr]:
    return lambda *arguments: ir.call(name, *arguments)


FUNCTIONS: dict[str, Builder] = {
    "abs": _abs,
    "ceiling": _rounding("ceiling"),
    "exp": _approximate(_named("exp")),
    "floor": _rounding("floor"),
    "ln": _approximate(_named("ln")),
    "log": _approximate(_log),
    "power": _approximate(_named("power")),
    "round": _round,
    "sqrt": _approximate(_named("sqrt")),
    "truncate": _rounding("truncate"),
}
