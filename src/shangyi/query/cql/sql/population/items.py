"""What a node of CQL is over a population, beside the columns of ``values``: elements of FHIR, lists as rows, codes.

An element gives its children when it is asked, so that a scan reads only the columns that are used. What comes out of
another select (``Seen``) passes the question on inwards: a conversion is done where the data is, and its columns put out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from shangyi.query.columns import Column
from shangyi.query.cql import tree
from shangyi.query.cql.sql import values
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.population.select import NOTHING, Order, Select
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr


@dataclass(frozen=True)
class Missing:
    """A null of any type: what the lake has no column for."""


MISSING = Missing()


@dataclass(frozen=True, eq=False)
class Element:
    """An element of FHIR: a STRUCT (or the row of a table), or a primitive in one column.

    ``child``: the column of a JSON name. ``path``: where it is in its resource, by JSON names.
    """

    type: str
    sql: Expr
    fields: tuple[Column, ...]
    path: str
    beyond: frozenset[str]
    row: bool = False

    def child(self, column: Column) -> Expr:
        """A column or field."""
        return ir.Name(column.name) if self.row else ir.Member(self.sql, column.name)


@dataclass(frozen=True, eq=False)
class Elements:
    """A list within an element: a LIST of elements."""

    type: str
    sql: Expr
    fields: tuple[Column, ...]
    path: str
    beyond: frozenset[str]


@dataclass(frozen=True, eq=False)
class Side:
    """A choice: at most one of these is not null."""

    options: "tuple[Item, ...]"


@dataclass(frozen=True, eq=False)
class Fields:
    """A tuple. ``there``: true, or null where there is none."""

    elements: "dict[str, Item]"
    there: Expr = ir.TRUE


@dataclass(frozen=True, eq=False)
class Coded:
    """A Code or Concept. ``keys``: a LIST of ``system|code``; ``code``, ``system``: of a Code."""

    keys: Expr
    there: Expr
    code: Expr | None = None
    system: Expr | None = None


@dataclass(frozen=True, eq=False)
class Rows:
    """A list: the rows of a select, ``item`` in its columns.

    ``key``: rows that agree in these are one item (a union), which is put in force where it makes a difference.
    ``place``: tells rows of one resource from others, and orders them where nothing else does. ``whole``: items are
    resources, so that place tells items apart as well.
    """

    select: Select
    item: "Item"
    key: tuple[Expr, ...] = ()
    place: tuple[Expr, ...] = ()
    order: tuple[Order, ...] = ()
    whole: bool = False


@dataclass(frozen=True, eq=False)
class Delayed:
    """A list that a name, or an element of a tuple, stands for: rows of its own wherever it is used.

    ``env``: where it is written; None where that is another select, so that it cannot be told.
    """

    node: tree.Node
    env: Any


@dataclass(frozen=True, eq=False)
class Literals:
    """A list whose items are written out."""

    items: "tuple[Item, ...]"


@dataclass(frozen=True, eq=False)
class Seen:
    """An element of another select (of a union: of each branch, None where it is none there)."""

    port: "Port"
    inner: "tuple[Element | Elements | Seen | None, ...]"

    @property
    def type(self) -> str:
        """Its FHIR type."""
        return next(found.type for found in self.inner if found is not None)

    @property
    def listed(self) -> bool:
        """Whether it is a list."""
        found = next(found for found in self.inner if found is not None)
        return found.listed if isinstance(found, Seen) else isinstance(found, Elements)


Item: TypeAlias = (
    Missing | Element | Elements | Delayed | Side | Fields | Coded | Rows | Literals | Seen | values.Value
)


@dataclass(frozen=True, eq=False)
class Port:
    """From within a select, or of several, to who reads from it: ``take`` gives a column for an expression of each.

    ``optional``: there may be no row, so that even a constant is null then.
    """

    take: Callable[..., Expr]
    optional: bool = False

    def column(self, inner: Sequence[Expr | None]) -> Expr:
        """The column for an expression (of each branch; None is null)."""
        first = inner[0]
        if not self.optional and isinstance(first, ir.Literal) and all(sql == first for sql in inner):
            return first
        return self.take(*(NOTHING if sql is None else sql for sql in inner))

    def seen(self, inner: Sequence[Item | None]) -> Item:
        """An item (of each branch) as it is seen from outside."""
        kinds: dict[object, list[Item | None]] = {}
        for place, item in enumerate(inner):
            for option in _options(item):
                kinds.setdefault(kind_of(option), [None] * len(inner))[place] = option
        if not kinds:
            return MISSING
        found = tuple(self._one(options) for options in kinds.values())
        return found[0] if len(found) == 1 else Side(found)

    def _one(self, inner: Sequence[Item | None]) -> Item:
        first = next(item for item in inner if item is not None)
        match first:
            case Element() | Elements() | Seen():
                return Seen(self, tuple(inner))  # type: ignore[arg-type]
            case Fields():
                each = [None if i is None else i for i in inner]
                names = first.elements
                return Fields(
                    {
                        name: self.seen([i.elements[name] if isinstance(i, Fields) else None for i in each])
                        for name in names
                    },
                    self.column([i.there if isinstance(i, Fields) else None for i in each]),
                )
            case Coded():
                return Coded(*(self._optional(inner, name) for name in ("keys", "there", "code", "system")))  # type: ignore[arg-type]
            case Delayed():
                return Delayed(first.node, None)
            case Rows() | Literals() | Side() | Missing():
                raise NoForm("{node} has no form in SQL yet", node="List<List>")
        return self._value(list(inner))

    def _optional(self, inner: Sequence[Item | None], name: str) -> Expr | None:
        found = [None if item is None else getattr(item, name) for item in inner]
        return None if all(sql is None for sql in found) else self.column(found)

    def _value(self, inner: Sequence[Item | None]) -> Item:
        known = [item for item in inner if item is not None]
        shape = known[0]
        names = [name for name, _ in values.parts(shape)]  # type: ignore[arg-type]
        columns = [
            {} if item is None else dict(values.parts(item))  # type: ignore[arg-type]
            for item in inner
        ]
        if any(found and list(found) != names for found in columns):
            raise NoForm("{node} of {types} has no form in SQL yet", node="Union", types="Choice")
        made = [self.column([found.get(name) for found in columns]) for name in names]
        return values.rebuilt(shape, iter(made))  # type: ignore[arg-type]


def _options(item: Item | None) -> tuple[Item, ...]:
    if item is None or isinstance(item, Missing):
        return ()
    return item.options if isinstance(item, Side) else (item,)


def kind_of(item: Item) -> object:
    """What tells the options of a choice apart."""
    if isinstance(item, Element | Elements | Seen):
        return "FHIR", item.type
    if isinstance(item, Fields):
        return tuple(item.elements)
    if isinstance(item, Coded):
        return "Code" if item.code is not None else "Concept"
    return getattr(item, "type", type(item))


def through(item: Item, use: Callable[[Element | Elements], Item]) -> Item:
    """``use`` of the element where it is, seen from here."""
    if isinstance(item, Seen):
        return item.port.seen([None if inner is None else through(inner, use) for inner in item.inner])
    if isinstance(item, Side):
        return side([through(option, use) for option in item.options])
    return use(item) if isinstance(item, Element | Elements) else item


def side(options: Sequence[Item]) -> Item:
    """A choice of these."""
    found = [option for item in options for option in _options(item)]
    return MISSING if not found else found[0] if len(found) == 1 else Side(tuple(found))


def there(item: Item) -> Expr:
    """Whether an item is not null."""
    match item:
        case Missing():
            return ir.FALSE
        case Element():
            return ir.TRUE if item.row and item.sql == ir.TRUE else ir.is_there(item.sql)
        case Elements():
            return ir.is_there(item.sql)
        case Seen():
            found = item.port.column([None if inner is None else there(inner) for inner in item.inner])
            return ir.certain(found)
        case Side():
            return ir.either(*(there(option) for option in item.options))
        case Fields() | Coded():
            return ir.TRUE if item.there == ir.TRUE else ir.certain(item.there)
        case Literals():
            return ir.TRUE
        case Rows() | Delayed():
            raise NoForm("{node} of {types} has no form in SQL yet", node="IsNull", types="List")
    return ir.negated(values.is_null(item))


def exprs(item: Item) -> list[Expr]:
    """The columns that tell an item from another."""
    match item:
        case Missing():
            return []
        case Element():
            return [ir.Name("resource_key")] if item.row else [item.sql]  # of a row it is all that tells
        case Seen():
            inner = [[] if i is None else exprs(i) for i in item.inner]
            width = max(map(len, inner))
            return [item.port.column([i[n] if n < len(i) else None for i in inner]) for n in range(width)]
        case Side():
            return [sql for option in item.options for sql in exprs(option)]
        case Fields():
            return [sql for element in item.elements.values() for sql in exprs(element)]
        case Coded():
            return [item.keys]
        case Elements() | Rows() | Literals() | Delayed():
            raise NoForm("{node} has no form in SQL yet", node="List<List>")
    return [sql for _, sql in values.parts(item)]
