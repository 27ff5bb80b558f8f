"""The syntax tree of CQL: what was written, before any name is looked up.

Nodes keep offsets into the text, which do not count when trees are compared; ``cql.translate`` makes typed trees.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Anything in the tree: ``text[start:end]``."""

    start: int = field(default=0, compare=False, repr=False)
    end: int = field(default=0, compare=False, repr=False)


# Types


@dataclass(frozen=True, slots=True)
class NamedType(Node):
    """``FHIR.Patient``: the parts of the name."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListType(Node):
    """``List<T>``."""

    element: "TypeSpecifier"


@dataclass(frozen=True, slots=True)
class IntervalType(Node):
    """``Interval<T>``."""

    point: "TypeSpecifier"


@dataclass(frozen=True, slots=True)
class TupleType(Node):
    """``Tuple { name T, … }``."""

    elements: tuple[tuple[str, "TypeSpecifier"], ...]


@dataclass(frozen=True, slots=True)
class ChoiceType(Node):
    """``Choice<T, …>``."""

    options: tuple["TypeSpecifier", ...]


TypeSpecifier = NamedType | ListType | IntervalType | TupleType | ChoiceType


# Terms


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """``kind``: null, boolean, string, number, long, date, datetime, time; ``text`` without marks."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Quantity(Node):
    """``4 'mg'``, ``4 days``: ``calendar`` tells words from UCUM; without a unit ``1``."""

    value: str
    unit: str
    calendar: bool


@dataclass(frozen=True, slots=True)
class Ratio(Node):
    """``1 'mg' : 2 'mL'``."""

    numerator: Quantity
    denominator: Quantity


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """``$this``, ``$index``, ``$total``."""

    name: str


@dataclass(frozen=True, slots=True)
class External(Node):
    """``%name``."""

    name: str


@dataclass(frozen=True, slots=True)
class Identifier(Node):
    """A name."""

    name: str


@dataclass(frozen=True, slots=True)
class Member(Node):
    """``source.name``."""

    source: Node
    name: str


@dataclass(frozen=True, slots=True)
class Call(Node):
    """``name(arguments)`` or ``source.name(arguments)``."""

    source: Node | None
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Index(Node):
    """``source[index]``."""

    source: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Interval(Node):
    """``Interval[low, high)``."""

    low: Node
    high: Node
    low_closed: bool
    high_closed: bool


@dataclass(frozen=True, slots=True)
class Element(Node):
    """``name: value``."""

    name: str
    value: Node


@dataclass(frozen=True, slots=True)
class Tuple(Node):
    """``Tuple { … }``."""

    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Instance(Node):
    """``FHIR.Period { … }``."""

    type: NamedType
    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class List(Node):
    """``{ … }``, ``List<T> { … }``."""

    type: TypeSpecifier | None
    elements: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Name(Node):
    """``library.name`` of a code system or code."""

    library: str
    name: str


@dataclass(frozen=True, slots=True)
class Code(Node):
    """``Code 'x' from "System"``."""

    code: str
    system: Name
    display: str | None


@dataclass(frozen=True, slots=True)
class Concept(Node):
    """``Concept { Code … }``."""

    codes: tuple[Code, ...]
    display: str | None


# Expressions


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """An operator before, or behind (``is null``), one expression; ``precision`` of ``year from x``."""

    operator: str
    operand: Node
    precision: str | None = None


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """An operator between two expressions."""

    operator: str
    left: Node
    right: Node
    precision: str | None = None


@dataclass(frozen=True, slots=True)
class Phrase:
    """A timing phrase. ``kind``: same, includes, during, relative, within, meets, overlaps, starts, ends.

    ``left`` and ``right``: the boundary that is meant (``start`` or ``end``), "" for the whole; ``relation``: before,
    after, as; ``inclusive``: with ``or before``, ``on or``; ``offset`` a distance, ``bound`` how it is meant:
    "" exactly, ``or more``, ``or less``, ``less than``, ``more than``.
    """

    kind: str
    left: str = ""
    right: str = ""
    relation: str = ""
    inclusive: bool = False
    properly: bool = False
    precision: str | None = None
    offset: Quantity | None = None
    bound: str = ""


@dataclass(frozen=True, slots=True)
class Timing(Node):
    """``left phrase right``."""

    phrase: Phrase
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Between(Node):
    """``x between low and high``."""

    operand: Node
    low: Node
    high: Node
    properly: bool


@dataclass(frozen=True, slots=True)
class Span(Node):
    """``duration in days between a and b``, ``difference …``; without ``high`` of an interval."""

    operator: str
    precision: str
    low: Node
    high: Node | None


@dataclass(frozen=True, slots=True)
class TypeOperation(Node):
    """``is``, ``as``, ``cast``, ``convert``, ``minimum``, ``maximum`` (these two without an operand)."""

    operator: str
    operand: Node | None
    type: TypeSpecifier


@dataclass(frozen=True, slots=True)
class ConvertUnit(Node):
    """``convert x to 'mg'``."""

    operand: Node
    unit: str


@dataclass(frozen=True, slots=True)
class If(Node):
    """``if … then … else …``."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Case(Node):
    """``case``: pairs of ``when`` and ``then``."""

    comparand: Node | None
    items: tuple[tuple[Node, Node], ...]
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Per(Node):
    """``expand``, ``collapse``; ``per`` an expression or a unit's quantity."""

    operator: str
    operand: Node
    per: Node | None


@dataclass(frozen=True, slots=True)
class Retrieve(Node):
    """``[context -> Type: path in codes]``."""

    type: NamedType
    context: Node | None
    path: str | None
    comparator: str | None
    codes: Node | None


# Queries


@dataclass(frozen=True, slots=True)
class Source(Node):
    """``expression alias``."""

    alias: str
    expression: Node


@dataclass(frozen=True, slots=True)
class Relationship(Node):
    """``with``/``without`` a source ``such that`` a condition."""

    source: Source
    condition: Node
    negated: bool


@dataclass(frozen=True, slots=True)
class Aggregate(Node):
    """``aggregate distinct name starting x: expression``."""

    name: str
    starting: Node | None
    expression: Node
    distinct: bool


@dataclass(frozen=True, slots=True)
class Return(Node):
    """``return``."""

    expression: Node
    distinct: bool


@dataclass(frozen=True, slots=True)
class SortItem(Node):
    """``by expression desc``; without an expression by the item itself."""

    expression: Node | None
    descending: bool


@dataclass(frozen=True, slots=True)
class Query(Node):
    """A query."""

    sources: tuple[Source, ...]
    lets: tuple[Element, ...]
    relationships: tuple[Relationship, ...]
    where: Node | None
    aggregate: Aggregate | None
    returns: Return | None
    sort: tuple[SortItem, ...]


# Definitions


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition(Node):
    """Anything that a library defines; ``name`` is the local one."""

    name: str
    private: bool = False
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Using(Definition):
    """``using``: ``model`` with its namespace, joined by dots."""

    model: str
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Include(Definition):
    """``include``."""

    library: str
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Definition):
    """``parameter``."""

    type: TypeSpecifier | None
    default: Node | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSystem(Definition):
    """``codesystem``."""

    id: str
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSet(Definition):
    """``valueset``."""

    id: str
    version: str | None
    systems: tuple[Name, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeDefinition(Definition):
    """``code``."""

    id: str
    system: Name
    display: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptDefinition(Definition):
    """``concept``."""

    codes: tuple[Name, ...]
    display: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression(Definition):
    """``define``; ``context`` is the one that it stands in, without its model."""

    context: str
    expression: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Function(Definition):
    """``define function``; without a body it is external."""

    context: str
    operands: tuple[tuple[str, TypeSpecifier], ...]
    returns: TypeSpecifier | None
    body: Node | None
    fluent: bool


@dataclass(frozen=True, slots=True)
class Library(Node):
    """A library: its name ("" where none is said), and definitions in the order of the text."""

    name: str
    version: str | None
    definitions: tuple[Definition, ...]
    contexts: tuple[tuple[str, str], ...] = ()
