"""Elements of items: a column of a row, a field of a STRUCT, whatever lies beside a primitive's value."""

from shangyi.query.columns import Column
from shangyi.query.model import FHIR, Form
from shangyi.query.sql import ir, values
from shangyi.query.sql.base import Compiler
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.values import EMPTY, Alternative, Item, Many, Slot, Value
from shangyi.query.types import STRING, ItemType


def field(compiler: Compiler, source: Value, name: str) -> Value:
    """The element of each item."""
    if isinstance(source, Item):
        return of_item(compiler, source, name)
    return values.flat_map(source, lambda item, index: of_item(compiler, item, name), compiler.names)


def of_item(compiler: Compiler, item: Item, name: str) -> Value:
    """The element of one item, whichever alternative it is."""
    found = [part for a in item.alternatives for part in _of_alternative(compiler, a, name)]
    return values.exclusive(found, compiler.names)


def _of_alternative(compiler: Compiler, source: Alternative, name: str) -> list[Value]:
    slot = source.slot
    if slot.type == values.CLASS_INFO and name in ("namespace", "name", "baseType"):
        return [values.system(STRING, ir.Member(source.sql, name))]
    if slot.type.namespace != "FHIR":
        return []
    if slot.type.name == "Resource" and not FHIR.forms(slot.type, name):
        raise CompilationError("What stands in another resource has no type yet; narrow it with ofType()")
    if (slot.json or slot.type.name == "Resource") and not slot.primitive:
        return [_in_json(compiler, source, form) for form in FHIR.forms(slot.type, name)]
    if slot.primitive:
        if name == "value" and slot.kind is not None:
            return [Item((Alternative(Slot(slot.kind), system_sql(source)),))]
        if source.beside is None:
            return []
        base, fields = source.beside, slot.beside or ()
    else:
        base, fields = source.sql, slot.fields
    columns = {column.name: column for column in fields}
    forms = FHIR.forms(slot.type, name)
    return [v for form in forms for v in _form(compiler, source, base, columns, form) if v != EMPTY]


def _form(
    compiler: Compiler, source: Alternative, base: Expr, columns: dict[str, Column], form: Form
) -> list[Value]:
    path = f"{source.slot.path}.{form.key}".lstrip(".")
    if _is_beyond(compiler, path):
        raise CompilationError(
            "{path} goes beyond the columns of {type}: some resources hold more of it than columns do",
            path=path,
            type=path.partition(":")[0] if ":" in path else compiler.table.resource_type,
        )
    column = columns.get(form.key)
    beside = columns.get("_" + form.key) if form.primitive else None
    if column is None and beside is None:
        return []
    slot = Slot(form.type, column.fields if column else (), beside.fields if beside else None, path)
    if form.many:
        return [_many(compiler, source, base, slot, form, column, beside)]
    value = ir.null(slot.sql_type) if column is None else ir.Member(base, form.key)
    extra = None if beside is None else ir.Member(base, "_" + form.key)
    found = Alternative(slot, value, extra)
    return [Item((found.under(source.guard or ir.TRUE),))]


def _is_beyond(compiler: Compiler, path: str) -> bool:
    """Whether only the residual holds all of it; of items from several places, whether it does in any."""
    others = compiler.others or {}
    if path.startswith("*"):
        tables = (compiler.table, *others.values())
        return any(f".{known}".endswith(path[1:]) for table in tables for known in table.beyond)
    joined, _, rest = path.rpartition(":.")
    return rest in (others[joined] if joined else compiler.table).beyond


def _many(
    compiler: Compiler,
    source: Alternative,
    base: Expr,
    slot: Slot,
    form: Form,
    column: Column | None,
    beside: Column | None,
) -> Many:
    guard = source.guard or ir.TRUE
    items: Expr = ir.Member(base, form.key)
    if beside is None:
        if form.primitive:  # nulls keep the place of extensions, of which there are none here
            items = values.without_nulls(items, compiler.names)
        return Many((slot,), ir.when(guard, items))
    extras: Expr = ir.Member(base, "_" + form.key)
    if column is None:
        items = ir.null(ir.list_of(slot.sql_type))
    zero = ir.number(0)
    lengths = [ir.call("coalesce", ir.call("list_length", x), zero) for x in (items, extras)]
    places = ir.call("list_range", zero, ir.Cast(ir.call("greatest", *lengths), ir.INT))
    i = compiler.names.fresh()
    pair = Alternative(slot, ir.call("list_at", items, i), ir.call("list_at", extras, i))
    both = ir.call("list_map", places, ir.Lambda((i,), values.packed(Item((pair,)), (slot,))))
    return Many((slot,), ir.when(guard, values.without_nulls(both, compiler.names)))


def _in_json(compiler: Compiler, source: Alternative, form: Form) -> Value:
    """An element out of JSON text; of a primitive its value only, not what stands beside it."""
    path = f"{source.slot.path}.{form.key}".lstrip(".")
    slot = Slot(form.type, path=path, json=not form.primitive)
    key = ir.text(f"$.{form.key}")
    if not form.many:
        found = ir.call("json_text" if form.primitive else "json_object", source.sql, key)
        return Item((Alternative(slot, _typed(slot, found)),))
    texts = ir.call("json_texts" if form.primitive else "json_objects", source.sql, key)
    items = values.without_nulls(texts, compiler.names)
    if slot.sql_type != ir.TEXT:
        x = compiler.names.fresh()
        items = ir.call("list_map", items, ir.Lambda((x,), _typed(slot, x)))
    return Many((slot,), items)


def _typed(slot: Slot, sql: Expr) -> Expr:
    return sql if slot.sql_type == ir.TEXT else ir.Cast(sql, slot.sql_type, safe=True)


def system_sql(source: Alternative) -> Expr:
    """The value of a FHIR primitive as its System type."""
    if source.kind is not None and source.kind.name == "Decimal":
        return source.number
    return source.sql


def element(name: str) -> ItemType:
    """A FHIR type."""
    return ItemType("FHIR", name)
