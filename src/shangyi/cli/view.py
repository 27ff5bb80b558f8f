"""``shangyi view``: the views of the library, and ViewDefinitions of one's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shangyi.cli.lake import PATIENCE_S
from shangyi.cli.output import emit, line, progress, table
from shangyi.cli.sql import Directory, Form, Format, Json, Out, asked_for, place, show
from shangyi.cli.text import language, t
from shangyi.errors import Invalid
from shangyi.settings import Settings

if TYPE_CHECKING:
    from shangyi.lake.materialisation import Standing

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
        views, kept = population.describe(), {view.name for view in population.kept()}
    if json:
        emit([{**view, "kept": view["name"] in kept} for view in views])
        return
    for view in views:
        title = view["title_zh"] if language() == "zh-CN" else view["title"]
        line(f"{view['name']:<20} {title}" + (f" ({t('kept')})" if view["name"] in kept else ""))
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


@app.command(
    "materialise",
    help=t(
        "Keep the rows of views beside the lake, so that they are read, not computed; the server keeps them current."
    )
    + "\n\n"
    + t("What is not kept yet is computed when it is read: the rows are always those of the lake's version.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi view materialise observation condition\n  shangyi view materialise my-view.json --name my_view"
    + "\n  shangyi view materialise --all",
)
def materialise(
    views: Annotated[list[str] | None, typer.Argument(help=t("Names of the library, or files."))] = None,
    every: Annotated[bool, typer.Option("--all", help=t("Every view of the library."))] = False,
    name: Annotated[
        str | None, typer.Option(help=t("What the view of a file is called; by default as it says itself."))
    ] = None,
    directory: Directory = None,
    json: Json = False,
) -> None:
    """Materialise."""
    from shangyi.lake import library, materialisation

    asked = [*(views or ()), *(library.names() if every else ())]
    if not asked or (name and len(asked) > 1):
        raise Invalid("Say which view: shangyi view list names them")
    materialisation.keep(place(directory), dict(_named(view, name) for view in asked), PATIENCE_S)
    _refreshed(place(directory), json)


def _named(view: str, name: str | None) -> tuple[str, Mapping[str, Any]]:
    from shangyi.lake import analysis, library

    if (known := view.replace("-", "_")) in library.names():
        return known, {}
    definition = analysis.read(Path(view))
    return name or str(definition.get("name") or Path(view).stem.replace("-", "_")), definition


@app.command(
    "refresh",
    help=t("Compute what is not kept yet of the views that are kept; what failed is tried again.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi view refresh\n  shangyi view refresh --json",
)
def refresh(directory: Directory = None, json: Json = False) -> None:
    """Refresh."""
    from shangyi.lake import materialisation

    materialisation.retry(place(directory), PATIENCE_S)
    _refreshed(place(directory), json)


@app.command(
    "drop",
    help=t("Keep the rows of views no longer; they are computed again when they are read.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi view drop observation\n  shangyi view drop my_view",
)
def drop(
    names: Annotated[list[str], typer.Argument(help=t("Names as shangyi view kept shows them."))],
    directory: Directory = None,
    json: Json = False,
) -> None:
    """Drop."""
    from shangyi.lake import materialisation

    made = materialisation.drop(place(directory), [name.replace("-", "_") for name in names], PATIENCE_S)
    _shown(materialisation.standings(made), json)


@app.command(
    "kept",
    help=t("Which views are kept, how far at the lake's version, how large.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi view kept\n  shangyi view kept --json",
)
def kept(directory: Directory = None, json: Json = False) -> None:
    """Tell."""
    from shangyi.lake import analysis

    with analysis.open(place(directory)) as population:
        _shown(population.kept(), json)


def _refreshed(directory: Path, json: bool) -> None:
    from shangyi.lake import materialisation, open

    settings, steps = Settings.load(), 0
    threads = settings.lake_threads or 2
    with progress(t("Keeping views"), t("steps"), quiet=json) as update:
        while materialisation.refresh(directory, PATIENCE_S, settings.lake_memory_mb, threads):
            steps += 1
            update(steps)
    with open(directory) as lake:
        _shown(materialisation.standings(lake.manifest), json)


def _shown(standings: list["Standing"], json: bool) -> None:
    if json:
        emit([standing._asdict() for standing in standings])
        return
    if not standings:
        line(t("No view is kept: shangyi view materialise NAME"))
        return
    line(t("At version {version} of the lake:", version=standings[0].version))
    table(
        [t("View"), t("Rows"), "MB", t("Files kept")],
        [[s.name, s.rows, f"{s.bytes / 1e6:,.1f}", f"{s.kept}/{s.files}"] for s in standings],
    )
    for standing in standings:
        if why := standing.unavailable or standing.failed:
            line(f"{standing.name}: {why}")
