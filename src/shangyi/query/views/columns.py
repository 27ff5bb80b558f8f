"""A path as a column of the result: one value or a list of values, of one SQL type."""

from collections.abc import Iterable

from shangyi.fhir import definitions
from shangyi.query import typed
from shangyi.query.columns import kind_of
from shangyi.query.model import FHIR, system_of
from shangyi.query.sql import Around, ir, values
from shangyi.query.sql.base import at_most_one
from shangyi.query.sql.ir import Expr, SqlType
from shangyi.query.sql.values import Alternative, Item, Many, Slot, Value
from shangyi.query.types import DATE, DATETIME, DECIMAL, INTEGER, STRING, SYSTEM_TYPES, TIME, ItemType, Type
from shangyi.query.views.definition import Path, ViewColumn
from shangyi.query.views.output import OutputColumn

_TEXTS = frozenset({STRING, DATE, DATETIME, TIME})


class Unfit(Exception):
    """Why a path cannot be a column: a template and its fields."""

    def __init__(self, text: str, **fields: object) -> None:
        self.text, self.fields = text, fields
        super().__init__(text)


class _Place:
    """What an error at run time names."""

    def __init__(self, text: str, names: values.Names) -> None:
        self.text, self.names = text, names


def output(column: ViewColumn, value: Value, node: typed.Node, around: Around) -> tuple[Expr, OutputColumn]:
    """The SQL of a column, and what it is; Unfit where it cannot be one. ``value``: what ``node`` is in SQL."""
    declared, type_ = _declared(column), node.type
    _unambiguous(type_)
    if column.collection is False and type_.max != 1 and (isinstance(value, Many) or not value.slots):
        raise Unfit("This can give several values: say collection: true, or choose one with first()")
    if isinstance(value, Item) and any(a.guard is not None for a in value.alternatives):
        raise Unfit("A whole resource cannot be a column")
    slots = values.merged_slots(value.slots)
    name, sql_type = _type(slots, type_, declared)
    if column.collection:
        return _list(value, slots, sql_type, around), OutputColumn(
            column.name, name, True, ir.list_of(sql_type)
        )
    item = value if isinstance(value, Item) else several(value, node, column.path, around)
    return _scalar(item, sql_type), OutputColumn(column.name, name, False, sql_type)


def several(value: Many, node: typed.Node, path: Path, around: Around) -> Item:
    """One value of a list, at run time an error where there are more."""
    if not value.slots:
        return values.EMPTY
    return at_most_one(_Place(f"{path.place} = {path.text}", around.names), value, node)  # type: ignore[arg-type]


def _declared(column: ViewColumn) -> ItemType | None:
    name = column.type.rsplit("/", 1)[-1].removeprefix("System.").removeprefix("FHIR.")
    if not name:
        return None
    if name in SYSTEM_TYPES and name not in definitions.type_names():
        return SYSTEM_TYPES[name]
    if name == "integer64":
        return INTEGER
    if name not in definitions.type_names() and "." not in name:
        raise Unfit("There is no type {name}", name=column.type)
    return ItemType("FHIR", name)


def _unambiguous(type_: Type) -> None:
    """Refuse ``value`` of an Observation, whatever the data hold today."""
    items = [item for item in type_.items or () if item.namespace == "FHIR"]
    if len({_shape(item) for item in items}) > 1:
        names = ", ".join(item.name for item in items[:4]) + (" …" if len(items) > 4 else "")
        raise Unfit("This can be {types}; narrow it with ofType()", types=names)


def _shape(item: ItemType) -> object:
    """Types of one shape make one column."""
    kind = FHIR.system(item)
    if kind in _TEXTS:
        return "text"
    return kind if kind is not None and definitions.is_primitive(item.name) else item


def _type(slots: Iterable[Slot], type_: Type, declared: ItemType | None) -> tuple[str, SqlType]:
    """The name and the SQL type of the column: of what is there, else as declared, else as typed."""
    found = list(slots)
    kinds = {_public(slot) for slot in found}
    if len(kinds) > 1:
        names = ", ".join(str(slot.type) for slot in found)
        raise Unfit("This can be {types}; narrow it with ofType()", types=names)
    if declared is not None and found:
        _fits(declared, found[0])
    static = declared or type_.only
    if found:
        (sql_type,) = kinds
        return (declared or found[0].type).name, sql_type
    return (static.name if static else "string"), _empty_type(static)


def _public(slot: Slot) -> SqlType:
    return ir.NUMBER if slot.kind == DECIMAL else slot.sql_type


def _empty_type(item: ItemType | None) -> SqlType:
    if item is None:
        return ir.TEXT
    if item.namespace == "System":
        return Slot(item).sql_type
    if definitions.is_primitive(item.name):
        return _public(Slot(item))
    return ir.TEXT if kind_of(item.name) == "json" else Slot(item).sql_type


def _fits(declared: ItemType, slot: Slot) -> None:
    wanted = declared if declared.namespace == "System" else system_of(declared.name)
    found = slot.kind
    if wanted is None or found is None:
        fits = declared == slot.type or declared in FHIR.ancestors(slot.type)
    else:
        fits = wanted == found or {wanted, found} <= _TEXTS or (wanted, found) == (DECIMAL, INTEGER)
    if not fits:
        raise Unfit("This is {found}, not {declared}", found=str(slot.type), declared=declared.name)


def _value(a: Alternative) -> Expr:
    return a.number if a.kind == DECIMAL else a.sql


def _scalar(item: Item, sql_type: SqlType) -> Expr:
    found = [_value(a) for a in values.collapsed(item).alternatives]
    if not found:
        return ir.null(sql_type)
    return found[0] if len(found) == 1 else ir.call("coalesce", *found)


def _list(value: Value, slots: tuple[Slot, ...], sql_type: SqlType, around: Around) -> Expr:
    empty = ir.Listed((), sql_type)
    if not slots:
        return empty
    many = values.listed(value)
    items = many.sql
    if not values.is_bare(many.slots) or many.slots[0].sql_type != sql_type:
        x = around.names.fresh()
        bare = _scalar(values.opened(many.slots, x), sql_type)
        items = values.without_nulls(ir.call("list_map", items, ir.Lambda((x,), bare)), around.names)
    return ir.call("coalesce", items, empty)


def single(value: Value, node: typed.Node, path: Path, around: Around) -> Item:
    """One value where one is needed."""
    return value if isinstance(value, Item) else several(value, node, path, around)
