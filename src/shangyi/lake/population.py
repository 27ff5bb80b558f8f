"""CQL over the lake: definitions of a program for all residents, in one statement."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from shangyi.fhir.definitions import resource_types
from shangyi.lake.catalog import Lake
from shangyi.lake.engine import Engine
from shangyi.query.cql.library import Program
from shangyi.query.cql.operators.terminology import Terminology
from shangyi.query.cql.sql.population import Setting, Statement, compile_program
from shangyi.query.cql.values import DateTime
from shangyi.query.temporal import now as present
from shangyi.store.search.catalogue import catalogue, primary_code

if TYPE_CHECKING:
    import pyarrow as pa


def statement(
    program: Program,
    names: Sequence[str],
    lake: Lake,
    terminology: Terminology,
    parameters: Mapping[str, Any] | None = None,
    now: DateTime | None = None,
    *,
    dialect: str = "duckdb",
    lenient: bool = False,
) -> Statement:
    """Definitions of the main library as one statement over a lake.

    NoForm, with library, line and column, where one has no form in SQL; with ``lenient`` it is told in ``refused``.
    """
    setting = Setting(lake.table, terminology, parameters or {}, now or present(), primary())
    return compile_program(program, names, setting, dialect, lenient)


def evaluate(
    program: Program,
    names: Sequence[str],
    lake: Lake,
    engine: Engine,
    terminology: Terminology,
    parameters: Mapping[str, Any] | None = None,
    now: DateTime | None = None,
) -> "pa.Table":
    """A row for each resident: ``patient_key`` and a column for each definition, by its name.

    A list is its number of items, a resource or tuple whether there is one, an interval, quantity or imprecise date a
    STRUCT of its parts.
    """
    made = statement(program, names, lake, terminology, parameters, now, dialect=engine.dialect)
    return by_name(made, engine.sql(made.text, made.parameters or None))


def by_name(made: Statement, found: "pa.Table") -> "pa.Table":
    """The columns of an answer under the names of the definitions."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns: dict[str, Any] = {"patient_key": found["patient_key"]}
    for definition in made.definitions:
        parts = [(part, found[column]) for part, column in definition.columns]
        if len(parts) == 1:
            columns[definition.name] = parts[0][1]
        else:
            columns[definition.name] = pc.make_struct(
                *(part for _, part in parts), field_names=[name for name, _ in parts]
            )
    return pa.table(columns)


@cache
def primary() -> Mapping[str, frozenset[str]]:
    """The elements behind the columns ``codes`` and ``primary_code`` of each type (``lake.flat``)."""
    found: dict[str, frozenset[str]] = {}
    for name in resource_types():
        parameter = catalogue(name).get(primary_code(name))
        steps = [path.steps for path in parameter.paths] if parameter else []
        if steps and all(len(path) == 1 and len(path[0]) == 1 for path in steps):
            found[name] = frozenset(path[0][0] for path in steps)
    return found
