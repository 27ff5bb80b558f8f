"""Retrieves: a scan of the type's table, its codes asked of the flat columns where these have them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shangyi.query.cql import tree
from shangyi.query.cql.library import CodeSystemDef, ValueSetDef
from shangyi.query.cql.operators.terminology import codes_of
from shangyi.query.cql.sql import values
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.population import conversions, elements, profiles
from shangyi.query.cql.sql.population.constants import is_constant, key
from shangyi.query.cql.sql.population.items import (
    Coded,
    Element,
    Elements,
    Item,
    Missing,
    Port,
    Rows,
    Side,
    through,
)
from shangyi.query.cql.sql.population.select import Select, Table
from shangyi.query.cql.types import BOOLEAN
from shangyi.query.cql.values import CodeSystem, ValueSet
from shangyi.query.model import FHIR
from shangyi.query.sql import ir
from shangyi.query.sql.dialect import Dialect
from shangyi.query.sql.ir import Expr
from shangyi.query.types import ItemType

if TYPE_CHECKING:
    from shangyi.query.cql.sql.population.compiler import Compiler, Env

_CODED = frozenset({"CodeableConcept", "Coding", "code"})
FEW = 64
"""As many codes are written out, so that files without them are not read."""


@dataclass(frozen=True, eq=False)
class Given(ir.Subquery):
    """A parameter of the statement: a LIST of texts."""

    name: str

    def written(self, dialect: Dialect) -> str:
        """``$name``."""
        return f"${self.name}"


@dataclass(frozen=True, eq=False)
class OneOf(ir.Subquery):
    """Whether a column is one of a parameter's texts."""

    column: Expr
    name: str

    def written(self, dialect: Dialect) -> str:
        """``column IN (SELECT unnest($name))``."""
        return f"({dialect.write(self.column)} IN (SELECT unnest(${self.name})))"


def retrieve(compiler: "Compiler", node: tree.Retrieve, env: "Env") -> Item:
    """The rows of a retrieve."""
    select, item = table(compiler, node.data_type.name, env)
    if node.id is not None or node.context is not None:
        raise NoForm("{node} has no form in SQL yet", node="Retrieve.context")
    select.where(profiles.of(item, node.template))
    if node.codes is not None and node.code_property is not None:
        select.where(coded(compiler, node, item, env))
    if node.date_range is not None and node.date_property is not None:
        select.where(_dated(compiler, node, item, env))
    rows = select.over()
    place = (rows.take(ir.Name("resource_key")),)
    return Rows(rows, Port(rows.take).seen([item]), place=place, whole=True)


def table(compiler: "Compiler", type_name: str, env: "Env") -> tuple[Select, Element]:
    """The scan of a type, of the patient of the row that asks.

    Its columns have the names of FHIR, so nothing is asked of it but by a select over it.
    """
    calls = compiler.calls
    patient = ir.Name("patient_key")
    select = Select(calls.names, Table(type_name), env.scope, patient)
    if env.scope is not None and env.scope.owner.patient is not None:
        select.where(ir.call("eq", patient, env.scope.owner.patient))
    else:
        select.where(ir.is_there(patient))
    return select, elements.row_of(calls.setting.table(type_name))


def coded(compiler: "Compiler", node: tree.Retrieve, item: Element, env: "Env") -> Expr:
    """Whether the code is one that is asked for."""
    assert node.codes is not None
    assert node.code_property is not None
    wanted = keys_of(compiler, node.codes, env)
    calls = compiler.calls
    if not wanted:
        return ir.FALSE
    if calls.setting.primary.get(item.type) == _keys(item.type, node.code_property):
        first, codes = ir.Name("primary_code"), ir.Name("codes")
        several = ir.call("gt", ir.call("list_length", codes), ir.number(1))
        if len(wanted) <= FEW:
            one: Expr = ir.call("in", first, *map(ir.text, wanted))
        else:
            one = OneOf(first, calls.parameter(wanted))
        return ir.either(one, ir.both(several, overlapping(compiler, codes, wanted)))
    found = elements.prop(item, node.code_property, compiler.offset)
    return ir.either(*(_overlap(compiler, option, wanted) for option in _each(found)))


def _each(item: Item) -> tuple[Item, ...]:
    return item.options if isinstance(item, Side) else () if isinstance(item, Missing) else (item,)


def _keys(type_name: str, name: str) -> frozenset[str]:
    forms = FHIR.forms(ItemType("FHIR", type_name), name)
    return frozenset(form.key for form in forms if form.type.name in _CODED)


def _overlap(compiler: "Compiler", item: Item, wanted: tuple[str, ...]) -> Expr:
    if isinstance(item, Elements):
        one = Element(item.type, ir.Name("coded"), item.fields, item.path, item.beyond)
        found = element_codes(one, compiler.offset)
        if found is None:
            return ir.FALSE
        lists = ir.call("list_map", item.sql, ir.Lambda((ir.Name("coded"),), found.keys))
        return overlapping(compiler, ir.call("flatten", lists), wanted)
    coded_item = element_codes(item, compiler.offset) if isinstance(item, Element) else None
    return ir.FALSE if coded_item is None else overlapping(compiler, coded_item.keys, wanted)


def element_codes(element: Element, offset: int) -> Coded | None:
    """The codes of a CodeableConcept, Coding or code; None of what has none."""
    if element.type in ("CodeableConcept", "Coding"):
        found = conversions.convert("ToConcept", element, offset)
        return found if isinstance(found, Coded) else None
    if element.fields:
        return None
    value = elements.system(element, offset)
    if not isinstance(value, values.Scalar):
        return None
    listed = ir.Listed((ir.call("concat", ir.text("|"), value.sql),))
    return Coded(listed, ir.Case(((ir.is_there(value.sql), ir.TRUE),)))


def overlapping(compiler: "Compiler", keys: Expr, wanted: tuple[str, ...]) -> Expr:
    """Whether a LIST has one of these, false where it is null."""
    if len(wanted) <= 2:
        return ir.certain(ir.either(*(ir.call("list_contains", keys, ir.text(code)) for code in wanted)))
    return ir.certain(ir.call("list_overlaps", keys, Given(compiler.calls.parameter(wanted))))


def keys_of(compiler: "Compiler", node: tree.Node, env: "Env") -> tuple[str, ...]:
    """The codes of a value set or of codes that are the same for everybody."""
    calls = compiler.calls
    if isinstance(node, tree.ValueSetRef):
        return calls.codes(value_set(compiler, node, env))
    if isinstance(node, tree.CodeSystemRef):
        raise NoForm("{node} has no form in SQL yet", node="InCodeSystem")
    if isinstance(node, tree.Operator) and node.name == "ExpandValueSet":
        return keys_of(compiler, node.operands[0], env)
    if not is_constant(node, calls.program, env.library):
        raise NoForm("Codes that depend on the resident have no form in SQL")
    found: Any = calls.constant(node, env.library)
    if isinstance(found, ValueSet):
        return calls.codes(found)
    return tuple(sorted({key(code) for code in codes_of(found)}))


def value_set(compiler: "Compiler", node: tree.ValueSetRef, env: "Env") -> ValueSet:
    """The value set that a reference is to."""
    library = compiler.calls.program.library(env.library, node.library)
    found = library.named[node.name]
    assert isinstance(found, ValueSetDef)
    systems: list[CodeSystem] = []
    for ref in found.systems:
        system = compiler.calls.program.library(library, ref.library).named[ref.name]
        assert isinstance(system, CodeSystemDef)
        systems.append(CodeSystem(system.id, system.version, system.name))
    return ValueSet(found.id, found.version, found.name, tuple(systems))


def _dated(compiler: "Compiler", node: tree.Retrieve, item: Element, env: "Env") -> Expr:
    from shangyi.query.cql.sql.population.compiler import over_columns

    assert node.date_range is not None
    assert node.date_property is not None
    found: Item = item
    for name in node.date_property.split("."):
        found = elements.prop(found, name, compiler.offset)
    when = through(found, lambda element: conversions.convert("ToValue", element, compiler.offset))
    wanted = compiler.node(node.date_range, env)
    tests = []
    for option in _each(when):
        own = getattr(option, "type", None)
        if own is None:
            raise NoForm("{node} has no form in SQL yet", node=str(node.date_property))
        name = "IncludedIn" if isinstance(option, values.Interval) else "In"
        operands = (tree.OperandRef("x", type=own), node.date_range)
        test = tree.Operator(name, operands, type=BOOLEAN, place=node.place)
        made = over_columns(compiler, test, [option, wanted])
        assert isinstance(made, values.Scalar)
        tests.append(ir.certain(made.sql))
    return ir.either(*tests)
