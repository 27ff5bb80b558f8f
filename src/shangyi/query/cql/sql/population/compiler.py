"""The walk over the tree of a program, for rows by patient.

What depends on no resident is calculated once, by the closures, and stands in the statement as a constant. Operators
over columns are those of ``query.cql.sql``; what is over rows has a module of its own here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from shangyi.fhir.definitions import is_primitive
from shangyi.query.cql import tree
from shangyi.query.cql.library import Library
from shangyi.query.cql.sql import values
from shangyi.query.cql.sql.builder import Call
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.compiler import SECTIONS, compile_node
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.population import elements, quantities, timing
from shangyi.query.cql.sql.population.constants import is_constant, of_python
from shangyi.query.cql.sql.population.items import (
    MISSING,
    Coded,
    Delayed,
    Element,
    Elements,
    Fields,
    Item,
    Literals,
    Missing,
    Port,
    Rows,
    Seen,
    Side,
    side,
    there,
    through,
)
from shangyi.query.cql.sql.population.program import Calls
from shangyi.query.cql.sql.population.select import Select
from shangyi.query.cql.sql.shapes import null, unified
from shangyi.query.cql.types import ANY, BOOLEAN, QUANTITY, STRING, ChoiceOf, IntervalOf, ListOf, Type
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr
from shangyi.query.types import ItemType


@dataclass(frozen=True)
class Env:
    """Where a node is: its library, the rows it is calculated for, what names stand for.

    ``scope``: None for a list that no row has asked for yet: it gives rows with their patients.
    """

    library: Library
    scope: Select | None
    operands: Mapping[str, Item] = field(default_factory=dict)
    aliases: Mapping[str, Item] = field(default_factory=dict)
    lets: Mapping[str, Item] = field(default_factory=dict)
    items: Mapping[str, Item] = field(default_factory=dict)

    def within(self, scope: Select | None) -> "Env":
        """The same names for the rows of another select."""
        return replace(self, scope=scope)


class Compiler:
    """Compiles nodes; ``calls`` knows the program's definitions and the setting."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.offset = calls.setting.offset

    def node(self, node: tree.Node, env: Env) -> Item:
        """What a node is; NoForm with its place."""
        try:
            if is_constant(node, self.calls.program, env.library):
                return of_python(self.calls.constant(node, env.library), node.type, self.offset)
            return self._built(node, env)
        except NoForm as error:
            if not error.line:
                place = node.place
                error.library, error.line, error.column = place.library, place.line, place.column
                error.end_line, error.end_column = place.end_line, place.end_column
            raise

    def _built(self, node: tree.Node, env: Env) -> Item:
        build = BUILDERS.get(type(node))
        if build is None:
            raise NoForm("{node} has no form in SQL yet", node=type(node).__name__)
        found: Item = build(self, node, env)
        return found

    def scope(self, env: Env) -> Select:
        """The rows that a scalar is calculated for."""
        if env.scope is None:
            raise NoForm("{node} has no form in SQL here", node="Row")
        return env.scope

    def value(self, node: tree.Node, env: Env) -> values.Value:
        """A node in columns."""
        return self.columns(self.node(node, env), node.type)

    def columns(self, item: Item, type_: Type) -> values.Value:
        """An item in columns of a type, where it has that form."""
        if isinstance(item, Missing):
            return null(type_)
        if isinstance(item, Side):
            return self.columns(self.option(item, type_), type_)
        if isinstance(item, Element | Seen) and is_primitive(item.type):
            found = through(item, lambda element: elements.prop(element, "value", self.offset))
            return self.columns(found, type_)
        if isinstance(item, Element | Elements | Delayed | Seen | Fields | Coded | Rows | Literals):
            raise NoForm("{node} has no form in SQL here", node=str(type_))
        return item

    def option(self, item: Side, type_: Type) -> Item:
        """What of a choice is of a type."""
        return side([option for option in item.options if is_type(option, type_)])

    def truth(self, node: tree.Node, env: Env) -> Expr:
        """A Boolean column."""
        found = self.value(node, env)
        if not isinstance(found, values.Scalar):
            raise NoForm("{node} has no form in SQL here", node="Boolean")
        return found.sql

    def rows(self, node: tree.Node, env: Env) -> Rows:
        """A node as rows: those of a list, or the one item where it is none."""
        from shangyi.query.cql.sql.population import lists

        return lists.rows(self, self.node(node, env), env, node.type)

    def bound(self, item: Item, env: Env) -> Item:
        """An item whose costly columns are written once, in the scope."""
        if env.scope is None:
            return item
        scope = env.scope
        match item:
            case Side():
                return Side(tuple(self.bound(option, env) for option in item.options))
            case Coded():
                return replace(item, keys=scope.bind(item.keys), there=scope.bind(item.there))
            case Fields():
                return Fields({n: self.bound(e, env) for n, e in item.elements.items()}, item.there)
            case Missing() | Delayed() | Element() | Elements() | Seen() | Rows() | Literals():
                return item
        return values.rebuilt(item, iter([scope.bind(sql) for _, sql in values.parts(item)]))

    def delegate(self, node: tree.Node, parts: Mapping[str, values.Value]) -> values.Value:
        """A node over columns, whose children have been put aside as operands."""
        at = Columns(dict(parts), offset=self.offset, now=self.calls.setting.now)
        return compile_node(node, at)


def is_type(item: Item, type_: Type) -> bool:
    """Whether an item that is not null is of a type."""
    if isinstance(type_, ChoiceOf):
        return any(is_type(item, option) for option in type_.options)
    if type_ == ANY:
        return True
    if isinstance(item, Element | Seen):
        return isinstance(type_, ItemType) and type_.namespace != "System" and _is(item.type, type_.name)
    if isinstance(item, Coded):
        return type_ == (
            ItemType("System", "Code") if item.code is not None else ItemType("System", "Concept")
        )
    own = getattr(item, "type", None)
    if isinstance(own, IntervalOf) and isinstance(type_, IntervalOf) and isinstance(type_.point, ChoiceOf):
        return own.point in type_.point.options
    return own == type_


def _is(own: str, name: str) -> bool:
    from shangyi.query.cql.closures.fhir import _derives

    return own == name or _derives(own, name)


# --- Nodes over columns


def _delegated(compiler: Compiler, node: tree.Node, env: Env, names: tuple[str, ...]) -> Item:
    parts: dict[str, values.Value] = {}
    made: dict[str, Any] = {}
    for name in names:
        child = getattr(node, name)
        if isinstance(child, tree.Node):
            parts[name] = compiler.value(child, env)
            made[name] = tree.OperandRef(name, type=child.type, place=child.place)
    return compiler.delegate(replace(node, **made), parts)


def _interval(compiler: Compiler, node: tree.Interval, env: Env) -> Item:
    ends = [compiler.bound(compiler.node(side, env), env) for side in (node.low, node.high)]
    closed = [
        ir.Literal(side) if isinstance(side, bool) else compiler.truth(side, env)
        for side in (node.low_closed, node.high_closed)
    ]
    assert isinstance(node.type, IntervalOf)
    point = next((_point(end) for end in ends if _point(end) is not None), None) or node.type.point
    low, high = (compiler.columns(_narrowed(end, point), point) for end in ends)
    return compiler.bound(timing.interval(IntervalOf(point), low, high, closed[0], closed[1]), env)


def _point(end: Item) -> Type | None:
    """The type of a boundary, of a choice the one that it has in this lake."""
    if isinstance(end, Side):
        found = {_point(option) for option in end.options}
        return found.pop() if len(found) == 1 else None
    own = getattr(end, "type", None)
    return own if isinstance(own, ItemType) and own != ANY and not isinstance(end, Element | Seen) else None


def _narrowed(end: Item, point: Type) -> Item:
    return MISSING if getattr(end, "type", point) == ANY else end


def _if(compiler: Compiler, node: tree.If, env: Env) -> Item:
    return chosen(compiler, ((node.condition, node.then),), node.otherwise, node.type, env)


def _case(compiler: Compiler, node: tree.Case, env: Env) -> Item:
    items = tuple((item.when, item.then) for item in node.items)
    if node.comparand is not None:
        items = tuple(
            (tree.Operator("Equal", (node.comparand, when), type=BOOLEAN, place=when.place), then)
            for when, then in items
        )
    return chosen(compiler, items, node.otherwise, node.type, env)


def chosen(
    compiler: Compiler,
    items: tuple[tuple[tree.Node, tree.Node], ...],
    otherwise: tree.Node,
    type_: Type,
    env: Env,
) -> Item:
    """The first whose condition is true; what is known while compiling falls away."""
    conditions: list[Expr] = []
    results: list[Item] = []
    for when, then in items:
        condition = compiler.truth(when, env)
        if condition == ir.FALSE or ir.is_nothing(condition):
            continue
        results.append(compiler.node(then, env))
        if condition == ir.TRUE:
            break
        conditions.append(condition if env.scope is None else env.scope.bind(condition))
    else:
        results.append(compiler.node(otherwise, env))
    return compiler.bound(choose(compiler, conditions, results, type_), env)


def choose(compiler: Compiler, conditions: list[Expr], results: list[Item], type_: Type) -> Item:
    """The result behind the first true condition; the last behind none."""
    if len(results) == 1:
        return results[0]
    if all(isinstance(result, Missing) for result in results):
        return MISSING
    if isinstance(type_, ChoiceOf) or not all(_is_column(result) for result in results):
        return _beside(conditions, results)
    columns = unified(
        Columns(offset=compiler.offset), [compiler.columns(result, type_) for result in results]
    )

    def pick(found: tuple[Expr, ...]) -> Expr:
        return ir.Case(tuple(zip(conditions, found[:-1], strict=True)), found[-1])

    made = values.chosen(columns, pick)
    if isinstance(made, values.Interval) and all(_closed(column) for column in columns):
        return replace(
            made, high_closed=ir.TRUE
        )  # of a null interval it says nothing: low_closed is null there
    return made


def _is_column(item: Item) -> bool:
    return isinstance(item, Missing | values.Value)


def _beside(conditions: list[Expr], results: list[Item]) -> Item:
    """What is no value: whatever is asked of the result is asked of each, and one is taken."""

    def take(*inner: Expr) -> Expr:
        return ir.Case(tuple(zip(conditions, inner[:-1], strict=True)), inner[-1])

    return Port(take, optional=True).seen(results)


def _closed(column: values.Value) -> bool:
    return isinstance(column, values.Interval) and (
        column.high_closed == ir.TRUE or ir.is_nothing(column.high_closed)
    )


def _is_node(compiler: Compiler, node: tree.Is, env: Env) -> Item:
    item = compiler.node(node.operand, env)
    options = item.options if isinstance(item, Side) else (item,)
    found = [there(option) for option in options if is_type(option, node.target)]
    return values.Scalar(BOOLEAN, ir.either(*found) if found else ir.FALSE)


def _as(compiler: Compiler, node: tree.As, env: Env) -> Item:
    item = compiler.node(node.operand, env)
    if isinstance(item, Missing):
        return item
    if isinstance(item, Side):
        return compiler.option(item, node.target)
    if isinstance(item, Rows | Literals | Elements) or (isinstance(item, Seen) and item.listed):
        if isinstance(node.target, ListOf):
            return item
        raise NoForm("{node} of {types} has no form in SQL yet", node="As", types=str(node.operand.type))
    if is_type(item, node.target):
        return item
    if isinstance(item, Element | Seen | Coded | Fields | Delayed):
        return MISSING
    if isinstance(item, values.Interval) and isinstance(node.target, IntervalOf):
        return compiler.delegate(
            replace(node, operand=tree.OperandRef("x", type=node.operand.type)), {"x": item}
        )
    if getattr(item, "type", None) == ANY:
        return null(node.target)
    return compiler.delegate(replace(node, operand=tree.OperandRef("x", type=node.operand.type)), {"x": item})


def _convert(compiler: Compiler, node: tree.Convert, env: Env) -> Item:
    return _delegated(compiler, node, env, ("operand",))


def _tuple(compiler: Compiler, node: tree.Tuple, env: Env) -> Item:
    return Fields(
        {
            element.name: Delayed(element.value, env)
            if isinstance(element.value.type, ListOf)
            else compiler.node(element.value, env)
            for element in node.elements
        }
    )


def _instance(compiler: Compiler, node: tree.Instance, env: Env) -> Item:
    elements_ = {element.name: element.value for element in node.elements}
    if node.type != QUANTITY or "value" not in elements_:
        raise NoForm("{node} has no form in SQL yet", node=str(node.type))
    value = compiler.value(elements_["value"], env)
    unit = compiler.value(elements_["unit"], env) if "unit" in elements_ else null(STRING)
    assert isinstance(value, values.Scalar)
    assert isinstance(unit, values.Scalar)
    return quantities.instance(value.sql, unit.sql)


def _list(compiler: Compiler, node: tree.List, env: Env) -> Item:
    return Literals(tuple(compiler.node(element, env) for element in node.elements))


def _property(compiler: Compiler, node: tree.Property, env: Env) -> Item:
    item = compiler.node(node.source, env)
    for name in node.path.split("."):
        item = _step(compiler, node, item, name)
    return item


def _step(compiler: Compiler, node: tree.Property, item: Item, name: str) -> Item:
    match item:
        case Missing():
            return item
        case Fields():
            return _element(compiler, item.elements.get(name, MISSING))
        case Element() | Seen():
            return elements.prop(item, name, compiler.offset)
        case Side():
            return side(
                [_step(compiler, node, option, name) for option in item.options if _has(option, name)]
            )
        case values.Interval():
            found = {
                "low": item.low,
                "high": item.high,
                "lowClosed": values.Scalar(BOOLEAN, item.low_closed),
                "highClosed": values.Scalar(BOOLEAN, item.high_closed),
            }
            if name in found:
                return found[name]
        case values.Quantity():
            if name in ("value", "unit"):
                return quantities.part(item, name)
        case Coded(code=code, system=system) if code is not None and system is not None:
            if name in ("code", "system"):
                return values.Scalar(STRING, code if name == "code" else system)
        case values.Scalar() | values.Range() if name == "value":
            return item
    raise NoForm("{node} of {types} has no form in SQL yet", node=name, types=str(node.source.type))


def _element(compiler: Compiler, item: Item) -> Item:
    if not isinstance(item, Delayed):
        return item
    if item.env is None:
        raise NoForm("{node} has no form in SQL here", node="Tuple.List")
    return compiler.node(item.node, item.env)


def _has(item: Item, name: str) -> bool:
    match item:
        case values.Interval():
            return name in ("low", "high", "lowClosed", "highClosed")
        case values.Quantity():
            return name in ("value", "unit")
        case values.Scalar() | values.Range():
            return name == "value"
    return True


def _operator(compiler: Compiler, node: tree.Operator, env: Env) -> Item:
    from shangyi.query.cql.sql.population import operators

    return operators.operator(compiler, node, env)


def over_columns(
    compiler: Compiler, node: tree.Operator, operands: list[Item], scope: Select | None = None
) -> Item:
    """An operator of ``query.cql.sql``, of operands in columns."""
    parts = [
        compiler.columns(item, operand.type) for item, operand in zip(operands, node.operands, strict=True)
    ]
    at = timing.At(offset=compiler.offset, now=compiler.calls.setting.now)
    if scope is not None:
        at = replace(at, bind=scope.bind)
    for table in (quantities.OPERATORS, timing.OPERATORS, *SECTIONS):
        build = table.get(node.name)
        found = None if build is None else build(Call(node, tuple(parts), at))
        if found is not None:
            return found
    types = ", ".join(str(part.type) for part in parts)
    raise NoForm("{node} of {types} has no form in SQL yet", node=node.name, types=types)


Builder = Callable[[Compiler, Any, Env], Item]


def _builders() -> dict[type[tree.Node], Builder]:
    from shangyi.query.cql.sql.population import lists, queries, references, retrieves

    return {
        tree.Interval: _interval,
        tree.If: _if,
        tree.Case: _case,
        tree.Is: _is_node,
        tree.As: _as,
        tree.Convert: _convert,
        tree.Tuple: _tuple,
        tree.Instance: _instance,
        tree.List: _list,
        tree.Property: _property,
        tree.Operator: _operator,
        tree.Query: queries.query,
        tree.Retrieve: retrieves.retrieve,
        **references.BUILDERS,
        **lists.BUILDERS,
    }


class _Builders(dict[type[tree.Node], Builder]):
    """Filled at the first question: the modules need this one."""

    def get(self, key: type[tree.Node], default: Any = None) -> Any:
        if not self:
            self.update(_builders())
        return super().get(key, default)


BUILDERS = _Builders()
