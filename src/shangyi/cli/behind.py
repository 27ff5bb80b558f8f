"""How far the lake is behind the record, as commands tell it."""

from pathlib import Path
from typing import TYPE_CHECKING

from shangyi.cli.output import line
from shangyi.cli.text import t
from shangyi.settings import Settings
from shangyi.wiring import Opened

if TYPE_CHECKING:
    from shangyi.lake.behind import Behind
    from shangyi.lake.manifest import Manifest


def has_record(settings: Settings) -> bool:
    """Whether there is a record beside the lake."""
    return bool(settings.database_url) or (settings.home / "postgres").exists()


def behind_record(record: Opened, manifest: "Manifest", home: Path) -> "Behind | None":
    """How far the lake of a home is behind its record; None where it is made of files."""
    from shangyi.lake.behind import behind

    if manifest.source["kind"] != "store":
        return None
    return behind(record.store, manifest, home)


def show_behind(found: "Behind") -> None:
    """The same for people."""
    if found.changes is None:
        line(t("The lake is of another record, or of an earlier state of this one."))
    elif found.changes:
        words = {"count": found.changes, "seconds": found.seconds}
        line(t("{count:,} changes of the record wait, the oldest for {seconds:,.0f} s", **words))
    else:
        line(t("The lake holds every change of the record."))
    line(t("A process keeps it current.") if found.kept else t("No process keeps it current now."))
