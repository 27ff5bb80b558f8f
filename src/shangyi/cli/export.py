"""``shangyi export``: the records as NDJSON, a file for each type."""

from pathlib import Path
from typing import Annotated

import typer

from shangyi.cli.output import emit, progress, table
from shangyi.cli.owner import opened
from shangyi.cli.text import t
from shangyi.store.exports import export as write

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(
    help=t("Write the current records as NDJSON, a file for each type, all as of one instant.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi export --out records\n  shangyi export --out records --type Patient --type Observation --gzip"
)
def export(
    out: Annotated[Path, typer.Option(help=t("The directory to write into."))],
    type: Annotated[
        list[str] | None, typer.Option(help=t("Only this resource type; may be repeated."))
    ] = None,
    gzip: Annotated[bool, typer.Option("--gzip", help=t("Pack the files."))] = False,
    json: Annotated[bool, typer.Option("--json", help=t("Answer with JSON."))] = False,
) -> None:
    """Export."""
    with opened() as found, progress(t("Exporting"), t("resources"), quiet=json) as update:
        so_far: dict[str, int] = {}

        def seen(name: str, count: int) -> None:
            so_far[name] = count
            update(sum(so_far.values()), note=name)

        def work(_: object) -> dict[str, int]:
            return write(found.store, out, type or None, compress=gzip, progress=seen)

        counts = found.access.owner_session().export("files", work)
    if json:
        emit({"directory": str(out), "resources": counts})
    else:
        table([t("Type"), t("Resources")], [*sorted(counts.items()), (t("Total"), sum(counts.values()))])
