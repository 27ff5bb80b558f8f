"""The typed tree to SQL over the columns of a table: the back end that answers about a population."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as field_
from decimal import Decimal

from shangyi.query import typed
from shangyi.query.columns import Table
from shangyi.query.errors import excerpt
from shangyi.query.quantity import Quantity
from shangyi.query.sql import (
    aggregates,
    conversion,
    existence,
    fhir,
    filtering,
    ir,
    joins,
    math,
    navigation,
    quantity,
    sorting,
    strings,
    subsetting,
    types,
    utility,
    values,
)
from shangyi.query.sql.arithmetic import calculate, negative
from shangyi.query.sql.base import Builder, criterion, literal, single
from shangyi.query.sql.comparison import TESTS, compare
from shangyi.query.sql.equality import different, equal, equivalent, member
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.joins import Join
from shangyi.query.sql.logic import OPERATORS
from shangyi.query.sql.paths import field
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.values import EMPTY, Alternative, Item, Names, Slot, Value
from shangyi.query.temporal import DateTime, Temporal, now
from shangyi.query.types import SYSTEM_TYPES, ItemType

FUNCTIONS: Mapping[str, Builder] = {
    **existence.FUNCTIONS,
    **filtering.FUNCTIONS,
    **subsetting.FUNCTIONS,
    **conversion.FUNCTIONS,
    **strings.FUNCTIONS,
    **math.FUNCTIONS,
    **utility.FUNCTIONS,
    **aggregates.FUNCTIONS,
    **fhir.FUNCTIONS,
    **joins.FUNCTIONS,
    **navigation.FUNCTIONS,
    **sorting.FUNCTIONS,
}


def row(table: Table, relation: str = "r") -> Item:
    """The resource that a row of the table is."""
    slot = Slot(ItemType("FHIR", table.resource_type), table.columns)
    return Item((Alternative(slot, ir.Name(relation), guard=ir.TRUE),))


@dataclass(frozen=True, slots=True)
class Around:
    """What all expressions of a statement share. ``at``: what ``now()`` means. ``in_view``: ``join()`` of nothing is
    "" as the suite of SQL on FHIR has it, not empty as FHIRPath has it. ``others``: the tables that ``resolve()`` may
    join, None where it must not; ``joins``: those that it did.
    """

    table: Table
    at: DateTime = field_(default_factory=now)
    in_view: bool = False
    names: Names = field_(default_factory=Names)
    others: Mapping[str, Table] | None = None
    joins: list[Join] = field_(default_factory=list)


def compile_tree(node: typed.Node, around: Around, scope: Scope, text: str = "") -> Value:
    """What ``node`` is in SQL; CompilationError with its place in ``text``."""
    return _Compiler(around, text).node(node, scope)


class _Compiler:
    def __init__(self, around: Around, text: str) -> None:
        self.table, self.now, self.in_view, self.names = around.table, around.at, around.in_view, around.names
        self.text = text
        self.others, self.joins = around.others, around.joins

    def node(self, node: typed.Node, scope: Scope) -> Value:
        try:
            return self.form(node, scope)
        except CompilationError as error:
            if not error.line and self.text:
                error.line, error.column = node.span.line, node.span.column
                error.context = excerpt(self.text, node.span.start, node.span.end)
            raise

    def form(self, node: typed.Node, scope: Scope) -> Value:
        match node:
            case typed.Constant():
                return constant(node.value)
            case typed.Empty():
                return EMPTY
            case typed.Local():
                return self.local(node, scope)
            case typed.External():
                return self.external(node, scope)
            case typed.Defined():
                return scope.sites[node.site]
            case typed.Field():
                return field(self, self.node(node.source, scope), node.name)
            case typed.Define():
                return self.define(node, scope)
            case typed.TypeOperation():
                return types.operate(self, node, self.node(node.source, scope))
            case typed.At():
                source = self.node(node.source, scope)
                return subsetting.at(self, source, self.node(node.index, scope), node)
            case typed.Negation():
                return negative(single(self, self.node(node.operand, scope), node.operand))
            case typed.Operation():
                return self.operation(node, scope)
            case typed.Call():
                build = FUNCTIONS.get(node.function)
                if build is None:
                    raise CompilationError("{name}() has no form in SQL", name=node.function)
                return build(self, node, scope)
        raise CompilationError("This has no form in SQL")

    def local(self, node: typed.Local, scope: Scope) -> Value:
        if node.name == "this":
            return scope.this
        if node.name == "index":
            if scope.index is None:
                return EMPTY
            return values.system(SYSTEM_TYPES["Integer"], ir.Cast(scope.index, ir.INT))
        return scope.total or EMPTY

    def external(self, node: typed.External, scope: Scope) -> Value:
        if node.name in scope.variables:
            return scope.variables[node.name]
        raise CompilationError("%{name} was not given", name=node.name)

    def define(self, node: typed.Define, scope: Scope) -> Value:
        source = self.node(node.source, scope)
        kept = source if node.value is None else self.node(node.value, scope.item(source, scope.index))
        scope.sites[node.site] = kept
        return source

    def operation(self, node: typed.Operation, scope: Scope) -> Value:
        operator = node.operator
        if operator in OPERATORS:
            sides = (criterion(self, side, scope) for side in (node.left, node.right))
            return values.truth(OPERATORS[operator](*sides))
        left, right = self.node(node.left, scope), self.node(node.right, scope)
        match operator:
            case "=":
                return values.truth(equal(self, left, right))
            case "!=":
                return values.truth(different(self, left, right))
            case "~":
                return values.truth(equivalent(self, left, right))
            case "!~":
                return values.truth(ir.negated(equivalent(self, left, right)))
            case "|":
                return subsetting.union(self, left, right)
            case "in":
                return values.truth(member(self, single(self, left, node.left), right))
            case "contains":
                return values.truth(member(self, single(self, right, node.right), left))
        one, other = single(self, left, node.left), single(self, right, node.right)
        if operator in TESTS:
            return values.truth(compare(self, operator, one, other))
        return calculate(self, operator, one, other)


def constant(value: object) -> Item:
    """A literal."""
    if isinstance(value, Quantity):
        return values.system(SYSTEM_TYPES["Quantity"], quantity.literal(value), value)
    kind = value.kind if isinstance(value, Temporal) else _NAMES[type(value)]
    return values.system(SYSTEM_TYPES[kind], literal(value), value)


_NAMES: dict[type, str] = {bool: "Boolean", str: "String", int: "Integer", Decimal: "Decimal"}
