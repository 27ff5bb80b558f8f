"""Strings (https://cql.hl7.org/09-b-cqlreference.html#string-operators-3); positions count from 0."""

from collections.abc import Callable

from shangyi.query.cql.sql.builder import Builder, Call, truth
from shangyi.query.cql.sql.values import Scalar, Value
from shangyi.query.cql.types import INTEGER, STRING
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr

_ONE = ir.number(1)


def _on_strings(build: Callable[..., Value]) -> Builder:
    return lambda call: build(*call.columns) if set(call.types) <= {STRING, INTEGER} else None


def _text(name: str) -> Builder:
    return _on_strings(lambda *texts: Scalar(STRING, ir.Call(name, texts)))


def _length(text: Expr) -> Value:
    return Scalar(INTEGER, ir.Cast(ir.call("length", text), ir.INT))


def _position(pattern: Expr, text: Expr) -> Value:
    return Scalar(INTEGER, ir.Cast(ir.call("sub", ir.call("position", text, pattern), _ONE), ir.INT))


def _substring(text: Expr, start: Expr, length: Expr | None = None) -> Value:
    size = ir.call("length", text)
    inside = ir.both(ir.call("ge", start, ir.number(0)), ir.call("lt", start, size))
    at_end = ir.both(ir.call("eq", start, ir.number(0)), ir.call("eq", size, ir.number(0)))
    taken = ir.call("greatest", size if length is None else ir.call("coalesce", length, size), ir.number(0))
    found = ir.call("substring", text, ir.call("add", start, _ONE), ir.Cast(taken, ir.LONG))
    return Scalar(STRING, ir.Case(((ir.either(inside, at_end), found),)))


def _length_of(call: Call) -> Value | None:
    return _length(call.columns[0]) if call.types == (STRING,) else None


OPERATORS: dict[str, Builder] = {
    "Concatenate": _text("concat"),
    "Upper": _text("upper"),
    "Lower": _text("lower"),
    "StartsWith": _on_strings(lambda text, prefix: truth(ir.call("starts_with", text, prefix))),
    "EndsWith": _on_strings(lambda text, suffix: truth(ir.call("ends_with", text, suffix))),
    "PositionOf": _on_strings(_position),
    "Substring": _on_strings(_substring),
    "Length": _length_of,
}
