"""``shangyi view``: the views of the library, and ViewDefinitions of one's own."""

from typing import Annotated

import typer

from shangyi.cli.output import emit, line
from shangyi.cli.sql import Directory, Form, Format, Json, Out, asked_for, place, show
from shangyi.cli.text import language, t

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help=t("Views of the lake: those of the library, and ViewDefinitions of SQL on FHIR in files.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi view list\n  shangyi view run blood_pressure --out bp.csv\n  shangyi view run my-view.json",
)


@app.command("list", help=t("Every view with its columns."))
def list_(directory: Directory = None, json: Json = False) -> None:
    """List."""
    from shangyi.lake import analysis

    with analysis.open(place(directory)) as population:
        views = population.describe()
    if json:
        emit(views)
        return
    for view in views:
        title = view["title_zh"] if language() == "zh-CN" else view["title"]
        line(f"{view['name']:<20} {title}")
        line("  " + ", ".join(column["name"] for column in view["columns"]))


@app.command(
    "run",
    help=t("The rows of a view: by its name in the library, or of a ViewDefinition in a file.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi view run patient --format csv\n  shangyi view run my-view.json --out rows.parquet",
)
def run(
    view: Annotated[str, typer.Argument(help=t("A name of the library, or a file."))],
    directory: Directory = None,
    form: Form = Format.TABLE,
    out: Out = None,
    json: Json = False,
) -> None:
    """Run."""
    from shangyi.lake import analysis

    form = asked_for(json, form, out)
    with analysis.open(place(directory)) as population:
        show(population.view(view), form, out)
