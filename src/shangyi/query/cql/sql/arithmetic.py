"""Arithmetic (https://cql.hl7.org/09-b-cqlreference.html#arithmetic-operators-4): what does not fit is null.

Whole numbers are calculated in a wider type and cut back by TRY_CAST. Decimals are DECIMAL(28,8); sums and products
are exact in DECIMAL(38) and rounded once, quotients are whole numbers of 10^-8 (``places_divide``), because engines
divide decimals as DOUBLE or to six places.
"""

from shangyi.query.cql.sql import quantity
from shangyi.query.cql.sql.builder import Builder, Call
from shangyi.query.cql.sql.moving import move
from shangyi.query.cql.sql.values import NUMBER, Quantity, Range, Scalar, Value, bounds
from shangyi.query.cql.types import DECIMAL, INTEGER, LONG, STRING, Type
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr, SqlType

_WIDE: dict[Type, SqlType] = {INTEGER: ir.LONG, LONG: SqlType("DECIMAL(19,0)")}
_OWN: dict[Type, SqlType] = {INTEGER: ir.INT, LONG: ir.LONG, DECIMAL: NUMBER}


def _fitting(type_: Type, sql: Expr) -> Scalar:
    return Scalar(type_, ir.Cast(ir.call("try", sql), _OWN[type_], safe=True))


def _kind(call: Call) -> Type | None:
    """The one numeric type of all operands."""
    (first, *others) = call.types
    return first if first in _OWN and all(other == first for other in others) else None


def _plain(name: str) -> Builder:
    """``+ - *``."""

    def build(call: Call) -> Value | None:
        if name == "add" and set(call.types) == {STRING}:
            return Scalar(STRING, ir.Call("concat", call.columns))
        left, right = call.operands
        if isinstance(left, Range) and isinstance(right, Quantity) and name in ("add", "sub"):
            return move(call.at, left, right, 1 if name == "add" else -1)
        kind = _kind(call)
        if kind is None:
            return _of_quantities(call)
        if any(isinstance(operand, Range) for operand in call.operands):
            return _uncertain(name, call) if kind == INTEGER else None
        return _fitting(kind, ir.Call(name, tuple(_widened(kind, c) for c in call.columns)))

    return build


def _widened(kind: Type, column: Expr) -> Expr:
    return ir.Cast(column, _WIDE[kind]) if kind in _WIDE else column


def _uncertain(name: str, call: Call) -> Value | None:
    """Of what is known within bounds: the least and the greatest that it can be."""
    (a, b), (c, d) = (bounds(operand) for operand in call.operands)
    if name == "mul":
        products = [
            _fitting(INTEGER, ir.call("mul", *(_widened(INTEGER, x) for x in pair))).sql
            for pair in ((a, c), (a, d), (b, c), (b, d))
        ]
        known = ir.both(*map(ir.is_there, products))
        least, greatest = (ir.Case(((known, ir.Call(f, tuple(products))),)) for f in ("least", "greatest"))
        return Range(INTEGER, least, greatest)
    low, high = ((a, c), (b, d)) if name == "add" else ((a, d), (b, c))
    made = [
        _fitting(INTEGER, ir.Call(name, tuple(_widened(INTEGER, x) for x in pair))).sql
        for pair in (low, high)
    ]
    return Range(INTEGER, *made)


def _of_quantities(call: Call) -> Value | None:
    """Of two quantities, or a quantity and a number."""
    pair = [_as_quantity(operand) for operand in call.operands]
    if None in pair or not any(isinstance(operand, Quantity) for operand in call.operands):
        return None
    left, right = (q for q in pair if q is not None)
    return quantity.calculated(call.at, call.node.name, left, right)


def _as_quantity(value: Value) -> Quantity | None:
    if isinstance(value, Quantity):
        return value
    if isinstance(value, Scalar) and value.type in _OWN:
        return Quantity(ir.Cast(value.sql, NUMBER), ir.text("1"))
    return None


def _divide(call: Call) -> Value | None:
    if _kind(call) != DECIMAL:
        return _of_quantities(call)
    return _fitting(DECIMAL, ir.Call("places_divide", call.columns))


def _whole(name: str) -> Builder:
    """``div`` and ``mod``; null by zero."""

    def build(call: Call) -> Value | None:
        kind = _kind(call)
        if kind is None:
            return _of_quantities(call)
        wide = ir.LONG if kind == INTEGER else NUMBER
        left, right = (ir.Cast(c, wide) for c in call.columns)
        zero = ir.call("eq", right, ir.number(0))
        operation = ir.call(name if kind == INTEGER or name == "mod" else "decimal_quotient", left, right)
        return _fitting(kind, ir.Case(((zero, ir.null(_OWN[kind])),), operation))

    return build


def _negate(call: Call) -> Value | None:
    (value,) = call.operands
    if isinstance(value, Quantity):
        return Quantity(ir.call("negative", value.value), value.unit)
    kind = _kind(call)
    if kind is None:
        return None
    if isinstance(value, Range):
        low, high = bounds(value)
        return Range(kind, ir.call("negative", high), ir.call("negative", low))
    return _fitting(kind, ir.call("negative", _widened(kind, call.columns[0])))


def _absolute(call: Call) -> Value | None:
    (value,) = call.operands
    if isinstance(value, Quantity):
        return Quantity(ir.call("abs", value.value), value.unit)
    kind = _kind(call)
    return None if kind is None else _fitting(kind, ir.call("abs", _widened(kind, call.columns[0])))


def _to_integer(name: str) -> Builder:
    """``Ceiling``, ``Floor``, ``Truncate`` of a Decimal."""

    def build(call: Call) -> Value | None:
        if _kind(call) != DECIMAL:
            return None
        return _fitting(INTEGER, ir.call(name, call.columns[0]))

    return build


OPERATORS: dict[str, Builder] = {
    "Add": _plain("add"),
    "Subtract": _plain("sub"),
    "Multiply": _plain("mul"),
    "Divide": _divide,
    "TruncatedDivide": _whole("quotient"),
    "Modulo": _whole("mod"),
    "Negate": _negate,
    "Abs": _absolute,
    "Ceiling": _to_integer("ceiling"),
    "Floor": _to_integer("floor"),
    "Truncate": _to_integer("truncate"),
}
