"""``is``, ``as``, ``ofType`` (http://hl7.org/fhirpath/N1/#types): alternatives that stay, those that fall away."""

from shangyi.query import typed
from shangyi.query.model import FHIR
from shangyi.query.sql import ir, values
from shangyi.query.sql.base import Compiler, single
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.values import EMPTY, Item, Slot, Value
from shangyi.query.types import ItemType


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
    return Item(tuple(a for a in item.alternatives if is_of(a.slot, target)))


def is_of(slot: Slot, target: ItemType) -> bool:
    """Whether what is kept in a slot is of a type."""
    if slot.type == target:
        return True
    if slot.type.name == "Resource" and slot.type.namespace == "FHIR":
        raise CompilationError("What stands in another resource is kept as JSON; SQL cannot tell its type")
    return target in FHIR.ancestors(slot.type)
