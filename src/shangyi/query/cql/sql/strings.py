"""Strings (https://cql.hl7.org/09-b-cqlreference.html#string-operators-3); positions count from 0."""

from collections.abc import Callable

from shangyi.query.cql.sql.builder import Builder, Call, truth
from shangyi.query.cql.sql.values import Listed, Scalar, Value
from shangyi.query.cql.types import INTEGER, STRING, ListOf
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


def _last_position(pattern: Expr, text: Expr) -> Value:
    turned = ir.call("position", ir.call("reverse", text), ir.call("reverse", pattern))
    before = ir.call("sub", ir.call("length", text), ir.call("length", pattern))
    place = ir.call("sub", before, ir.call("sub", turned, _ONE))
    found = ir.Case(((ir.call("eq", turned, ir.number(0)), ir.number(-1)),), place)
    known = ir.both(ir.is_there(text), ir.is_there(pattern))
    return Scalar(INTEGER, ir.Case(((known, ir.Cast(found, ir.INT)),)))


def _split(text: Expr, separator: Expr) -> Value:
    """A null or empty separator splits nothing."""
    pieces = ir.call("split", text, separator)
    splits = ir.call("ne", separator, ir.text(""))
    whole = ir.Listed((text,), ir.TEXT)
    found = ir.Case(((ir.is_null(text), ir.null(ir.list_of(ir.TEXT))), (splits, pieces)), whole)
    return Listed(ListOf(STRING), found)


def _matches(text: Expr, pattern: Expr) -> Value:
    """Some part of the text matches; RE2's expressions, a point is any character."""
    return truth(ir.call("matches", text, pattern, ir.text("s")))


_DOLLAR, _BACKSLASH = "\x01", "\x02"


def _replace_matches(text: Expr, pattern: Expr, replacement: Expr) -> Value:
    """``$1`` stands for a group, a backslash takes the next character as it is."""
    kept = replacement
    for written, mark in ((r"\\", _BACKSLASH), (r"\$", _DOLLAR)):
        kept = ir.call("replace", kept, ir.text(written), ir.text(mark))
    plain = ir.call("replace_matches", kept, ir.text(r"\\(.)"), ir.text(r"\1"), ir.text("s"))
    whole = ir.call("replace", plain, ir.text("\\"), ir.text(_BACKSLASH))
    template = ir.call("replace_matches", whole, ir.text(r"\$\{?(\d)\}?"), ir.text(r"\\\1"), ir.text("s"))
    for mark, written in ((_BACKSLASH, r"\\"), (_DOLLAR, "$")):
        template = ir.call("replace", template, ir.text(mark), ir.text(written))
    return Scalar(STRING, ir.call("replace_matches", text, pattern, template, ir.text("s")))


OPERATORS: dict[str, Builder] = {
    "Concatenate": _text("concat"),
    "Upper": _text("upper"),
    "Lower": _text("lower"),
    "StartsWith": _on_strings(lambda text, prefix: truth(ir.call("starts_with", text, prefix))),
    "EndsWith": _on_strings(lambda text, suffix: truth(ir.call("ends_with", text, suffix))),
    "PositionOf": _on_strings(_position),
    "LastPositionOf": _on_strings(_last_position),
    "Split": _on_strings(_split),
    "Matches": _on_strings(_matches),
    "ReplaceMatches": _on_strings(_replace_matches),
    "Substring": _on_strings(_substring),
    "Length": _length_of,
}
