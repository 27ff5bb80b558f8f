"""http://hl7.org/fhirpath/N1/#math: whole numbers and decimals exactly, ``exp ln log power sqrt`` in double precision."""

from collections.abc import Callable

from shangyi.query import typed
from shangyi.query.sql import ir, quantity, values
from shangyi.query.sql.arithmetic import whole
from shangyi.query.sql.base import Builder, Compiler, constant, only, single
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import EMPTY, Alternative, Item, Slot, Value
from shangyi.query.types import DECIMAL, INTEGER, QUANTITY


def _number(compiler: Compiler, node: typed.Node, scope: Scope) -> Alternative | None:
    return only(single(compiler, compiler.node(node, scope), node), INTEGER, DECIMAL)


def _of(number: Callable[[Alternative], Item]) -> Builder:
    """A function of a number, or of the value of a quantity, whose unit stays."""

    def build(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
        item = single(compiler, compiler.node(call.source, scope), call.source)
        return _applied(item, number)

    return build


def _applied(item: Item, number: Callable[[Alternative], Item]) -> Value:
    parts: list[Alternative] = []
    for a in item.alternatives:
        if a.kind == QUANTITY:
            value, unit = quantity.parts(a)
            (found,) = number(Alternative(Slot(DECIMAL), value)).alternatives
            parts += quantity.system(found.number, unit).alternatives
        elif a.kind in (INTEGER, DECIMAL):
            parts += number(a).alternatives
    return values.collapsed(Item(tuple(parts)))


def _abs(found: Alternative) -> Item:
    if found.kind == INTEGER:
        return values.system(INTEGER, whole(ir.call("abs", ir.Cast(found.sql, ir.LONG))))
    return values.system(DECIMAL, ir.call("abs", found.number))


def _rounding(name: str) -> Callable[[Alternative], Item]:
    """To a whole number."""

    def number(found: Alternative) -> Item:
        sql = found.sql if found.kind == INTEGER else whole(ir.call(name, found.number))
        return values.system(INTEGER, sql)

    return number


def _round(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    item = single(compiler, compiler.node(call.source, scope), call.source)
    places: object = 0
    if call.arguments:
        places = constant(single(compiler, compiler.node(call.arguments[0], scope), call.arguments[0]))
    if not isinstance(places, int) or not 0 <= places <= ir.SCALE:
        raise CompilationError("In SQL round() takes 0 to {most} places, written out", most=ir.SCALE)
    digits = ir.number(places)
    return _applied(
        item, lambda a: values.system(DECIMAL, ir.Cast(ir.call("round", a.number, digits), ir.NUMBER))
    )


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
    "abs": _of(_abs),
    "ceiling": _of(_rounding("ceiling")),
    "exp": _approximate(_named("exp")),
    "floor": _of(_rounding("floor")),
    "ln": _approximate(_named("ln")),
    "log": _approximate(_log),
    "power": _approximate(_named("power")),
    "round": _round,
    "sqrt": _approximate(_named("sqrt")),
    "truncate": _of(_rounding("truncate")),
}
