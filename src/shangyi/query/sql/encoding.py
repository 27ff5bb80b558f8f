"""``encode``, ``decode`` and ``escape`` (http://hl7.org/fhirpath/#additional-string-functions)."""

import json
from collections.abc import Callable

from shangyi.query import typed
from shangyi.query.sql import ir, values
from shangyi.query.sql.base import Builder, Compiler, constant, only, single
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import EMPTY, Value
from shangyi.query.types import STRING

_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
_JSON = {c: json.dumps(c)[1:-1] for c in ("\\", '"', *map(chr, range(1, 32)))}
_BASE64 = r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
_TO_URL = (("+", "-"), ("/", "_"))


def _replaced(text: Expr, pairs: "tuple[tuple[str, str], ...] | dict[str, str]") -> Expr:
    for old, new in pairs.items() if isinstance(pairs, dict) else pairs:
        text = ir.call("replace", text, ir.text(old), ir.text(new))
    return text


def _decoded(name: str, pattern: str) -> Callable[[Expr], Expr]:
    """NULL of what is not so encoded."""

    def decode(text: Expr) -> Expr:
        return ir.when(
            ir.call("matches_full", text, ir.text(pattern), ir.text("s")), ir.call("try", ir.call(name, text))
        )

    return decode


_FORMS: dict[str, dict[str, Callable[[Expr], Expr]]] = {
    "encode": {
        "hex": lambda text: ir.call("hex", text),
        "base64": lambda text: ir.call("base64", text),
        "urlbase64": lambda text: _replaced(ir.call("base64", text), _TO_URL),
    },
    "decode": {
        "hex": _decoded("unhex", "([0-9A-Fa-f]{2})*"),
        "base64": _decoded("unbase64", _BASE64),
        "urlbase64": lambda text: _decoded("unbase64", _BASE64)(
            _replaced(text, tuple((b, a) for a, b in _TO_URL))
        ),
    },
    "escape": {"html": lambda text: _replaced(text, _HTML), "json": lambda text: _replaced(text, _JSON)},
}


def _in_form(name: str) -> Builder:
    forms = _FORMS[name]

    def build(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
        source = only(single(compiler, compiler.node(call.source, scope), call.source), STRING)
        form = constant(single(compiler, compiler.node(call.arguments[0], scope), call.arguments[0]))
        if not isinstance(form, str) or form not in forms:
            raise CompilationError("In SQL {name}() takes one of {forms}", name=name, forms=", ".join(forms))
        return EMPTY if source is None else values.system(STRING, forms[form](source.sql))

    return build


FUNCTIONS: dict[str, Builder] = {name: _in_form(name) for name in _FORMS}
