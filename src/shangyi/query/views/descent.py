"""Whether a path of ``repeat`` goes down from its item: one that leads back to it, or anywhere else, never comes to an end."""

from shangyi.fhir import definitions
from shangyi.query import tree

_CHOOSING = frozenset(
    "where first last tail skip take single distinct ofType as trace exclude intersect".split()
)
"""Functions that give some of the items that they are asked of, or what lies below these."""
_JOINING = frozenset({"union", "combine"})


def turning(node: tree.Node, start: tree.Node | None = None) -> tree.Node | None:
    """The node by which the path does not go down from its item; None where it does.

    ``start``: what an expression within a function starts from, where that is known to lie below already.
    """
    match node:
        case tree.Empty():
            return None
        case tree.Member(source=None):
            return node if start is None and node.name in definitions.type_names() else None
        case tree.Member(source=tree.Node() as source):
            return None if _is_item(source) else turning(source, start)
        case tree.TypeTest(source=source) | tree.Index(source=source):
            return turning(source, start) if source is not None else node
        case tree.Binary(operator="|"):
            return turning(node.left, start) or turning(node.right, start)
        case tree.Variable(name="this") if start is not None:
            return None
        case tree.Call():
            return _turning_call(node, start)
    return node


def _turning_call(node: tree.Call, start: tree.Node | None) -> tree.Node | None:
    name, source, arguments = node.name, node.source, node.arguments
    if name in _JOINING:
        parts = (*((source,) if source is not None else ()), *arguments)
        return next((found for part in parts if (found := turning(part, start))), None)
    if name == "iif":
        branches = arguments[1:]
        return next((found for part in branches if (found := turning(part, start))), None)
    if name in ("select", "repeat") and arguments:
        below = source is not None and not _is_item(source) and turning(source, start) is None
        return turning(arguments[0], source if below else start)
    if name == "extension":
        return None if source is None or _is_item(source) else turning(source, start)
    if name in _CHOOSING:
        return turning(source, start) if source is not None else (None if start is not None else node)
    return node


def _is_item(node: tree.Node) -> bool:
    """Whether this is the item itself: ``$this``, or a name of its type before its elements."""
    if isinstance(node, tree.Variable):
        return node.name == "this"
    if isinstance(node, tree.Member):
        return node.source is None and node.name in definitions.type_names()
    if isinstance(node, tree.TypeTest) or (isinstance(node, tree.Call) and node.name in _CHOOSING):
        return node.source is None or _is_item(node.source)
    return False
