"""References: definitions as CTEs, functions put in where they are called, names of the place itself."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shangyi.query.cql import tree
from shangyi.query.cql.library import ExpressionDef, Library
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.population import conversions, elements, lists
from shangyi.query.cql.sql.population.constants import is_constant, of_python
from shangyi.query.cql.sql.population.items import Delayed, Item, Port, Rows
from shangyi.query.cql.sql.population.program import Defined
from shangyi.query.cql.sql.population.select import Branches, Select, Shared, Table
from shangyi.query.cql.types import ListOf
from shangyi.query.sql import ir

if TYPE_CHECKING:
    from shangyi.query.cql.sql.population.compiler import Compiler, Env


def defined(compiler: "Compiler", library: Library, definition: ExpressionDef) -> Defined:
    """A definition, compiled when it is first asked for."""
    calls = compiler.calls
    key = (id(library), definition.name)
    found = calls.defined.get(key)
    if found is None:
        made = _define(compiler, library, definition)
        found = calls.defined[key] = made
    return found


def _define(compiler: "Compiler", library: Library, definition: ExpressionDef) -> Defined:
    from shangyi.query.cql.sql.population.compiler import Env

    calls, node = compiler.calls, definition.expression
    title = f"{library.identifier.name}.{definition.name}"
    name = calls.names.fresh("d")
    if is_constant(node, calls.program, library):
        item = of_python(calls.constant(node, library), node.type, compiler.offset)
        return Defined(name, title, None, item, False)
    if definition.context != "Patient":
        raise NoForm(
            "{name}, of the context {context}, has no form in SQL yet", name=title, context=definition.context
        )
    if isinstance(node.type, ListOf):
        rows = lists.free(compiler, node, library)
        return Defined(name, title, rows.select, rows, True)
    scope = patients(compiler)
    item = compiler.node(node, Env(library, scope))
    return Defined(name, title, scope, item, False)


def patients(compiler: "Compiler") -> Select:
    """One row for each patient."""
    names = compiler.calls.names
    return Select(names, Table("Patient"), None, ir.Name("patient_key")).over()


def is_patient(definition: ExpressionDef) -> bool:
    """Whether this is ``Patient`` itself."""
    match definition.expression:
        case tree.Operator(name="SingletonFrom", operands=(tree.Retrieve(codes=None) as scan,)):
            return scan.data_type.name == "Patient"
    return False


def _expression(compiler: "Compiler", node: tree.ExpressionRef, env: "Env") -> Item:
    library, definition = compiler.calls.program.expression(env.library, node)
    if is_patient(definition):
        return patient(compiler, env)
    found = defined(compiler, library, definition)
    if found.select is None:
        return found.item
    if found.listed:
        return _list(compiler, found, env)
    return _row(compiler, found, env)


def patient(compiler: "Compiler", env: "Env") -> Item:
    """The Patient of the row."""
    owner = compiler.scope(env).owner
    row = elements.row_of(compiler.calls.setting.table("Patient"))
    if isinstance(owner.base, Branches) and owner.base.selects[0].base == Table("Patient"):
        return Port(owner.take).seen([row])
    joined = owner.joined.get("Patient")
    if joined is None:
        joined = owner.joined["Patient"] = patients(compiler)
        _beside(owner, joined)
    reading = joined
    return Port(lambda sql: reading.expose(reading.take(sql))).seen([row])


def _beside(owner: Select, joined: Select) -> None:
    assert owner.patient is not None
    assert joined.patient is not None
    owner.join("LEFT JOIN", joined, ir.call("eq", joined.expose(joined.patient), owner.patient))


def _list(compiler: "Compiler", found: Defined, env: "Env") -> Rows:
    rows, select = found.item, _reading(compiler, found, env.scope)
    assert isinstance(rows, Rows)
    assert select.patient is not None
    if env.scope is not None:
        owner = env.scope.owner.patient
        if owner is not None:
            select.where(ir.call("eq", select.patient, owner))
    port = Port(select.take)
    return Rows(
        select,
        port.seen([rows.item]),
        tuple(map(select.take, rows.key)),
        tuple(map(select.take, rows.place)),
        tuple((select.take(sql), direction) for sql, direction in rows.order),
        rows.whole,
    )


def _reading(compiler: "Compiler", found: Defined, parent: Select | None) -> Select:
    assert found.select is not None
    assert found.select.patient is not None
    select = Select(compiler.calls.names, Shared(found.name, found.select), parent)
    select.patient = select.take(found.select.patient)
    return select


def _row(compiler: "Compiler", found: Defined, env: "Env") -> Item:
    owner = compiler.scope(env).owner
    joined = owner.joined.get(found.name)
    if joined is None:
        joined = owner.joined[found.name] = _reading(compiler, found, None)
        _beside(owner, joined)
    reading = joined
    return Port(lambda sql: reading.expose(reading.take(sql))).seen([found.item])


def _parameter(compiler: "Compiler", node: tree.ParameterRef, env: "Env") -> Item:
    return of_python(compiler.calls.constant(node, env.library), node.type, compiler.offset)


def _function(compiler: "Compiler", node: tree.FunctionRef, env: "Env") -> Item:
    from shangyi.query.cql.sql.population.compiler import Env

    calls = compiler.calls
    library, function = calls.program.function(env.library, node)
    if library.identifier.name == "FHIRHelpers":
        (operand,) = node.operands
        return conversions.convert(node.name, compiler.node(operand, env), compiler.offset)
    if function.expression is None:
        raise NoForm("The external function {name} has no form in SQL", name=node.name)
    operands: dict[str, Any] = {}
    for operand_def, operand in zip(function.operands, node.operands, strict=True):
        if isinstance(operand.type, ListOf):
            operands[operand_def.name] = Delayed(operand, env)
        else:
            operands[operand_def.name] = compiler.bound(compiler.node(operand, env), env)
    calls.enter()
    try:
        return compiler.node(function.expression, Env(library, env.scope, operands))
    finally:
        calls.depth -= 1


def _named(names: str) -> Callable[..., Item]:
    def build(compiler: "Compiler", node: Any, env: "Env") -> Item:
        found = getattr(env, names).get(getattr(node, "name", None) or getattr(node, "scope", None))
        if found is None:
            raise NoForm("{node} has no form in SQL here", node=getattr(node, "name", "$this"))
        if isinstance(found, Delayed):
            return compiler.node(found.node, found.env.within(env.scope))
        return found  # type: ignore[no-any-return]

    return build


BUILDERS: dict[type[tree.Node], Any] = {
    tree.ExpressionRef: _expression,
    tree.ParameterRef: _parameter,
    tree.FunctionRef: _function,
    tree.OperandRef: _named("operands"),
    tree.AliasRef: _named("aliases"),
    tree.QueryLetRef: _named("lets"),
    tree.Current: _named("items"),
}
