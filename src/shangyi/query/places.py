"""The back end that only says where: a path over the typed tree as names in JSON, for walking many paths at once.

It knows paths, ``ofType``, an index, and ``where`` with an equality or ``resolve() is``: the part of FHIRPath that
search parameters use. ``union`` splits an expression into the paths that it unites.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from shangyi.errors import NotSupported
from shangyi.query import tree, typed
from shangyi.query.errors import SemanticError
from shangyi.query.resolve import resolve
from shangyi.query.types import ItemType, one

Step = tuple[str, ...]
"""``(name,)`` in JSON; ``("where", name, value)`` keeps what has the value; ``("index", n)`` one of an array."""


@dataclass(frozen=True, slots=True)
class Place:
    """One way that a path can be written in JSON, and the type at its end. ``target``: the only resource type that a
    reference there may point to.
    """

    steps: tuple[Step, ...]
    type: ItemType
    target: str | None = None


def union(node: tree.Node) -> Iterator[tree.Node]:
    """The members of ``a | b | c``, in the order of the text."""
    if isinstance(node, tree.Binary) and node.operator == "|":
        yield from union(node.left)
        yield from union(node.right)
    else:
        yield node


def head(node: tree.Node) -> str:
    """The name that a path starts with; "" where it starts with none."""
    match node:
        case tree.Member(source=None):
            return node.name
        case tree.Member() | tree.Index() | tree.Call(source=tree.Node()) | tree.TypeTest(source=tree.Node()):
            return head(node.source) if node.source is not None else ""
    return ""


def places(node: tree.Node, root: str, text: str) -> list[Place]:
    """The places that a path leads to from a type, one for each form of a choice. NotSupported where it is no path."""
    try:
        return _places(resolve(node, one(ItemType("FHIR", root)), text=text), text)
    except SemanticError:
        raise _no_path(text) from None


def _no_path(text: str) -> NotSupported:
    return NotSupported("{path} is more than a path", path=text)


def _places(node: typed.Node, text: str) -> list[Place]:
    match node:
        case typed.Local(name="this") if node.type.only is not None:
            return [Place((), node.type.only)]
        case typed.Field(forms=tuple() as forms):
            return [
                Place((*place.steps, (form.key,)), form.type, place.target)
                for place in _places(node.source, text)
                for form in forms
                if form.owner == place.type
            ]
        case typed.TypeOperation(operator="ofType" | "as"):
            # Exactly that type: parameters name each (ConceptMap's source is canonical, its source-uri is uri).
            return [place for place in _places(node.source, text) if place.type == node.target]
        case typed.At(index=typed.Constant(value=int() as position)):
            step = ("index", str(position))
            return [Place((*p.steps, step), p.type, p.target) for p in _places(node.source, text)]
        case typed.Call(function="where"):
            return _where(node, text)
    raise _no_path(text)


def _where(node: typed.Call, text: str) -> list[Place]:
    found = _places(node.source, text)
    match node.arguments[0]:
        case (
            typed.TypeOperation(
                operator="is", source=typed.Call(function="resolve", source=typed.Local())
            ) as test
        ):
            return [Place(place.steps, place.type, test.target.name) for place in found]
        case typed.Operation(
            operator="=",
            left=typed.Field(source=typed.Local(name="this"), forms=(form,)),
            right=typed.Constant(value=str() as value),
        ):
            return [Place((*p.steps, ("where", form.key, value)), p.type, p.target) for p in found]
    raise _no_path(text)
