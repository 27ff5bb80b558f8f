"""http://hl7.org/fhirpath/N1/#string-manipulation and the additional string functions (STU)"""

import re
from collections.abc import Callable

from shangyi.query import typed
from shangyi.query.sql import encoding, ir, values
from shangyi.query.sql.base import Builder, Compiler, constant, only, single
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import EMPTY, Many, Slot, Value
from shangyi.query.types import BOOLEAN, INTEGER, STRING, ItemType

_BEYOND_RE2 = re.compile(r"\(\?[=!<]|\\[1-9]|\(\?P=")
_ZERO, _ONE = ir.number(0), ir.number(1)


def on_strings(of: ItemType, build: Callable[..., Expr], *kinds: ItemType) -> Builder:
    """A function of one string and single arguments: NULL where one of them is."""

    def builder(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
        source = only(single(compiler, compiler.node(call.source, scope), call.source), STRING)
        given: list[Expr] = []
        for node, kind in zip(call.arguments, kinds or (STRING,) * 3, strict=False):
            argument = single(compiler, compiler.node(node, scope), node)
            found = only(argument, kind)
            if found is None:
                return EMPTY
            given.append(found.sql)
        return EMPTY if source is None else values.system(of, build(source.sql, *given))

    return builder


def _found(place: Expr) -> Expr:
    return ir.call("sub", place, _ONE)


def _index_of(text: Expr, part: Expr) -> Expr:
    place = _found(ir.Cast(ir.call("position", text, part), ir.INT))
    return ir.when(ir.call("eq", part, ir.text("")), ir.when(ir.is_there(text), _ZERO), place)


def _last_index_of(text: Expr, part: Expr) -> Expr:
    turned = ir.call("position", ir.call("reverse", text), ir.call("reverse", part))
    sizes = ir.call("sub", ir.call("length", text), ir.call("length", part))
    place = ir.call("add", ir.call("sub", sizes, turned), _ONE)
    empty = ir.call("eq", part, ir.text(""))
    found = ir.Case(
        (
            (empty, ir.call("length", text)),
            (ir.call("gt", turned, _ZERO), place),
            (ir.is_there(turned), ir.number(-1)),
        )
    )
    return ir.Cast(found, ir.INT)


def _substring(text: Expr, start: Expr, length: Expr | None = None) -> Expr:
    inside = ir.both(ir.call("ge", start, _ZERO), ir.call("lt", start, ir.call("length", text)))
    first = ir.call("add", start, _ONE)
    if length is None:
        return ir.when(inside, ir.call("substring", text, first))
    taken = ir.call("substring", text, first, ir.call("greatest", length, _ZERO))
    return ir.when(ir.both(inside, ir.is_there(length)), taken)


def _contains(text: Expr, part: Expr) -> Expr:
    inside = ir.call("gt", ir.call("position", text, part), _ZERO)
    return ir.either(ir.both(ir.is_there(text), ir.call("eq", part, ir.text(""))), inside)


def _pattern(compiler: Compiler, node: typed.Node, scope: Scope) -> str:
    value = constant(single(compiler, compiler.node(node, scope), node))
    if not isinstance(value, str):
        raise CompilationError("In SQL a regular expression must be written out")
    try:
        re.compile(value)
    except re.error as error:
        raise CompilationError("Not a regular expression: {reason}", reason=str(error)) from None
    if _BEYOND_RE2.search(value):
        raise CompilationError(
            "SQL has no regular expressions that look around or back: {pattern}", pattern=value
        )
    return value


def _matching(name: str) -> Builder:
    def builder(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
        source = only(single(compiler, compiler.node(call.source, scope), call.source), STRING)
        arguments = [single(compiler, compiler.node(a, scope), a) for a in call.arguments]
        if source is None or EMPTY in arguments[:1]:
            return EMPTY
        options = _flags((arguments[1:] and constant(arguments[1])) or "")
        pattern = ir.text(_pattern(compiler, call.arguments[0], scope))
        return values.truth(ir.call(name, source.sql, pattern, ir.text("s" + options)))

    return builder


def _flags(given: object) -> str:
    if not isinstance(given, str) or set(given) - set("is"):
        raise CompilationError("In SQL a regular expression takes the flags i and s only")
    return "i" if "i" in given else ""


def _replace_matches(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    source = only(single(compiler, compiler.node(call.source, scope), call.source), STRING)
    if EMPTY in (compiler.node(argument, scope) for argument in call.arguments[:2]):
        return EMPTY
    pattern = _pattern(compiler, call.arguments[0], scope)
    with_ = constant(single(compiler, compiler.node(call.arguments[1], scope), call.arguments[1]))
    if not isinstance(with_, str) or set(with_) & set("$\\"):
        raise CompilationError("In SQL a replacement must be written out, without groups")
    if source is None:
        return EMPTY
    if not pattern:
        return values.system(STRING, source.sql)
    replaced = ir.call("replace_matches", source.sql, ir.text(pattern), ir.text(with_), ir.text("s"))
    return values.system(STRING, replaced)


def _replace(text: Expr, part: Expr, by: Expr) -> Expr:
    """Of an empty text: between all characters, before the first and behind the last."""
    within = ir.call("array_to_string", ir.call("characters", text), by)
    spread = ir.when(ir.call("eq", text, ir.text("")), by, ir.call("concat", by, within, by))
    if part == ir.text(""):
        return spread
    plain = ir.call("replace", text, part, by)
    return plain if isinstance(part, ir.Literal) else ir.when(ir.call("eq", part, ir.text("")), spread, plain)


def _chars(text: Expr, compiler: Compiler) -> Many:
    i = compiler.names.fresh()
    places = ir.call(
        "list_range", _ZERO, ir.Cast(ir.call("coalesce", ir.call("length", text), _ZERO), ir.INT)
    )
    letter = ir.call("substring", text, ir.Cast(ir.call("add", i, _ONE), ir.INT), _ONE)
    return Many((Slot(STRING),), ir.call("list_map", places, ir.Lambda((i,), letter)))


def _to_chars(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    source = only(single(compiler, compiler.node(call.source, scope), call.source), STRING)
    return EMPTY if source is None else _chars(source.sql, compiler)


def _split(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    source = only(single(compiler, compiler.node(call.source, scope), call.source), STRING)
    by = constant(single(compiler, compiler.node(call.arguments[0], scope), call.arguments[0]))
    if not isinstance(by, str):
        raise CompilationError("In SQL a separator must be written out")
    if source is None:
        return EMPTY
    if not by:
        return _chars(source.sql, compiler)
    return Many((Slot(STRING),), ir.call("split", source.sql, ir.text(by)))


def _join(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    """The strings one behind the other; in a view "" of none (the suite of SQL on FHIR), elsewhere nothing."""
    items = values.listed(compiler.node(call.source, scope))
    separator: Expr = ir.text("")
    if call.arguments:
        given = only(single(compiler, compiler.node(call.arguments[0], scope), call.arguments[0]), STRING)
        separator = ir.text("") if given is None else ir.call("coalesce", given.sql, ir.text(""))
    if not items.slots:
        return values.system(STRING, ir.text("")) if compiler.in_view else EMPTY
    if any(slot.kind != STRING for slot in items.slots):
        raise CompilationError("Only strings can be joined")
    x = compiler.names.fresh()
    texts = items.sql
    if not values.is_bare(items.slots):
        found = only(values.opened(items.slots, x), STRING)
        assert found is not None
        texts = ir.call("list_map", items.sql, ir.Lambda((x,), found.sql))
    joined = ir.call("array_to_string", values.without_nulls(texts, compiler.names), separator)
    if compiler.in_view:
        return values.system(STRING, ir.call("coalesce", joined, ir.text("")))
    return values.system(STRING, ir.when(ir.call("gt", values.count(items), _ZERO), joined))


def _one(name: str) -> Callable[[Expr], Expr]:
    return lambda text: ir.call(name, text)


def _two(name: str) -> Callable[[Expr, Expr], Expr]:
    return lambda text, part: ir.call(name, text, part)


def _length(text: Expr) -> Expr:
    return ir.Cast(ir.call("length", text), ir.INT)


FUNCTIONS: dict[str, Builder] = {
    "indexOf": on_strings(INTEGER, _index_of),
    "lastIndexOf": on_strings(INTEGER, _last_index_of),
    "substring": on_strings(STRING, _substring, INTEGER, INTEGER),
    "startsWith": on_strings(BOOLEAN, _two("starts_with")),
    "endsWith": on_strings(BOOLEAN, _two("ends_with")),
    "contains": on_strings(BOOLEAN, _contains),
    "upper": on_strings(STRING, _one("upper")),
    "lower": on_strings(STRING, _one("lower")),
    "replace": on_strings(STRING, _replace),
    "matches": _matching("matches"),
    "matchesFull": _matching("matches_full"),
    "replaceMatches": _replace_matches,
    "length": on_strings(INTEGER, _length),
    "toChars": _to_chars,
    **encoding.FUNCTIONS,
    "trim": on_strings(STRING, _one("trim")),
    "split": _split,
    "join": _join,
}
