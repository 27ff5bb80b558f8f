"""``shangyi cql … --lake``: definitions of a library for all residents of a lake, and the plan of that."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shangyi.cli.output import emit, line, note
from shangyi.cli.text import t
from shangyi.errors import Invalid

if TYPE_CHECKING:
    from shangyi.query.cql.closures import Codes
    from shangyi.query.cql.library import Program


def terminology(folder: Path | None) -> "Codes":
    """The value sets and code systems in a folder, with those of FHIR R4 itself."""
    from shangyi.query.cql.closures import Codes
    from shangyi.terminology.definitions import Chain, Memory
    from shangyi.terminology.r4 import SPECIFICATION
    from shangyi.terminology.service import Terminology

    if folder is not None and not folder.is_dir():
        raise Invalid("{path} is not there", path=str(folder))
    own = Memory() if folder is None else Memory.of_folder(folder)
    return Codes(Terminology(Chain(own, SPECIFICATION)))


def names(program: "Program", define: Sequence[str] | None) -> list[str]:
    """The definitions that are asked for, all by default."""
    known = [definition.name for definition in program.main.expressions if definition.name != "Patient"]
    unknown = [name for name in define or () if name not in known]
    if unknown:
        raise Invalid("There is no definition {name}", name=", ".join(unknown))
    return list(define or known)


def evaluate(
    program: "Program",
    define: Sequence[str] | None,
    directory: Path,
    codes: Path | None,
    parameters: Mapping[str, Any],
    json: bool,
) -> None:
    """Rows as JSON, or for each definition in how many residents it holds; what has no form in SQL is told."""
    from shangyi.lake import catalog, population
    from shangyi.lake.engine import start
    from shangyi.settings import Settings

    engine = start(catalog.open(directory), Settings.load())
    try:
        with catalog.open(directory) as lake:
            made = population.statement(
                program, names(program, define), lake, terminology(codes), parameters, lenient=True
            )
        found = engine.sql(made.text, made.parameters or None)
    finally:
        engine.close()
    if json:
        emit(population.by_name(made, found).to_pylist())
    else:
        for definition in made.definitions:
            held = sum(map(bool, found[definition.columns[0][1]].to_pylist()))
            told = t("{count} of {total} residents", count=held, total=found.num_rows)
            line(f"{definition.name}: {told}")
    for error in made.refused.values():
        note(str(error))


def explain(
    program: "Program",
    define: Sequence[str] | None,
    directory: Path,
    codes: Path | None,
    parameters: Mapping[str, Any],
    sql: bool,
) -> None:
    """The definitions in the order of the statement, what each reads, with ``sql`` the statement itself."""
    from shangyi.lake import catalog, population
    from shangyi.query.cql.sql.population.explain import lines

    with catalog.open(directory) as lake:
        made = population.statement(
            program, names(program, define), lake, terminology(codes), parameters, lenient=True
        )
    for text in [made.text] if sql else lines(made):
        line(text)
    for error in made.refused.values():
        note(str(error))
