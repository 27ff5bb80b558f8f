"""The typed tree: what an expression means for a root type. Every back end starts here, none types again.

Each node has its place in the text and its static ``type``. A node says what is done, not how: ``Field`` carries the
forms in which the element can be written, so a back end over JSON reads keys, one over columns reads columns.
Implicit conversions are not nodes: an operand's static type and the operator say which is needed, and where the
static type is open they happen at run time.
"""

from dataclasses import dataclass, field

from shangyi.query.model import Form
from shangyi.query.tree import NOWHERE, Span
from shangyi.query.types import NOTHING, ItemType, Type


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Anything in the typed tree."""

    type: Type = NOTHING
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A literal: bool, str, int, Decimal, Temporal or Quantity."""

    value: object


@dataclass(frozen=True, slots=True)
class Empty(Node):
    """``{}``."""


@dataclass(frozen=True, slots=True)
class Local(Node):
    """``$this`` (also where a path starts without a source), ``$index``, ``$total``."""

    name: str


@dataclass(frozen=True, slots=True)
class External(Node):
    """``%name`` from outside: ``resource``, ``context``, what the caller gives."""

    name: str


@dataclass(frozen=True, slots=True)
class Defined(Node):
    """``%name`` that ``defineVariable`` at ``site`` set."""

    name: str
    site: int


@dataclass(frozen=True, slots=True)
class Field(Node):
    """An element of each item. ``forms`` None: the item's own type decides at run time."""

    source: Node
    name: str
    forms: tuple[Form, ...] | None


@dataclass(frozen=True, slots=True)
class TypeOperation(Node):
    """``is``, ``as``, ``ofType``."""

    operator: str
    source: Node
    target: ItemType


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function on a source. Which arguments are evaluated for each item says its signature."""

    function: str
    source: Node
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Define(Node):
    """``defineVariable``: the input again; the value (the input where None) is kept under ``site``."""

    source: Node
    name: str
    site: int
    value: Node | None


@dataclass(frozen=True, slots=True)
class At(Node):
    """``source[index]``."""

    source: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Operation(Node):
    """An operator between two expressions."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negation(Node):
    """``-x``."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Key(Node):
    """An argument of ``sort``: ``asc``, ``desc`` (empty last), or ``-`` (the value negated, so empty stays first)."""

    operand: Node
    order: str


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, in the order of the text."""
    match node:
        case Field() | TypeOperation():
            return (node.source,)
        case Call():
            return (node.source, *node.arguments)
        case Define():
            return (node.source,) if node.value is None else (node.source, node.value)
        case At():
            return (node.source, node.index)
        case Operation():
            return (node.left, node.right)
        case Negation() | Key():
            return (node.operand,)
    return ()
