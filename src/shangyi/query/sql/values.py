"""What an expression is in SQL: one item as scalars (NULL is empty), several as a LIST.

An item is a set of alternatives of which at most one is there: ``value[x]`` of an Observation has eleven until
``ofType`` narrows them. A ``Slot`` says how an alternative is kept; a LIST whose items have one slot holds the bare
values, any other a STRUCT with ``v0``, ``e0``, ``v1`` … (value, and what stands beside a primitive's value).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from shangyi.fhir import definitions
from shangyi.query.columns import Column
from shangyi.query.model import FHIR
from shangyi.query.sql import ir
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr, SqlType
from shangyi.query.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    QUANTITY,
    STRING,
    TIME,
    ItemType,
)

QUANTITY_TYPE = ir.struct_of(("value", ir.NUMBER), ("unit", ir.TEXT))
CLASS_INFO = ItemType("System", "ClassInfo")
"""What ``type()`` gives (http://hl7.org/fhirpath/N1/#reflection)."""
_SYSTEM_SQL = {
    BOOLEAN: ir.BOOL,
    STRING: ir.TEXT,
    INTEGER: ir.INT,
    DECIMAL: ir.NUMBER,
    DATE: ir.TEXT,
    DATETIME: ir.TEXT,
    TIME: ir.TEXT,
    QUANTITY: QUANTITY_TYPE,
    CLASS_INFO: ir.struct_of(("namespace", ir.TEXT), ("name", ir.TEXT), ("baseType", ir.TEXT)),
}
_KIND_SQL = {"text": ir.TEXT, "boolean": ir.BOOL, "integer": ir.INT, "json": ir.TEXT}


def column_type(column: Column, *, item: bool = False) -> SqlType:
    """The SQL type of a column; ``item``: of one item of its list."""
    if column.kind == "struct":
        of = ir.struct_of(*((f.name, column_type(f)) for f in column.fields))
    else:
        of = _KIND_SQL[column.kind]
    return ir.list_of(of) if column.many and not item else of


@dataclass(frozen=True, slots=True)
class Slot:
    """How an alternative is kept. ``fields``: of an object; ``beside``: of what stands under ``_key``, None where
    nothing does. ``path``: the JSON keys that lead here. ``json``: kept as JSON text, as all that is in a resource
    within a resource.
    """

    type: ItemType
    fields: tuple[Column, ...] = ()
    beside: tuple[Column, ...] | None = None
    path: str = field(default="", compare=False)
    json: bool = False

    @property
    def sql_type(self) -> SqlType:
        """Of the value."""
        if self.type.namespace == "System":
            return _SYSTEM_SQL[self.type]
        if self.fields:
            return ir.struct_of(*((f.name, column_type(f)) for f in self.fields))
        if not self.primitive:
            return ir.TEXT
        system = FHIR.system(self.type)
        return _SYSTEM_SQL[system] if system in (BOOLEAN, INTEGER) and system is not None else ir.TEXT

    @property
    def beside_type(self) -> SqlType:
        """Of what stands beside the value."""
        return ir.struct_of(*((f.name, column_type(f)) for f in self.beside or ()))

    @property
    def primitive(self) -> bool:
        """Whether it is a FHIR primitive."""
        return self.type.namespace == "FHIR" and definitions.is_primitive(self.type.name)

    @property
    def kind(self) -> ItemType | None:
        """The System type that it is, or is converted to."""
        return FHIR.system(self.type)


@dataclass(frozen=True, slots=True)
class Alternative:
    """One thing that an item can be: its value, NULL where the item is something else, or nothing.

    ``guard``: whether it is there, of a row, which cannot be asked. ``constant``: the value where it is known.
    """

    slot: Slot
    sql: Expr
    beside: Expr | None = None
    guard: Expr | None = None
    constant: object = None

    @property
    def present(self) -> Expr:
        """Whether the item is this, with a value or with something beside it."""
        if self.guard is not None:
            return self.guard
        if self.beside is None:
            return ir.is_there(self.sql)
        return ir.either(ir.is_there(self.sql), ir.is_there(self.beside))

    @property
    def kind(self) -> ItemType | None:
        """The System type."""
        return self.slot.kind

    @property
    def number(self) -> Expr:
        """As a decimal."""
        if self.slot.type.namespace == "FHIR" and self.kind == DECIMAL:
            return ir.Cast(self.sql, ir.NUMBER, safe=True)
        return ir.Cast(self.sql, ir.NUMBER) if self.kind == INTEGER else self.sql

    def under(self, condition: Expr) -> "Alternative":
        """Only where a condition holds."""
        if condition == ir.TRUE:
            return self
        if self.guard is not None:
            return replace(self, guard=ir.both(self.guard, ir.certain(condition)))
        beside = None if self.beside is None else ir.when(condition, self.beside)
        return replace(self, sql=ir.when(condition, self.sql), beside=beside, constant=None)


@dataclass(frozen=True, slots=True)
class Item:
    """One item or none."""

    alternatives: tuple[Alternative, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        """How each alternative is kept."""
        return tuple(a.slot for a in self.alternatives)

    @property
    def present(self) -> Expr:
        """Whether there is one."""
        return ir.either(*(a.present for a in self.alternatives))

    def under(self, condition: Expr) -> "Item":
        """Only where a condition holds."""
        if condition == ir.FALSE:
            return EMPTY
        return Item(tuple(a.under(condition) for a in self.alternatives))


@dataclass(frozen=True, slots=True)
class Many:
    """Any number of items; a NULL list is empty."""

    slots: tuple[Slot, ...]
    sql: Expr

    @property
    def item_type(self) -> SqlType:
        """The SQL type of one item."""
        return item_type(self.slots)


Value = Item | Many
EMPTY = Item(())


def item_type(slots: tuple[Slot, ...]) -> SqlType:
    """The SQL type of an item in a list."""
    if is_bare(slots):
        return slots[0].sql_type
    fields: list[tuple[str, SqlType]] = []
    for i, slot in enumerate(slots):
        fields.append((f"v{i}", slot.sql_type))
        if slot.beside is not None:
            fields.append((f"e{i}", slot.beside_type))
    return ir.struct_of(*fields)


def is_bare(slots: tuple[Slot, ...]) -> bool:
    """Whether a list holds the values themselves."""
    return len(slots) == 1 and slots[0].beside is None


def opened(slots: tuple[Slot, ...], expr: Expr) -> Item:
    """The item that a value of a list is."""
    if is_bare(slots):
        return Item((Alternative(slots[0], expr),))
    return Item(
        tuple(
            Alternative(
                slot,
                ir.Member(expr, f"v{i}"),
                None if slot.beside is None else ir.Member(expr, f"e{i}"),
            )
            for i, slot in enumerate(slots)
        )
    )


def packed(item: Item, slots: tuple[Slot, ...]) -> Expr:
    """The item as a value of a list with these slots; NULL where there is none."""
    if any(a.guard is not None for a in item.alternatives):
        raise CompilationError("A whole resource cannot be an item of a collection in SQL")
    if is_bare(slots):
        alternative = item.alternatives[0]
        return conform(alternative.sql, alternative.slot.fields, slots[0].fields)
    by_type = {a.slot.type: a for a in item.alternatives}
    fields: list[tuple[str, Expr]] = []
    for i, slot in enumerate(slots):
        found = by_type.get(slot.type)
        value = (
            ir.null(slot.sql_type) if found is None else conform(found.sql, found.slot.fields, slot.fields)
        )
        fields.append((f"v{i}", value))
        if slot.beside is not None:
            beside: Expr = ir.null(slot.beside_type)
            if found is not None and found.beside is not None:
                beside = conform(found.beside, found.slot.beside or (), slot.beside)
            fields.append((f"e{i}", beside))
    return ir.when(item.present, ir.Struct(tuple(fields)))


def conform(expr: Expr, have: tuple[Column, ...], want: tuple[Column, ...]) -> Expr:
    """An object with the fields that are wanted, NULL for those that it does not have."""
    if have == want:
        return expr
    known = {f.name: f for f in have}
    fields: list[tuple[str, Expr]] = []
    for target in want:
        found = known.get(target.name)
        if found is None:
            fields.append((target.name, ir.null(column_type(target))))
            continue
        value: Expr = ir.Member(expr, target.name)
        if found.fields != target.fields:
            if target.many:
                variable = ir.Name(f"f_{target.name}")
                inner = conform(variable, found.fields, target.fields)
                value = ir.call("list_map", value, ir.Lambda((variable,), inner))
            else:
                value = conform(value, found.fields, target.fields)
        fields.append((target.name, value))
    return ir.when(ir.is_there(expr), ir.Struct(tuple(fields)))


def merged_columns(left: tuple[Column, ...], right: tuple[Column, ...]) -> tuple[Column, ...]:
    """The fields of either."""
    found = {f.name: f for f in left}
    for other in right:
        mine = found.get(other.name)
        if mine is None:
            found[other.name] = other
        elif mine.fields != other.fields:
            found[other.name] = replace(mine, fields=merged_columns(mine.fields, other.fields))
    return tuple(found.values())


def merged_slots(*many: tuple[Slot, ...]) -> tuple[Slot, ...]:
    """One slot a type, wide enough for all."""
    found: dict[ItemType, Slot] = {}
    for slots in many:
        for slot in slots:
            mine = found.get(slot.type)
            if mine is None:
                found[slot.type] = slot
                continue
            beside = mine.beside
            if slot.beside is not None:
                beside = merged_columns(beside or (), slot.beside)
            path = mine.path if mine.path == slot.path else "*"
            if mine.json != slot.json:
                raise CompilationError("What is kept as JSON and what is not cannot be one collection in SQL")
            fields = merged_columns(mine.fields, slot.fields)
            found[slot.type] = Slot(slot.type, fields, beside, path, mine.json)
    return tuple(found.values())


class Names:
    """New names of variables."""

    def __init__(self) -> None:
        self.count = 0

    def fresh(self) -> ir.Name:
        """One that is used nowhere else."""
        self.count += 1
        return ir.Name(f"x{self.count}")


def listed(value: Value) -> Many:
    """As a list."""
    if isinstance(value, Many):
        return value
    slots = merged_slots(value.slots)
    if not slots:
        return Many((), ir.Listed((), ir.TEXT))
    of = item_type(slots)
    item = packed(value, slots)
    return Many(slots, ir.when(value.present, ir.Listed((item,), of), ir.Listed((), of)))


def widened(many: Many, slots: tuple[Slot, ...], names: Names) -> Expr:
    """The list with items of these slots."""
    if not many.slots:
        return ir.Listed((), item_type(slots))
    if many.slots == slots:
        return many.sql
    x = names.fresh()
    return ir.call("list_map", many.sql, ir.Lambda((x,), packed(opened(many.slots, x), slots)))


def joined(values: Iterable[Value], names: Names) -> Value:
    """All items, in order."""
    parts = [v for v in values if v != EMPTY and not (isinstance(v, Many) and not v.slots)]
    if len(parts) < 2:
        return parts[0] if parts else EMPTY
    lists = [listed(part) for part in parts]
    slots = merged_slots(*(part.slots for part in lists))
    empty = ir.Listed((), item_type(slots))
    written = [ir.call("coalesce", widened(part, slots, names), empty) for part in lists]
    return Many(slots, ir.call("list_join", *written))


def exclusive(values: Iterable[Value], names: Names) -> Value:
    """Values of which at most one has items: the fields of each alternative of an item."""
    parts = [v for v in values if v != EMPTY]
    if all(isinstance(part, Item) for part in parts):
        return Item(tuple(a for part in parts if isinstance(part, Item) for a in part.alternatives))
    return joined(parts, names)


def flat_map(many: Many, project: Callable[[Item, Expr], Value], names: Names) -> Value:
    """What a projection gives for each item, one after the other."""
    if not many.slots:
        return EMPTY
    x, i = names.fresh(), names.fresh()
    found = project(opened(many.slots, x), ir.call("index", i))
    if isinstance(found, Item):
        slots = merged_slots(found.slots)
        if not slots:
            return EMPTY
        body = packed(collapsed(found), slots)
        results = ir.call("list_map", many.sql, mapping(x, i, body))
        if ir.is_there(body) == ir.TRUE:
            return Many(slots, results)
        return Many(slots, without_nulls(results, names))
    if not found.slots:
        return EMPTY
    body = ir.call("coalesce", found.sql, ir.Listed((), found.item_type))
    return Many(found.slots, ir.call("flatten", ir.call("list_map", many.sql, mapping(x, i, body))))


def collapsed(item: Item) -> Item:
    """Alternatives of one type made one."""
    found: dict[ItemType, list[Alternative]] = {}
    for alternative in item.alternatives:
        found.setdefault(alternative.slot.type, []).append(alternative)
    if all(len(same) == 1 for same in found.values()):
        return item
    made: list[Alternative] = []
    for same in found.values():
        (slot,) = merged_slots(*((a.slot,) for a in same))
        values = [conform(a.sql, a.slot.fields, slot.fields) for a in same]
        sql = values[0] if len(values) == 1 else ir.call("coalesce", *values)
        beside = None
        if slot.beside is not None:
            have = [conform(a.beside, a.slot.beside or (), slot.beside) for a in same if a.beside is not None]
            beside = have[0] if len(have) == 1 else ir.call("coalesce", *have)
        made.append(Alternative(slot, sql, beside))
    return Item(tuple(made))


def mapping(x: ir.Name, i: ir.Name, body: Expr) -> ir.Lambda:
    """A lambda of an item, with its index only where the body asks for it."""
    return ir.Lambda((x, i) if uses(body, i) else (x,), body)


def uses(expr: Expr, name: ir.Name) -> bool:
    """Whether a variable occurs."""
    return any(found == name for found in _walk(expr))


def names(expr: Expr) -> set[str]:
    """The rows and variables that an expression is about, without those of its own lambdas."""
    found: set[str] = set()
    own: set[str] = set()
    for node in _walk(expr):
        if isinstance(node, ir.Name):
            found.add(node.text)
        elif isinstance(node, ir.Lambda):
            own.update(parameter.text for parameter in node.params)
    return found - own


def _walk(expr: Expr) -> Iterator[Expr]:
    waiting = [expr]
    while waiting:
        node = waiting.pop()
        yield node
        match node:
            case ir.Member():
                waiting.append(node.base)
            case ir.Call():
                waiting += node.args
            case ir.Lambda():
                waiting.append(node.body)
            case ir.Case():
                waiting += (e for pair in node.whens for e in pair)
                waiting += () if node.otherwise is None else (node.otherwise,)
            case ir.Cast():
                waiting.append(node.operand)
            case ir.Struct():
                waiting += (value for _, value in node.fields)
            case ir.Listed():
                waiting += node.items


def without_nulls(expr: Expr, names: Names) -> Expr:
    """The items of a list that are there."""
    y = names.fresh()
    return ir.call("list_filter", expr, ir.Lambda((y,), ir.is_there(y)))


def count(many: Many) -> Expr:
    """How many items."""
    return ir.call("coalesce", ir.call("list_length", many.sql), ir.number(0))


def system(kind: ItemType, sql: Expr, constant: object = None) -> Item:
    """A value of a System type."""
    return Item((Alternative(Slot(kind), sql, constant=constant),))


def truth(sql: Expr) -> Item:
    """A Boolean."""
    constant = sql.value if isinstance(sql, ir.Literal) else None
    return system(BOOLEAN, sql, constant)


def is_root(value: Value) -> bool:
    """Whether this is a row."""
    return isinstance(value, Item) and any(a.guard is not None for a in value.alternatives)
