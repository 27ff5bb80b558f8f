"""The syntax tree that FHIRPath now, and CQL and SQL views later, have in common.

Every node is a frozen dataclass and knows its place in the text (``span``), which does not count when trees
are compared; members and calls also know the place of their name. The tree says what was written; what it means
for a root type is added by ``query.resolve``.
"""

from dataclasses import dataclass, field
from decimal import Decimal as Number


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node stands: offsets, and line and column of its start from 1."""

    start: int
    end: int
    line: int
    column: int


NOWHERE = Span(0, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Anything in the tree."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Empty(Node):
    """``{}``."""


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A boolean, string, integer or decimal."""

    value: bool | str | int | Number


@dataclass(frozen=True, slots=True)
class TemporalLiteral(Node):
    """``@2014-01``, ``@2014-01T08``, ``@T08:30``: ``kind`` is Date, DateTime or Time, ``text`` without marks."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class QuantityLiteral(Node):
    """``4 'mg'`` or ``4 days``; ``calendar`` tells the unit words from UCUM."""

    value: Number
    unit: str
    calendar: bool


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """``$this``, ``$index``, ``$total``."""

    name: str


@dataclass(frozen=True, slots=True)
class External(Node):
    """``%name``."""

    name: str


@dataclass(frozen=True, slots=True)
class Member(Node):
    """``source.name``; without a source the context's own element, or the context itself by its type."""

    source: Node | None
    name: str
    place: Span = field(default=NOWHERE, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Call(Node):
    """``source.name(arguments)``."""

    source: Node | None
    name: str
    arguments: tuple[Node, ...]
    place: Span = field(default=NOWHERE, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Index(Node):
    """``source[index]``."""

    source: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """``+x``, ``-x``; as an argument of ``sort`` also ``x asc``, ``x desc``."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """Every operator between two expressions but those on types."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class TypeName(Node):
    """A type specifier; ``namespace`` is "" where none was written."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class TypeTest(Node):
    """``is``, ``as`` (operator or function) and ``ofType``; without a source, of the context."""

    operator: str
    source: Node | None
    type: TypeName


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, in the order of the text."""
    match node:
        case Member(source=None) | TypeTest(source=None):
            return ()
        case Member(source=source) | TypeTest(source=source):
            return (source,) if source is not None else ()
        case Call():
            return (node.source, *node.arguments) if node.source is not None else node.arguments
        case Index():
            return (node.source, node.index)
        case Unary():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
    return ()
