"""The typed tree of CQL, in the terms of ELM (https://cql.hl7.org/04-logicalspecification.html).

Every node knows its ``type`` and its ``place`` in the source. Names are resolved, overloads chosen, implicit
conversions written out (``As``, ``Operator("ToDecimal")``, a ``FunctionRef`` to FHIRHelpers), so a back end decides
nothing but how. Operators that are nothing but operands share one class, ``Operator``, by their names in ELM; what
has parts of its own has a class of its own. ``query.cql.elm`` reads and writes the same as JSON.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from decimal import Decimal

from shangyi.query.cql.types import ANY, Type
from shangyi.query.quantity import Quantity
from shangyi.query.temporal import Temporal
from shangyi.query.types import ItemType


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node is written: lines and columns from 1, ``end_column`` that of its last character (ELM's locator).

    ``library`` is the name of the library, with its version behind ``|`` where it has one.
    """

    library: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}-{self.end_line}:{self.end_column}"


NOWHERE = Place("", 0, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Anything in the tree. ``place`` does not count when trees are compared."""

    type: Type = ANY
    place: Place = field(default=NOWHERE, compare=False, repr=False)


# Values


@dataclass(frozen=True, slots=True)
class Null(Node):
    """``null``."""


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A literal of a System type: also dates, times and quantities; ``type`` tells Integer from Long."""

    value: bool | int | Decimal | str | Temporal | Quantity


@dataclass(frozen=True, slots=True)
class Ratio(Node):
    """``1 'mg' : 2 'mL'``."""

    numerator: Quantity
    denominator: Quantity


@dataclass(frozen=True, slots=True)
class Interval(Node):
    """``Interval[low, high)``. The closed-ness is an expression where it is computed (``interval.lowClosed``)."""

    low: Node
    high: Node
    low_closed: "bool | Node" = True
    high_closed: "bool | Node" = True


@dataclass(frozen=True, slots=True)
class List(Node):
    """``{ a, b }``."""

    elements: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Element(Node):
    """``name: value`` of a tuple or an instance."""

    name: str
    value: Node


@dataclass(frozen=True, slots=True)
class Tuple(Node):
    """``Tuple { name: value }``, elements in the order written."""

    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Instance(Node):
    """``FHIR.Period { start: … }``: the class is the node's type."""

    elements: tuple[Element, ...]


# Terminology


@dataclass(frozen=True, slots=True)
class CodeSystemRef(Node):
    """A code system, by its definition. ``library``: the local name of an include, "" for the own library."""

    library: str
    name: str


@dataclass(frozen=True, slots=True)
class ValueSetRef(Node):
    """A value set, by its definition: a System.ValueSet; its codes are ``Operator("ExpandValueSet")``."""

    library: str
    name: str


@dataclass(frozen=True, slots=True)
class CodeRef(Node):
    """A code, by its definition."""

    library: str
    name: str


@dataclass(frozen=True, slots=True)
class ConceptRef(Node):
    """A concept, by its definition."""

    library: str
    name: str


@dataclass(frozen=True, slots=True)
class Code(Node):
    """``Code 'x' from "System" display '…'``."""

    code: str
    system: CodeSystemRef
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Concept(Node):
    """``Concept { Code …, Code … } display '…'``."""

    codes: tuple[Code, ...]
    display: str | None = None


# References


@dataclass(frozen=True, slots=True)
class ExpressionRef(Node):
    """The value of a definition."""

    library: str
    name: str


@dataclass(frozen=True, slots=True)
class ParameterRef(Node):
    """The value of a parameter."""

    library: str
    name: str


@dataclass(frozen=True, slots=True)
class FunctionRef(Node):
    """A call. ``signature``: the operand types of the definition that was chosen, which may be one of several."""

    library: str
    name: str
    operands: tuple[Node, ...]
    signature: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class OperandRef(Node):
    """An operand of the function that this stands in."""

    name: str


@dataclass(frozen=True, slots=True)
class AliasRef(Node):
    """One item of a query's source (the whole of it, where it is no list)."""

    name: str


@dataclass(frozen=True, slots=True)
class QueryLetRef(Node):
    """What a query's ``let`` defined, or the value so far in ``aggregate``."""

    name: str


@dataclass(frozen=True, slots=True)
class Current(Node):
    """``$this``: the item of ``Filter``, ``ForEach``, ``Repeat``; in ``sort`` the item of the result."""

    scope: str = "$this"


@dataclass(frozen=True, slots=True)
class Iteration(Node):
    """``$index``."""

    scope: str = "$this"


@dataclass(frozen=True, slots=True)
class Total(Node):
    """``$total``."""

    scope: str = "$this"


@dataclass(frozen=True, slots=True)
class Property(Node):
    """``source.path``; null of null. ``path`` has the names of the model, joined by dots (``birthDate.value``).

    Of a FHIR choice element the path has the plain name (``value``, not ``valueQuantity``). ``value`` of a FHIR
    primitive is its System value.
    """

    source: Node
    path: str


# Operators


@dataclass(frozen=True, slots=True)
class Operator(Node):
    """An operator of ELM by its name there: ``And``, ``Add``, ``SameOrBefore``, ``Substring``, ``InValueSet`` …

    ``operands`` are in the order of ELM's schema; those left out at the end are not there, those left out before
    are ``Null``. ``precision``: ``year`` … ``millisecond``, ``week``, where the operator has one.
    """

    name: str
    operands: tuple[Node, ...]
    precision: str | None = None


@dataclass(frozen=True, slots=True)
class Is(Node):
    """``x is T``."""

    operand: Node
    target: Type


@dataclass(frozen=True, slots=True)
class As(Node):
    """``x as T``: null where the value is of another type, an error then with ``strict`` (``cast``)."""

    operand: Node
    target: Type
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Convert(Node):
    """``convert x to T``, where ELM has no operator for it by name."""

    operand: Node
    target: Type


@dataclass(frozen=True, slots=True)
class CanConvert(Node):
    """Whether ``convert x to T`` gives a value."""

    operand: Node
    target: Type


@dataclass(frozen=True, slots=True)
class If(Node):
    """``if … then … else …``: a null condition is false."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class CaseItem(Node):
    """``when … then …``."""

    when: Node
    then: Node


@dataclass(frozen=True, slots=True)
class Case(Node):
    """``case``: items are conditions, or with a comparand values equal to it."""

    comparand: Node | None
    items: tuple[CaseItem, ...]
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Filter(Node):
    """The items for which the condition is true; ``Current(scope)`` is the item."""

    source: Node
    condition: Node
    scope: str = "$this"


@dataclass(frozen=True, slots=True)
class ForEach(Node):
    """``element`` of each item."""

    source: Node
    element: Node
    scope: str = "$this"


@dataclass(frozen=True, slots=True)
class Repeat(Node):
    """``element`` of each item, again of what that gave, until nothing new comes."""

    source: Node
    element: Node
    scope: str = "$this"


@dataclass(frozen=True, slots=True)
class Aggregate(Node):
    """``iteration`` for each item, with ``Current`` the item and ``Total`` the value so far."""

    source: Node
    iteration: Node
    initial: Node | None


# Queries


@dataclass(frozen=True, slots=True)
class Source(Node):
    """``expression alias``: its type is that of an item; the source is a list where ``expression.type`` is one."""

    alias: str
    expression: Node


@dataclass(frozen=True, slots=True)
class Let(Node):
    """``let name: expression``."""

    name: str
    expression: Node


@dataclass(frozen=True, slots=True)
class Relationship(Node):
    """``with`` or (``negated``) ``without`` a source such that a condition is true."""

    alias: str
    expression: Node
    condition: Node
    negated: bool


@dataclass(frozen=True, slots=True)
class Return(Node):
    """``return``: ``distinct`` unless ``all`` is said."""

    expression: Node
    distinct: bool


@dataclass(frozen=True, slots=True)
class AggregateClause(Node):
    """``aggregate name starting …: expression``; ``QueryLetRef(name)`` is the value so far."""

    name: str
    expression: Node
    starting: Node
    distinct: bool


@dataclass(frozen=True, slots=True)
class SortItem(Node):
    """One key. ``expression`` is over ``Current``; None sorts by the item itself. Nulls come first in ``asc``."""

    expression: Node | None
    descending: bool


@dataclass(frozen=True, slots=True)
class Query(Node):
    """A query: rows of all sources, related, filtered, returned or aggregated, sorted.

    Its value is a list where any source is one, else a single value. Without ``returns`` and ``aggregate`` it
    gives the one source's items as they are, of several sources a tuple by alias, without duplicates.
    """

    sources: tuple[Source, ...]
    lets: tuple[Let, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    where: Node | None = None
    returns: Return | None = None
    aggregate: AggregateClause | None = None
    sort: tuple[SortItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Retrieve(Node):
    """``[data_type: codes]`` in the current context.

    ``data_type`` is of the model that the data is in; ``template`` the canonical URL of the profile, if the type
    names one. ``codes``: a list of codes (``comparator`` ``~`` or ``=``) or a value set (``in``).
    """

    data_type: ItemType
    template: str | None = None
    code_property: str | None = None
    comparator: str | None = None
    codes: Node | None = None
    date_property: str | None = None
    date_range: Node | None = None
    id_property: str | None = None
    id: Node | None = None
    context: Node | None = None


_parts: dict[type[Node], tuple[str, ...]] = {}
"""Fields by class: ``fields`` is slow for a walk over thousands of nodes."""


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below, in the order of the class's fields."""
    kind = type(node)
    names = _parts.get(kind)
    if names is None:
        names = _parts[kind] = tuple(f.name for f in fields(node) if f.name not in ("type", "place"))
    for name in names:
        part = getattr(node, name)
        if isinstance(part, Node):
            yield part
        elif isinstance(part, tuple):
            yield from (item for item in part if isinstance(item, Node))


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, each before its own."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting.extend(reversed(list(children(found))))
