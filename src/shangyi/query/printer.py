"""A tree as text again: what ``parse`` reads as the same tree, with brackets wherever operators meet."""

import re
from decimal import Decimal

from shangyi.query import tree
from shangyi.query.parser import BINARY

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS = {"true", "false", "asc", "desc", *BINARY}
_ESCAPES = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "`": "\\`", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}
)


def write(node: tree.Node) -> str:
    """The text of a tree."""
    match node:
        case tree.Empty():
            return "{}"
        case tree.Literal():
            return _literal(node.value)
        case tree.TemporalLiteral():
            return ("@T" if node.kind == "Time" else "@") + node.text
        case tree.QuantityLiteral():
            unit = node.unit if node.calendar else _quoted(node.unit, "'")
            return f"{node.value:f} {unit}"
        case tree.Variable():
            return f"${node.name}"
        case tree.External():
            return f"%{_name(node.name)}"
        case tree.Member():
            return _source(node.source) + _name(node.name)
        case tree.Call():
            return f"{_source(node.source)}{_name(node.name)}({', '.join(map(write, node.arguments))})"
        case tree.TypeTest():
            return f"{_source(node.source)}{node.operator}({_type(node.type)})"
        case tree.Index():
            return f"{_operand(node.source)}[{write(node.index)}]"
        case tree.Unary(operator="asc" | "desc"):
            return f"{write(node.operand)} {node.operator}"
        case tree.Unary():
            return node.operator + _operand(node.operand)
        case tree.Binary():
            return f"{_operand(node.left)} {node.operator} {_operand(node.right)}"
    raise TypeError(type(node).__name__)


def _operand(node: tree.Node) -> str:
    text = write(node)
    return f"({text})" if isinstance(node, tree.Binary | tree.Unary) else text


def _source(node: tree.Node | None) -> str:
    return "" if node is None else _operand(node) + "."


def _literal(value: bool | str | int | Decimal) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return (
        _quoted(value, "'")
        if isinstance(value, str)
        else f"{value:f}"
        if isinstance(value, Decimal)
        else str(value)
    )


def _quoted(text: str, quote: str) -> str:
    return quote + text.translate(_ESCAPES) + quote


def _name(name: str) -> str:
    return name if _NAME.fullmatch(name) and name not in _WORDS else _quoted(name, "`")


def _type(node: tree.TypeName) -> str:
    return f"{_name(node.namespace)}.{_name(node.name)}" if node.namespace else _name(node.name)
