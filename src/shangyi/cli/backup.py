"""``shangyi backup``: everything into one file."""

from pathlib import Path
from typing import Annotated

import typer

from shangyi.cli.output import emit, line, progress
from shangyi.cli.owner import opened
from shangyi.cli.text import t
from shangyi.store.backups import Table
from shangyi.store.backups import backup as write

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(
    help=t(
        "Write everything (records with their history, accounts, audit) into one file, also while it serves."
    )
    + "\n\n"
    + t("The file holds personal data in clear: keep it as you keep the records.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi backup shangyi.backup"
)
def backup(
    file: Annotated[Path, typer.Argument(help=t("The file to write; it is there when it is complete."))],
    json: Annotated[bool, typer.Option("--json", help=t("Answer with JSON."))] = False,
) -> None:
    """Back up."""
    with opened() as found, progress(t("Backing up"), "MB", quiet=json) as update:
        so_far: dict[str, int] = {}

        def seen(name: str, size: int) -> None:
            so_far[name] = size
            update(sum(so_far.values()) / 1e6, note=name)

        def work(_: object) -> list[Table]:
            return write(found.store, file, seen)

        tables = found.access.owner_session().export("backup", work)
    size = file.stat().st_size
    if json:
        emit({"file": str(file), "bytes": size, "tables": {table.name: table.sha256 for table in tables}})
    else:
        line(t("{file}: {size:,.1f} MB, verified when it is restored", file=file, size=size / 1e6))
