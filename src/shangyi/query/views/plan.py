"""A view planned: every expression typed and compiled, every fault told, before any data is read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from shangyi.query import typed
from shangyi.query.columns import Table
from shangyi.query.errors import ExpressionError, SemanticError
from shangyi.query.model import FHIR
from shangyi.query.parser import parse as parse_expression
from shangyi.query.resolve import Options, resolve
from shangyi.query.sql import DIALECTS, Around, Scope, compile_tree, ir, joins, row, values
from shangyi.query.sql.base import truth
from shangyi.query.sql.compiler import constant
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.joins import ROW
from shangyi.query.sql.values import EMPTY, Value
from shangyi.query.temporal import DateTime, now
from shangyi.query.types import BOOLEAN, INTEGER, NOTHING, ItemType, Type, one
from shangyi.query.views import columns, descent, pushdown, relation
from shangyi.query.views.definition import Path, Select, View, ViewColumn, parse
from shangyi.query.views.errors import Faults
from shangyi.query.views.output import OutputColumn
from shangyi.query.views.relation import Branch, Layer, Output
from shangyi.query.views.repetition import Repetition

ROW_INDEX = "rowIndex"


class Plan:
    """What a view is over the columns of a table. ``columns``: what the statement gives; ``joined``: the types whose
    tables it joins as well (``resolve()``).
    """

    def __init__(self, view: View, table: Table, others: Mapping[str, Table] | None = None) -> None:
        self.view, self.table, self.others = view, table, others
        planner = _Planner(view, table, now(), others)
        branches, where, self.columns = planner.plan()
        shown = [where]
        for branch in branches:
            shown += [layer.items for layer in branch.layers] + [output.sql for output in branch.outputs]
        self.joined = frozenset(join.type for join in joins.used(planner.around.joins, shown))

    def sql(
        self,
        dialect: str = "duckdb",
        source: str | None = None,
        at: DateTime | None = None,
        beside: Sequence[str] = (),
        others: Mapping[str, str] | None = None,
    ) -> str:
        """One statement. ``source``: the relation to scan (by default the table of that type), as the dialect
        writes it; ``at``: what ``now()`` and ``today()`` mean, by default the present; ``beside``: columns of
        ``source`` that each row has after its own; ``others``: the relations of ``joined``, by type.
        """
        planner = _Planner(self.view, self.table, at or now(), self.others)
        branches, where, _ = planner.plan()
        writer = DIALECTS[dialect]
        scanned = source or writer.identifier(self.view.resource)
        writing = relation.Writing(writer, scanned, planner.around.joins, others or {})
        return relation.statement(branches, where, writing, beside)


def compile(resource: object, table: Table, others: Mapping[str, Table] | None = None) -> Plan:
    """The plan of a ViewDefinition (plain JSON); ViewError with every fault and its place.

    ``others``: the tables that ``resolve()`` may join; None where a row must be all that a view looks at.
    """
    return Plan(parse(resource), table, others)


@dataclass(frozen=True, slots=True)
class _Context:
    """Where paths start: the item, its static type, and its index among its siblings."""

    this: Value
    type: Type
    index: Expr


class _Planner:
    def __init__(
        self, view: View, table: Table, at: DateTime, others: Mapping[str, Table] | None = None
    ) -> None:
        self.view, self.table, self.faults = view, table, Faults()
        self.around = Around(table, at, in_view=True, others=others)
        self.root = row(table, ROW.text)
        self.root_type = one(ItemType("FHIR", view.resource))
        self.layers = 0
        self.outputs: dict[str, OutputColumn] = {}
        known = {name: one(_type_of(value)) for name, value in view.constants.items()}
        self.variables = {**known, ROW_INDEX: one(INTEGER)}
        self.constants = {name: constant(value) for name, value in view.constants.items()}

    def plan(self) -> tuple[list[Branch], Expr, tuple[OutputColumn, ...]]:
        """The branches, the criterion of the scan, and the columns; ViewError where anything is wrong."""
        top = _Context(self.root, self.root_type, ir.number(0))
        if self.table.resource_type != self.view.resource:
            self.faults.add(
                "ViewDefinition.resource",
                "The view is of {type}, the table of {other}",
                type=self.view.resource,
                other=self.table.resource_type,
            )
            self.faults.check()
        where = ir.both(*(self.criterion(path, top) for path in self.view.where))
        branches = [Branch()]
        for select in self.view.selects:
            branches = relation.product(branches, self.select(select, top))
        self.faults.check()
        order = [name for select in self.view.selects for name in select.names]
        return branches, where, tuple(self.outputs[name] for name in order)

    def tree(self, path: Path, context: _Context) -> typed.Node:
        """The typed tree of a path."""
        options = Options(strict=True, variables=self.variables, resource=self.root_type)
        return resolve(parse_expression(path.text), context.type, text=path.text, options=options)

    def value(self, path: Path, context: _Context) -> tuple[Value, typed.Node] | None:
        """What a path is in SQL, and its typed tree; None where it has a fault, which is kept."""
        try:
            node = self.tree(path, context)
            return self.compiled(node, path, context), node
        except RecursionError:
            self.faults.add(path.place, "The expression is nested too deeply")
        except ExpressionError as error:
            self.faults.add_expression(path.place, error)
        return None

    def compiled(self, node: typed.Node, path: Path, context: _Context) -> Value:
        """A typed tree in SQL."""
        given: Mapping[str, Value] = {
            **self.constants,
            "resource": self.root,
            "rootResource": self.root,
            "context": self.root,
            ROW_INDEX: values.system(INTEGER, ir.Cast(context.index, ir.INT)),
        }
        return compile_tree(node, self.around, Scope(context.this, variables=given), path.text)

    def criterion(self, path: Path, context: _Context) -> Expr:
        """A path of ``where``, which must be a Boolean."""
        try:
            node = self.tree(path, context)
            kinds = None if node.type.items is None else {FHIR.system(item) for item in node.type.items}
            if kinds is not None and not kinds <= {BOOLEAN}:
                self.faults.add_at(
                    path.place, node.span, "where needs one Boolean, not {type}", type=str(node.type)
                )
                return ir.TRUE
            found = columns.single(self.compiled(node, path, context), node, path, self.around)
        except ExpressionError as error:
            self.faults.add_expression(path.place, error)
            return ir.TRUE
        test = truth(found) if found.alternatives else ir.FALSE
        return ir.both(*pushdown.implied(node, self.table, self.view.constants), test)

    def select(self, select: Select, context: _Context) -> list[Branch]:
        """The branches of a select: its own rows, times those within it."""
        branches = [Branch()]
        if select.rows:
            entered = self.rows(select, context)
            if entered is None:
                return branches
            layer, context = entered
            branches = [Branch((layer,))]
        outputs = tuple(o for column in select.columns if (o := self.column(column, context)) is not None)
        branches = relation.product(branches, [Branch((), outputs)])
        for inner in select.selects:
            branches = relation.product(branches, self.select(inner, context))
        if select.unions:
            united = [branch for inner in select.unions for branch in self.select(inner, context)]
            branches = relation.product(branches, united)
        return branches

    def rows(self, select: Select, context: _Context) -> tuple[Layer, _Context] | None:
        """The list that makes the rows, and the context of each."""
        if select.rows == "repeat":
            found = self.repeated(select, context)
        else:
            listed = self.value(select.paths[0], context)
            found = (listed[0], listed[1].type) if listed else None
        if found is None:
            return None
        self.layers += 1
        name = f"e{self.layers}"
        many = values.listed(found[0])
        of = Type(found[1].items, 1, 1) if found[1].items else NOTHING
        if not many.slots:
            nothing = ir.Listed((ir.null(),) if select.rows == "forEachOrNull" else (), ir.TEXT)
            return Layer(name, nothing), _Context(EMPTY, of, ir.number(0))
        item: Expr = ir.Member(ROW, name)
        items, type_ = many.sql, many.item_type
        index: Expr = ir.number(0)
        if any(ROW_INDEX in text for text in _texts(select)):
            x, i = self.around.names.fresh(), self.around.names.fresh()
            place = ir.Cast(ir.call("index", i), ir.INT)
            pair = ir.Struct((("v", x), ("i", place)))
            items = ir.call("list_map", items, ir.Lambda((x, i), pair))
            type_ = ir.struct_of(("v", type_), ("i", ir.INT))
            index = ir.call("coalesce", ir.Member(item, "i"), ir.number(0))
            item = ir.Member(item, "v")
        if select.rows == "forEachOrNull":
            some = ir.call("gt", ir.call("list_length", items), ir.number(0))
            items = ir.Case(((some, items),), ir.Listed((ir.null(type_),), type_))
        return Layer(name, items), _Context(values.opened(many.slots, item), of, index)

    def repeated(self, select: Select, context: _Context) -> tuple[Value, Type] | None:
        """Every item that the paths lead to, again and again, each before what is below it."""
        if self.circular(select):
            return None
        try:
            nodes = self.projections(select, context)
        except ExpressionError as error:
            self.faults.add_expression(f"{select.place}.repeat", error)
            return None
        steps = tuple(partial(self.step, node, path, context) for path, node in nodes.items())
        texts = (text for text in _texts(select) if text not in {path.text for path in select.paths})
        try:
            items = Repetition(steps, texts, self.around.names).items(context.this)
        except RecursionError:
            self.faults.add(f"{select.place}.repeat", "The expression is nested too deeply")
            return None
        except ExpressionError as error:
            self.faults.add_expression(f"{select.place}.repeat", error)
            return None
        return items, Type(_items(nodes.values()), 0, None)

    def circular(self, select: Select) -> bool:
        """Whether a path of ``repeat`` does not go down from its item; that is kept as a fault."""
        found = False
        for path in select.paths:
            try:
                turning = descent.turning(parse_expression(path.text))
            except ExpressionError:  # told by ``projections``
                continue
            if turning is not None:
                found = True
                text = "repeat goes round in a circle: {path} leads back to the item that it starts from"
                self.faults.add_at(path.place, turning.span, text, path=path.text)
        return found

    def projections(self, select: Select, context: _Context) -> dict[Path, typed.Node]:
        """The paths of ``repeat``, typed for the start and for their own results, found by trying until no type is new.

        One that none of these types has leads nowhere and is left out, as the official suite wants it.
        """
        type_ = context.type
        while True:
            nodes: dict[Path, typed.Node] = {}
            for path in select.paths:
                try:
                    nodes[path] = self.tree(path, replace(context, type=type_))
                except SemanticError:
                    continue
            wider = Type(tuple(dict.fromkeys((*(type_.items or ()), *_items(nodes.values())))), 1, 1)
            if wider == type_:
                return nodes
            type_ = wider

    def step(self, node: typed.Node, path: Path, context: _Context, this: Value) -> Value:
        """What a path gives for one item."""
        return self.compiled(node, path, replace(context, this=this))

    def column(self, column: ViewColumn, context: _Context) -> Output | None:
        """One column of the result."""
        found = self.value(column.path, context)
        if found is None:
            return None
        try:
            sql, output = columns.output(column, found[0], found[1], self.around)
        except columns.Unfit as unfit:
            self.faults.add_at(column.path.place, found[1].span, unfit.text, **unfit.fields)
            return None
        before = self.outputs.get(column.name)
        if before is not None and (before.collection, before.sql_type) != (
            output.collection,
            output.sql_type,
        ):
            self.faults.add_at(
                column.path.place,
                found[1].span,
                "{name} is of another type in another branch",
                name=column.name,
            )
        self.outputs[column.name] = output
        return Output(column.name, sql)


def _type_of(value: object) -> ItemType:
    return constant(value).alternatives[0].slot.type


def _items(nodes: Iterable[typed.Node]) -> tuple[ItemType, ...]:
    """Every type that some node can give."""
    return tuple(dict.fromkeys(item for node in nodes for item in node.type.items or ()))


def _texts(select: Select) -> Iterable[str]:
    """Every path within a select."""
    yield from (column.path.text for column in select.columns)
    yield from (path.text for path in select.paths)
    for inner in (*select.selects, *select.unions):
        yield from _texts(inner)
