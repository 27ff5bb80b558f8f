"""``shangyi restore``: a backup into an empty place."""

from pathlib import Path
from typing import Annotated

import typer

from shangyi import store
from shangyi.cli.output import emit, line, progress
from shangyi.cli.owner import opened, say
from shangyi.cli.process import current, prepare_home
from shangyi.cli.text import t
from shangyi.errors import Conflict, NotFound
from shangyi.settings import Settings
from shangyi.store.backups import restore as read
from shangyi.store.backups import verify_backup

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(
    help=t(
        "Put a backup into an empty SHANGYI_HOME or database; every table is verified by its SHA-256 first."
    )
    + "\n\n\b\n"
    + t("Examples")
    + "\n  SHANGYI_HOME=/srv/new shangyi restore shangyi.backup\n  shangyi restore shangyi.backup --verify"
)
def restore(
    file: Annotated[Path, typer.Argument(help=t("The backup."))],
    verify: Annotated[bool, typer.Option("--verify", help=t("Verify only; change nothing."))] = False,
    json: Annotated[bool, typer.Option("--json", help=t("Answer with JSON."))] = False,
) -> None:
    """Restore."""
    if not file.exists():
        raise NotFound("{path} cannot be read: {reason}.", path=str(file), reason=t("there is no such file"))
    settings = Settings.load()
    if not verify and current(settings.home):
        raise Conflict("The server is running; end it first: shangyi stop")
    with progress(t("Verifying") if verify else t("Restoring"), "MB", quiet=json) as update:
        so_far: dict[str, int] = {}

        def seen(name: str, size: int) -> None:
            so_far[name] = size
            update(sum(so_far.values()) / 1e6, note=name)

        if verify:
            tables = verify_backup(file, seen)
        else:
            prepare_home(settings.home)
            # Without the access service, which would write audit events into what has to be empty.
            with store.open(settings, progress=say) as records:
                tables = read(records, file, seen)
    if not verify:
        with opened(settings) as found:
            found.access.owner_session().load("backup", lambda _: None)
    if json:
        emit({"file": str(file), "verified": True, "restored": not verify, "tables": len(tables)})
    else:
        line(t("The backup is whole.") if verify else t("Restored. See what is there: shangyi status"))
