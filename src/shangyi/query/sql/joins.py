"""``resolve()`` (http://hl7.org/fhir/R4/fhirpath.html#functions) as a join: what a reference of a row leads to is a row
of another table, by its key, or a resource contained in the same one. What is not in the lake is empty.

A join is written only where something of the row it finds is used, so that ``resolve().ofType(Patient)`` reads one
table. It stands beside rows, never in a lambda: of several references each needs a row of its own (``forEach``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shangyi.fhir import definitions
from shangyi.query import typed
from shangyi.query.columns import FLAT, Table
from shangyi.query.sql import ir, values
from shangyi.query.sql.base import Builder, Compiler, only, single
from shangyi.query.sql.dialect import Dialect
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.paths import element, of_item
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import EMPTY, Alternative, Item, Slot, Value
from shangyi.query.types import STRING

ROW = ir.Name("r")
"""What the compiler calls the row; each join is a row beside it."""
_KEEPING = frozenset({"where", "first", "last", "single", "tail", "skip", "take", "distinct", "trace"})


@dataclass(frozen=True, slots=True)
class Join:
    """The row ``name`` of the table of ``type`` whose ``resource_key`` is ``key``."""

    name: str
    type: str
    key: Expr


def used(joins: Iterable[Join], expressions: Iterable[Expr]) -> tuple[Join, ...]:
    """The joins that expressions need, each behind those that its own key needs."""
    needed = list(expressions)
    found: list[Join] = []
    for join in reversed(tuple(joins)):
        if any(values.uses(expression, ir.Name(join.name)) for expression in needed):
            found.insert(0, join)
            needed.append(join.key)
    return tuple(found)


def written(joins: Iterable[Join], sources: Mapping[str, str], dialect: Dialect) -> str:
    """The joins as they stand behind FROM; ``sources``: relations by type, where they are not called by it."""
    lines = []
    for join in joins:
        table = sources.get(join.type) or dialect.identifier(join.type)
        key = dialect.write(ir.Member(ir.Name(join.name), "resource_key"))
        lines.append(
            f"\nLEFT JOIN {table} AS {dialect.identifier(join.name)} ON {key} = {dialect.write(join.key)}"
        )
    return "".join(lines)


def _resolve(compiler: Compiler, call: typed.Call, scope: Scope) -> Value:
    if compiler.others is None:
        raise CompilationError("resolve() needs the other tables, and here is one only")
    source = compiler.node(call.source, scope)
    item = single(compiler, source, call.source) if isinstance(source, Item) or not source.slots else None
    if item is None:
        raise CompilationError(
            "In SQL resolve() takes one reference: give each a row of its own with forEach"
        )
    if not item.alternatives:
        return EMPTY
    references = Item(tuple(a for a in item.alternatives if a.slot.type == element("Reference")))
    found = of_item(compiler, references, "reference")
    text = only(found, STRING) if isinstance(found, Item) else None
    if text is None:
        return EMPTY
    return _targets(compiler, text.sql, _target_types(compiler, call.source))


def _target_types(compiler: Compiler, node: typed.Node) -> tuple[str, ...]:
    """The types that the element may point to, of those that there are tables of."""
    assert compiler.others is not None
    field = _element(node)
    targets: set[str] = set()
    if isinstance(field, typed.Field):
        for form in field.forms or ():
            found = definitions.structure(form.owner.name).by_name[field.name].targets
            targets.update(found or ("Resource",))
    if "Resource" in targets:
        targets.clear()
    return tuple(name for name in sorted(compiler.others) if not targets or name in targets)


def _element(node: typed.Node) -> typed.Node:
    """What some of its items are taken of."""
    match node:
        case typed.At():
            return _element(node.source)
        case typed.Call() if node.function in _KEEPING:
            return _element(node.source)
    return node


def _targets(compiler: Compiler, reference: Expr, types: tuple[str, ...]) -> Value:
    assert compiler.others is not None
    rows = {ROW.text, *(join.name for join in compiler.joins)}
    if not values.names(reference) <= rows:
        raise CompilationError("In SQL resolve() cannot stand in a criterion over several items; use forEach")
    history = ir.call("replace_matches", reference, ir.text("/_history/.*$"), ir.text(""), ir.text("s"))
    versioned = ir.call("gt", ir.call("position", reference, ir.text("/_history/")), ir.number(0))
    key = ir.when(versioned, history, reference)
    alternatives: list[Alternative] = []
    for name in types:
        join = Join(f"j{len(compiler.joins) + 1}", name, key)
        compiler.joins.append(join)
        row = ir.Name(join.name)
        there = ir.is_there(ir.Member(row, "resource_key"))
        alternatives.append(Alternative(_slot(compiler.others[name]), row, guard=there))
        if compiler.table.column("contained") is not None:
            alternatives.append(_contained(compiler, reference, compiler.others[name]))
    return Item(tuple(alternatives))


def _slot(table: Table) -> Slot:
    columns = tuple(c for c in table.columns if c.name not in FLAT)
    return Slot(element(table.resource_type), columns, path=f"{table.resource_type}:")


def _contained(compiler: Compiler, reference: Expr, table: Table) -> Alternative:
    """A contained resource, read as one of the type's table is."""
    x = compiler.names.fresh()
    type_, id_ = (ir.call("json_text", x, ir.text(f"$.{key}")) for key in ("resourceType", "id"))
    wanted = ir.call("substring", reference, ir.number(2))
    same = ir.both(
        ir.call("starts_with", reference, ir.text("#")),
        ir.call("eq", type_, ir.text(table.resource_type)),
        ir.call("eq", id_, wanted),
    )
    kept = ir.call("list_filter", ir.Member(ROW, "contained"), ir.Lambda((x,), ir.certain(same)))
    slot = _slot(table)
    return Alternative(
        slot, ir.Cast(ir.call("json", ir.call("list_at", kept, ir.number(0))), slot.sql_type, safe=True)
    )


FUNCTIONS: dict[str, Builder] = {"resolve": _resolve}
