"""``shangyi sql``: one query over the lake."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shangyi.cli.output import line, note, table
from shangyi.cli.text import t
from shangyi.errors import Invalid
from shangyi.settings import Settings

if TYPE_CHECKING:
    from shangyi.lake.answer import Answer

app = typer.Typer(add_completion=False, rich_markup_mode=None)
SHOWN = 1000
"""Rows of a table for people."""


class Format(StrEnum):
    """What the rows are written in."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    NDJSON = "ndjson"
    PARQUET = "parquet"
    ARROW = "arrow"


Directory = Annotated[Path | None, typer.Option(help=t("Where the lake is; by default SHANGYI_HOME/lake."))]
Form = Annotated[Format, typer.Option("--format", help=t("What the rows are written in."))]
Out = Annotated[Path | None, typer.Option(help=t("The file to write; by default standard output."))]
Json = Annotated[bool, typer.Option("--json", help=t("Answer with JSON."))]


def place(directory: Path | None) -> Path:
    """The lake that is asked."""
    return directory or Settings.load().home / "lake"


def asked_for(json: bool, form: Format, out: Path | None) -> Format:
    """The format, before anything is asked: what is no text does not go to a terminal."""
    form = Format.JSON if json else form
    if form in (Format.PARQUET, Format.ARROW) and out is None and sys.stdout.isatty():
        raise Invalid("{format} is no text for a terminal: add --out FILE.", format=form.value)
    if form is Format.TABLE and out is not None:
        endings = {f".{other.value}": other for other in Format}
        if out.suffix not in endings:
            raise Invalid("Say in which format {path} is written: --format csv", path=str(out))
        form = endings[out.suffix]
    return form


def show(answer: "Answer", form: Format, out: Path | None) -> None:
    """The rows, on standard output or in a file."""
    if out is not None:
        with out.open("wb") as file:
            answer.write(form.value, file)
        note(t("{rows:,} rows in {path}", rows=len(answer), path=out))
    elif form is Format.TABLE:
        from shangyi.lake.answer import Answer, cell, plain

        first = Answer(answer.table.slice(0, SHOWN))
        rows = [
            [v if isinstance(v, int | float) else cell(v) for v in plain(r).values()] for r in first.rows()
        ]
        table(answer.columns, rows)
        if len(answer) > SHOWN:
            line(t("… {count:,} more rows: --format csv shows all", count=len(answer) - SHOWN))
    else:
        sys.stdout.flush()
        answer.write(form.value, sys.stdout.buffer)
        sys.stdout.buffer.flush()


@app.command(
    help=t(
        "Ask the lake by SQL: the views of the library (patient, condition …), and the raw tables as fhir.Patient."
    )
    + "\n\n"
    + t("Only queries that read; every query leaves an AuditEvent.")
    + "\n\n\b\n"
    + t("Examples")
    + '\n  shangyi sql "select gender, count(*) from patient group by gender"'
    + '\n  shangyi sql "select * from blood_pressure where systolic >= 180" --out high.parquet'
    + "\n  shangyi sql - < cohort.sql"
)
def sql(
    text: Annotated[str, typer.Argument(help=t("The query; - reads it from standard input."))],
    directory: Directory = None,
    form: Form = Format.TABLE,
    out: Out = None,
    json: Json = False,
) -> None:
    """Ask."""
    from shangyi.lake import analysis

    form = asked_for(json, form, out)
    with analysis.open(place(directory)) as population:
        show(population.sql(sys.stdin.read() if text == "-" else text), form, out)
