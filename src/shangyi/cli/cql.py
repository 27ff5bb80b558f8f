"""``shangyi cql``: libraries of Clinical Quality Language."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shangyi.access.whole_record import whole_record
from shangyi.cli import cql_lake
from shangyi.cli.output import emit, line, note
from shangyi.cli.residents import of_file
from shangyi.cli.text import t
from shangyi.errors import Invalid

if TYPE_CHECKING:
    from shangyi.query.cql.library import Program
    from shangyi.terminology.service import Terminology

Lake = Annotated[Path | None, typer.Option(help=t("The directory of a lake: for all its residents."))]
CodesFolder = Annotated[
    Path | None, typer.Option(help=t("A folder with value sets and code systems, for --lake."))
]
app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help=t("Libraries of Clinical Quality Language (CQL).")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi cql eval measure.cql --resident 1"
    + "\n  shangyi cql eval measure.cql --lake ~/lake --codes valuesets"
    + "\n  shangyi cql translate measure.cql\n  shangyi cql translate measure.cql --path libraries --out measure.json",
)


@app.callback()
def cql() -> None:
    """Libraries of CQL."""


@app.command(help=t("Check a library and write it as ELM JSON, with types and places."))
def translate(
    file: Annotated[Path, typer.Argument(help=t("A CQL file."))],
    path: Annotated[
        list[Path] | None,
        typer.Option(help=t("Where included libraries and ModelInfo files are; by default beside the file.")),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help=t("The file to write; by default standard output."))
    ] = None,
) -> None:
    """Translate."""
    import json

    from shangyi.query.cql import elm

    program = _program(file, path)
    written = elm.write(program.main)
    if out is None:
        emit(written)
    else:
        out.write_text(json.dumps(written, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        note(t("{count} definitions in {path}", count=len(program.main.expressions), path=out))


def _program(file: Path, path: list[Path] | None) -> "Program":
    from shangyi.query.cql.translate import directory
    from shangyi.query.cql.translate import translate as translated

    missing = [str(p) for p in (file, *(path or ())) if not p.exists()]
    if missing:
        raise Invalid("{path} is not there", path=", ".join(missing))
    return translated(file.read_text(encoding="utf-8-sig"), directory(*(path or [file.parent])), file.stem)


@app.command(
    "eval",
    help=t("The value of each definition for one resident, of the record or of a file, or for all of a lake.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi cql eval measure.cql --resident 1 --define Numerator"
    + "\n  shangyi cql eval measure.cql --data bundle.json"
    + "\n    --parameter 'Measurement Period=Interval[@2025-01-01, @2025-12-31]'",
)
def eval_(
    file: Annotated[Path, typer.Argument(help=t("A CQL file."))],
    resident: Annotated[str | None, typer.Option(help=t("The id of a Patient in the record."))] = None,
    data: Annotated[
        Path | None, typer.Option(help=t("A bundle with a resident's resources, and value sets, instead."))
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option(help=t("NAME=VALUE, the value as CQL writes it."))
    ] = None,
    define: Annotated[list[str] | None, typer.Option(help=t("These definitions only."))] = None,
    path: Annotated[
        list[Path] | None,
        typer.Option(help=t("Where included libraries and ModelInfo files are; by default beside the file.")),
    ] = None,
    lake: Lake = None,
    codes: CodesFolder = None,
    json: Annotated[bool, typer.Option("--json", help=t("As JSON."))] = False,
) -> None:
    """Evaluate."""
    from shangyi.cli.owner import owner
    from shangyi.terminology.definitions import Memory
    from shangyi.terminology.service import Terminology

    if sum(source is not None for source in (resident, data, lake)) != 1:
        raise Invalid("Say whose resources: --resident, --data or --lake")
    program = _program(file, path)
    if lake is not None:
        cql_lake.evaluate(program, define, lake, codes, _parameters(parameter or ()), json)
        return
    if data is not None:
        found = of_file(data)
        _evaluate(program, found, Terminology(Memory(found)), parameter or (), define, json)
    else:
        with owner() as session:
            found = whole_record(session, str(resident))
            session.consult(
                "ValueSet",
                "expand",
                lambda codes: _evaluate(program, found, codes, parameter or (), define, json),
            )


@app.command(
    help=t("How a library is calculated for all residents: what each definition reads, and the SQL.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi cql explain measure.cql --lake ~/lake --codes valuesets --define Numerator"
)
def explain(
    file: Annotated[Path, typer.Argument(help=t("A CQL file."))],
    lake: Annotated[Path, typer.Option(help=t("The directory of a lake."))],
    codes: CodesFolder = None,
    parameter: Annotated[
        list[str] | None, typer.Option(help=t("NAME=VALUE, the value as CQL writes it."))
    ] = None,
    define: Annotated[list[str] | None, typer.Option(help=t("These definitions only."))] = None,
    path: Annotated[
        list[Path] | None,
        typer.Option(help=t("Where included libraries and ModelInfo files are; by default beside the file.")),
    ] = None,
    sql: Annotated[bool, typer.Option("--sql", help=t("The SQL itself."))] = False,
) -> None:
    """Explain."""
    cql_lake.explain(_program(file, path), define, lake, codes, _parameters(parameter or ()), sql)


def _evaluate(
    program: "Program",
    resources: Sequence[dict[str, Any]],
    terminology: "Terminology",
    parameters: Sequence[str],
    define: list[str] | None,
    json: bool,
) -> None:
    from shangyi.query.cql.closures import Codes, Engine, Evaluation, Fault, Resources
    from shangyi.query.cql.closures.show import plain, text

    engine = Engine(program)
    unknown = [name for name in define or () if name not in engine.names]
    if unknown:
        raise Invalid("There is no definition {name}", name=", ".join(unknown))
    at = Evaluation(Resources(resources), Codes(terminology), _parameters(parameters))
    found = dict(engine.run(at, define))
    faults = {name: value for name, value in found.items() if isinstance(value, Fault)}
    if json:
        values = {name: plain(value) for name, value in found.items() if name not in faults}
        emit({"values": values, "faults": {name: str(fault) for name, fault in faults.items()}})
        return
    for name, value in found.items():
        line(f"{name}: {t('fault')}" if name in faults else f"{name}: {text(value)}")
    for name, fault in faults.items():
        note(f"{name}: {fault}")


def _parameters(given: Sequence[str]) -> dict[str, Any]:
    """Each value is an expression of CQL that refers to nothing."""
    from shangyi.query.cql.closures import Codes, Engine, Evaluation, Resources
    from shangyi.query.cql.translate import translate as translated
    from shangyi.terminology.definitions import Memory
    from shangyi.terminology.service import Terminology

    values: dict[str, Any] = {}
    at = Evaluation(Resources(()), Codes(Terminology(Memory())))
    for pair in given:
        name, equals, expression = pair.partition("=")
        if not equals:
            raise Invalid("{text} is not NAME=VALUE", text=pair)
        values[name.strip()] = Engine(translated(f"define Value: {expression}")).value("Value", at)
        at.known.clear()
    return values
