"""A program as one statement: a CTE for each definition that is needed, then a row for each patient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shangyi.errors import Invalid
from shangyi.query.cql.library import ExpressionDef, Program
from shangyi.query.cql.sql import values
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.population import lists, references
from shangyi.query.cql.sql.population.compiler import Compiler, Env
from shangyi.query.cql.sql.population.items import Item, Missing, there
from shangyi.query.cql.sql.population.program import Calls, Setting
from shangyi.query.cql.sql.population.select import Select
from shangyi.query.cql.tree import ExpressionRef
from shangyi.query.cql.types import ListOf
from shangyi.query.sql import DIALECTS, ir


@dataclass(frozen=True)
class Definition:
    """What a definition's columns are: ``columns`` by the part of the value that each has (``values.parts``).

    ``shape``: ``value``; ``count`` of a list's items; ``there`` of what has no columns of its own (a resource).
    """

    name: str
    shape: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Statement:
    """SQL with its parameters (``$name``: a LIST of texts). The first column is ``patient_key``.

    ``refused``: definitions that have no form in SQL, with the reason and place.
    """

    text: str
    parameters: Mapping[str, list[str]]
    definitions: tuple[Definition, ...]
    refused: Mapping[str, NoForm]
    ctes: tuple[tuple[str, str, str], ...]


def compile_program(
    program: Program,
    names: Sequence[str],
    setting: Setting,
    dialect: str = "duckdb",
    lenient: bool = False,
) -> Statement:
    """The statement for these definitions of the main library.

    NoForm, with its place, for the first that has no form in SQL; ``lenient``: those are left out and told.
    """
    compiler = Compiler(Calls(program, setting))
    scope = references.patients(compiler)
    found: list[Definition] = []
    outputs: list[tuple[ir.Expr, str]] = [(scope.patient or ir.null(), "patient_key")]
    refused: dict[str, NoForm] = {}
    for name in names:
        definition = program.main.named.get(name)
        if not isinstance(definition, ExpressionDef):
            raise Invalid("There is no definition {name}", name=name)
        ref = ExpressionRef("", name, type=definition.expression.type, place=definition.place)
        steps = len(scope.steps)
        try:
            item = compiler.node(ref, Env(program.main, scope))
            made, columns = _columns(compiler, name, item, ref, scope)
        except NoForm as error:
            if not lenient:
                raise
            del scope.steps[steps:]
            refused[name] = error
            continue
        found.append(made)
        outputs += columns
    return _written(compiler, scope, outputs, found, refused, dialect)


def _columns(
    compiler: Compiler, name: str, item: Item, ref: ExpressionRef, scope: Select
) -> tuple[Definition, list[tuple[ir.Expr, str]]]:
    fresh = compiler.calls.names.fresh
    if isinstance(ref.type, ListOf):
        rows = lists.rows(compiler, item, Env(compiler.calls.program.main, scope), ref.type)
        counted = lists.count(rows, nulls=True)
        column = fresh("v")
        return Definition(name, "count", (("v", column),)), [(counted.sql, column)]
    if isinstance(item, Missing):
        column = fresh("v")
        return Definition(name, "value", (("v", column),)), [(ir.null(), column)]
    try:
        value = compiler.columns(item, ref.type)
    except NoForm:
        column = fresh("v")
        present = ir.Case(((there(item), ir.TRUE),))
        return Definition(name, "there", (("v", column),)), [(present, column)]
    made = [(part, sql, fresh("v")) for part, sql in values.parts(value)]
    return (
        Definition(name, type(value).__name__, tuple((part, column) for part, _, column in made)),
        [(sql, column) for _, sql, column in made],
    )


def _written(
    compiler: Compiler,
    scope: Select,
    outputs: list[tuple[ir.Expr, str]],
    found: list[Definition],
    refused: dict[str, NoForm],
    dialect: str,
) -> Statement:
    write = DIALECTS[dialect]
    main = scope.written(write, outputs)
    used = [d for d in compiler.calls.defined.values() if d.select is not None and d.select.outputs]
    ctes = tuple(
        (write.identifier(d.name), d.title, d.select.written(write)) for d in used if d.select is not None
    )
    head = ",\n".join(f"{name} AS (\n  {text}\n)" for name, _, text in ctes)
    text = f"WITH {head}\n{main}" if ctes else main
    parameters = {n: v for n, v in compiler.calls.parameters.items() if f"${n})" in text or f"${n}" in text}
    return Statement(text, parameters, tuple(found), refused, ctes)
