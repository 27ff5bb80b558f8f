"""What the parts of the direct back end have in common."""

from collections.abc import Callable, Sequence
from typing import Any

from shangyi.fhir import definitions
from shangyi.query import typed
from shangyi.query.model import Form, system_of
from shangyi.query.types import ItemType

Resource = dict[str, Any]
Values = Callable[[Any, Resource, Resource], Sequence[Any]]
"""Gives values of an expression for (``$this``, nearest resource, outermost resource)."""
Value = Callable[[Any, Resource, Resource], Any]
Truth = Callable[[Any, Resource, Resource], bool | None]
COMPLEX = "complex"


class Unsupported(Exception):
    """The direct back end cannot do this; the boxed one does."""


class Indirect(Exception):
    """A primitive without a value was met; the boxed back end answers."""


def kind_of(node: typed.Node) -> str:
    """``complex``, or the System type of the one type that a node has."""
    only = node.type.only
    if only is None:
        raise Unsupported
    return kind(only)


def kind(item: ItemType) -> str:
    """``complex``, or the System type of a primitive."""
    if item.namespace == "System":
        return item.name
    if definitions.is_primitive(item.name):
        found = system_of(item.name)
        return found.name if found else COMPLEX
    return COMPLEX


def forms_of(node: typed.Field) -> tuple[Form, ...]:
    """The forms of an element whose owner is known."""
    if not node.forms or len({form.owner for form in node.forms}) != 1:
        raise Unsupported
    return node.forms


def form_of(node: typed.Field) -> Form:
    """The only form of an element."""
    forms = forms_of(node)
    if len(forms) != 1:
        raise Unsupported
    return forms[0]


def keys_of(forms: Sequence[Form]) -> frozenset[str]:
    """The names in JSON that show an element to be there."""
    return frozenset(
        key for form in forms for key in ((form.key, "_" + form.key) if form.primitive else (form.key,))
    )


def is_this(node: typed.Node) -> bool:
    """``$this``."""
    return isinstance(node, typed.Local) and node.name == "this"


def is_resource(node: typed.Node) -> bool:
    """``%resource`` where its type is known."""
    return isinstance(node, typed.External) and node.name == "resource" and node.type.only is not None
