"""``children()``, ``descendants()`` and ``type()`` (http://hl7.org/fhirpath/N1/#tree-navigation): by the columns
that there are, so in the order of the definition and not in that of the JSON, which has no meaning.
"""

from shangyi.query import typed
from shangyi.query.model import FHIR
from shangyi.query.sql import ir, values
from shangyi.query.sql.base import Builder, Compiler
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.filtering import DEEPEST
from shangyi.query.sql.paths import field
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.types import RESOURCE
from shangyi.query.sql.values import CLASS_INFO, EMPTY, Alternative, Item, Slot, Value
from shangyi.query.types import ItemType


def below(compiler: Compiler, source: Value) -> Value:
    """The children of each item."""
    if isinstance(source, Item):
        return values.joined([_of(compiler, Item((a,))) for a in source.alternatives], compiler.names)
    return values.flat_map(source, lambda item, index: below(compiler, item), compiler.names)


def _of(compiler: Compiler, item: Item) -> Value:
    slot = item.alternatives[0].slot
    if slot.type.namespace != "FHIR":
        return EMPTY
    if slot.json:
        raise CompilationError("What stands in another resource has no columns to go through")
    owner = ItemType("FHIR", "Element") if slot.primitive else slot.type
    return values.joined(
        [field(compiler, item, name) for name in FHIR.elements(owner) if _own(slot, name)], compiler.names
    )


def _own(slot: Slot, name: str) -> bool:
    """Not ``value`` of a primitive: that is the item itself."""
    return not slot.primitive or name in ("id", "extension")


def _children(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    return below(compiler, compiler.node(call.source, scope))


def _descendants(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    if compiler.table.beyond:
        raise CompilationError(
            "descendants() goes beyond the columns: some resources hold more than columns do"
        )
    source = compiler.node(call.source, scope)
    levels: list[Value] = []
    for _ in range(DEEPEST):
        source = below(compiler, source)
        if source == EMPTY:
            return values.joined(levels, compiler.names)
        levels.append(source)
    raise CompilationError("This goes too deep")


def _type(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    source = compiler.node(call.source, scope)
    if isinstance(source, Item):
        return _types(source)
    return values.flat_map(source, lambda item, index: _types(item), compiler.names)


def _types(item: Item) -> Item:
    return values.collapsed(Item(tuple(_reflected(a) for a in item.alternatives)))


def _reflected(a: Alternative) -> Alternative:
    """A backbone is known by what it specialises."""
    type_ = a.slot.type
    if type_ == RESOURCE:
        raise CompilationError("What stands in another resource has no type yet; narrow it with ofType()")
    line = [type_, *FHIR.ancestors(type_)]
    if "." in type_.name:
        line = line[1:]
    base = str(line[1]) if len(line) > 1 else "System.Any"
    texts = (("namespace", type_.namespace), ("name", line[0].name), ("baseType", base))
    info = ir.Struct(tuple((key, ir.text(value)) for key, value in texts))
    return Alternative(Slot(CLASS_INFO), ir.when(a.present, info))


FUNCTIONS: dict[str, Builder] = {"children": _children, "descendants": _descendants, "type": _type}
