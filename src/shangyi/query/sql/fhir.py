"""http://hl7.org/fhir/R4/fhirpath.html#functions and the keys of SQL on FHIR
(https://sql-on-fhir.org/ig/latest/StructureDefinition-ViewDefinition.html#required-additional-functions)"""

from shangyi.fhir import definitions
from shangyi.query import typed
from shangyi.query.closures.references import key_pattern
from shangyi.query.sql import ir, values
from shangyi.query.sql.base import Builder, Compiler, constant, only, single
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.paths import element, field, of_item, system_sql
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import EMPTY, Alternative, Item, Many, Slot, Value
from shangyi.query.types import STRING


def _extension(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    url = only(single(compiler, compiler.node(call.arguments[0], scope), call.arguments[0]), STRING)
    extensions = field(compiler, compiler.node(call.source, scope), "extension")
    if url is None or not isinstance(extensions, Many) or not extensions.slots:
        return EMPTY
    if not any(f.name == "url" for f in extensions.slots[0].fields):
        return EMPTY
    x = compiler.names.fresh()
    test = ir.certain(ir.call("eq", ir.Member(x, "url"), url.sql))
    return Many(extensions.slots, ir.call("list_filter", extensions.sql, ir.Lambda((x,), test)))


def _has_value(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    source = compiler.node(call.source, scope)
    if isinstance(source, Item):
        valued = (
            a
            for a in source.alternatives
            if (a.guard is None and a.slot.type.namespace == "System") or a.slot.primitive
        )
        return values.truth(ir.either(*(ir.is_there(a.sql) for a in valued)))
    if not source.slots:
        return values.truth(ir.FALSE)
    first = values.opened(source.slots, ir.call("list_at", source.sql, ir.number(0)))
    primitive = [a for a in first.alternatives if a.slot.primitive or a.slot.type.namespace == "System"]
    one = ir.call("eq", values.count(source), ir.number(1))
    return values.truth(ir.both(one, ir.either(*(ir.is_there(a.sql) for a in primitive))))


def _get_value(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    item = single(compiler, compiler.node(call.source, scope), call.source)
    found = [
        Alternative(Slot(a.slot.kind), system_sql(a))
        for a in item.alternatives
        if a.slot.primitive and a.slot.kind is not None
    ]
    return Item(tuple(found))


def _resource_key(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    item = single(compiler, compiler.node(call.source, scope), call.source)
    if not item.alternatives:
        return EMPTY
    slot = item.alternatives[0].slot
    if slot.type.namespace != "FHIR" or not definitions.is_resource_type(slot.type.name):
        raise CompilationError("Only a resource has a key, not {type}", type=str(slot.type))
    found = of_item(compiler, item, "id")
    id_ = only(found, STRING) if isinstance(found, Item) else None
    if id_ is None:
        return EMPTY
    return values.system(STRING, ir.call("concat", ir.text(f"{slot.type.name}/"), id_.sql))


def _reference_key(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    """``Patient/1`` of a relative reference, the address of a foreign one, nothing of any other."""
    wanted: object = None
    if call.arguments:
        wanted = constant(single(compiler, compiler.node(call.arguments[0], scope), call.arguments[0]))
    source = compiler.node(call.source, scope)

    def key(item: Item) -> Value:
        references = Item(tuple(a for a in item.alternatives if a.slot.type == element("Reference")))
        found = of_item(compiler, references, "reference")
        text = only(found, STRING) if isinstance(found, Item) else None
        if text is None:
            return EMPTY
        return values.system(STRING, _key(text.sql, wanted))

    if isinstance(source, Item):
        return key(source)
    return values.flat_map(source, lambda item, index: key(item), compiler.names)


def _key(sql: Expr, wanted: object) -> Expr:
    unversioned = ir.call("replace_matches", sql, ir.text("/_history/.*$"), ir.text(""), ir.text("s"))
    pattern = key_pattern(wanted if isinstance(wanted, str) else None)
    test = ir.call("matches", sql, ir.text(pattern), ir.text("s"))
    if not isinstance(wanted, str):
        return ir.when(test, unversioned)
    head = ir.text(f"{wanted}/")  # the common form, without a regular expression
    rest = ir.call("substring", sql, ir.number(len(wanted) + 2))
    short = ir.both(ir.call("le", ir.call("length", rest), ir.number(64)), ir.call("ne", rest, ir.text("")))
    bare = ir.both(*(ir.call("eq", ir.call("position", rest, ir.text(c)), ir.number(0)) for c in "/?#|"))
    return ir.Case(((ir.both(ir.call("starts_with", sql, head), short, bare), sql), (test, unversioned)))


def _member_of(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    """Of the value sets that R4 requires, for codes."""
    url = constant(single(compiler, compiler.node(call.arguments[0], scope), call.arguments[0]))
    item = single(compiler, compiler.node(call.source, scope), call.source)
    known = definitions.codes(url) if isinstance(url, str) else None
    if known is None:
        raise CompilationError("The value set {url} is not known", url=str(url))
    code = only(item, STRING)
    if code is None and item.alternatives:
        raise CompilationError("In SQL memberOf() takes a code")
    if code is None:
        return EMPTY
    codes = sorted({c for system in known.values() for c in system})
    return values.truth(ir.Call("in", (code.sql, *map(ir.text, codes))))


FUNCTIONS: dict[str, Builder] = {
    "extension": _extension,
    "hasValue": _has_value,
    "getValue": _get_value,
    "getResourceKey": _resource_key,
    "getReferenceKey": _reference_key,
    "memberOf": _member_of,
}
