"""``shangyi stop``: end the server."""

from typing import Annotated

import typer

from shangyi.cli import process
from shangyi.cli.output import emit, note
from shangyi.cli.text import t
from shangyi.settings import Settings

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(
    help=t("End the server of this SHANGYI_HOME; requests under way are answered first.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi stop"
)
def stop(json: Annotated[bool, typer.Option("--json", help=t("Answer with JSON."))] = False) -> None:
    """Stop."""
    found = process.stop(Settings.load().home)
    if json:
        emit({"stopped": found is not None, "pid": found.pid if found else None})
    elif found:
        note(t("Stopped the server at {address}.", address=found.address))
    else:
        note(t("No server is running."))
