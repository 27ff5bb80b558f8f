"""``shangyi synth``: a synthetic county as files."""

import os
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from shangyi.cli.output import emit, progress, table
from shangyi.cli.text import t

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(
    help=t(
        "Make a fictional county: NDJSON by type, tables, a map, and the truth about hidden outbreaks apart."
    )
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi synth --residents 2000 --seed 7 --out county\n  shangyi synth --out county --until 2025-12-31"
)
def synth(
    out: Annotated[Path, typer.Option(help=t("The directory to write into."))],
    residents: Annotated[int, typer.Option(help=t("So many residents with a full record."), min=1)] = 2000,
    seed: Annotated[int, typer.Option(help=t("The same seed makes the same county."), min=0)] = 7,
    until: Annotated[
        datetime | None, typer.Option(help=t("The last day; default yesterday."), formats=["%Y-%m-%d"])
    ] = None,
    processes: Annotated[int, typer.Option(help=t("So many processes."), min=1)] = min(
        2, os.cpu_count() or 1
    ),
    json: Annotated[bool, typer.Option("--json", help=t("Answer with JSON."))] = False,
) -> None:
    """Generate."""
    from shangyi.synth import write

    last: date | None = until.date() if until else None
    with progress(t("Making the county"), quiet=json) as update:
        counts = write(
            out, residents, seed, last, progress=lambda done, total: update(done, total), processes=processes
        )
    if json:
        emit({"directory": str(out), "resources": counts})
        return
    table([t("Type"), t("Resources")], [*sorted(counts.items()), (t("Total"), sum(counts.values()))])
