"""``is``, ``as``, ``ofType`` (http://hl7.org/fhirpath/N1/#types): alternatives that stay, those that fall away."""

from shangyi.fhir import definitions
from shangyi.query import typed
from shangyi.query.model import FHIR
from shangyi.query.sql import ir, values
from shangyi.query.sql.base import Compiler, single
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.values import EMPTY, Alternative, Item, Slot, Value
from shangyi.query.types import ItemType

RESOURCE = ItemType("FHIR", "Resource")


def operate(compiler: Compiler, node: typed.TypeOperation, source: Value) -> Value:
    """The operator of the node on its source."""
    if node.operator == "is":
        item = single(compiler, source, node.source)
        if not item.alternatives:
            return EMPTY
        kept = narrowed(item, node.target)
        return values.truth(ir.when(item.present, kept.present))
    if node.operator == "as":
        source = single(compiler, source, node.source)
    if isinstance(source, Item):
        return narrowed(source, node.target)
    if all(is_of(slot, node.target) for slot in source.slots):
        return source
    return values.flat_map(source, lambda item, index: narrowed(item, node.target), compiler.names)


def narrowed(item: Item, target: ItemType) -> Item:
    """The alternatives of a type."""
    return Item(tuple(n for a in item.alternatives if (n := _narrowed(a, target)) is not None))


def _narrowed(a: Alternative, target: ItemType) -> Alternative | None:
    """The alternative where it is of a type; a resource within a resource says its type itself."""
    if a.slot.type != RESOURCE or target == RESOURCE:
        return a if is_of(a.slot, target) else None
    if not definitions.is_resource_type(target.name):
        raise CompilationError("Only by the type of a resource can what is kept as JSON be narrowed in SQL")
    named = ir.call("json_text", a.sql, ir.text("$.resourceType"))
    known = ir.certain(ir.call("eq", named, ir.text(target.name)))
    return Alternative(Slot(target, path=a.slot.path, json=True), a.sql).under(known)


def is_of(slot: Slot, target: ItemType) -> bool:
    """Whether what is kept in a slot is of a type."""
    if slot.type == target:
        return True
    return target in FHIR.ancestors(slot.type)
