"""``shangyi status``: what runs, what is kept, how large it is."""

from collections import Counter
from dataclasses import asdict
from typing import Annotated, Any

import typer

from shangyi import __version__
from shangyi.cli import codes, process
from shangyi.cli.behind import behind_record, has_record, show_behind
from shangyi.cli.output import emit, line, progress, table
from shangyi.cli.owner import opened
from shangyi.cli.text import t
from shangyi.settings import Settings
from shangyi.wiring import Opened

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def megabytes(size: int) -> str:
    """A size for people."""
    return f"{size / 1e9:,.2f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


def problems(found: Opened, quiet: bool) -> list[str]:
    """What is wrong with what is kept."""
    from shangyi.store.integrity import verify

    with progress(t("Verifying"), t("versions"), quiet=quiet) as update:
        return list(verify(found.store, lambda done: update(done)).problems)


@app.command(
    help=t(
        "Tell what runs where, versions, resources by type, size, and how far the lake and other readers are behind."
    )
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi status\n  shangyi status --verify --json"
)
def status(
    verify: Annotated[
        bool, typer.Option("--verify", help=t("Read every version and hold the tables against each other."))
    ] = False,
    json: Annotated[bool, typer.Option("--json", help=t("Answer with JSON."))] = False,
) -> int:
    """Tell; FAILED when --verify finds something wrong."""
    from shangyi.lake import manifest

    settings = Settings.load()
    found = process.current(settings.home)
    data: dict[str, Any] = {
        "version": __version__,
        "home": str(settings.home),
        "serving": asdict(found) if found else None,
        "database": "external" if settings.database_url else "embedded",
    }
    kept, version, behind = has_record(settings), manifest.read(settings.home / "lake"), None
    if kept:
        from shangyi.store.figures import figures

        with opened(settings) as found_store:
            data |= asdict(figures(found_store.store.pool))
            behind = behind_record(found_store, version, settings.home) if version else None
            data["lake"] = {"version": version.version, "created": version.created} if version else None
            if behind:
                data["lake"] |= asdict(behind)
            if verify:
                data["problems"] = problems(found_store, json)
    code = codes.FAILED if data.get("problems") else codes.OK
    if json:
        emit(data)
        return code
    line(t("Shangyi {version}, home {home}", version=__version__, home=settings.home))
    if found:
        line(
            t(
                "Serves {address} since {since} (process {pid})",
                address=found.address,
                since=found.since,
                pid=found.pid,
            )
        )
    else:
        line(t("No server is running."))
    if not kept:
        line(t("Nothing is kept here yet: shangyi demo, or shangyi load PATH"))
        return code
    words = {"server": data["server"], "size": megabytes(data["size"]), "number": data["migration"]}
    line(t("PostgreSQL {server}, {size}, migration {number}", **words))
    total = sum(data["resources"].values())
    line(t("{total:,} resources in {versions:,} versions", total=total, versions=data["versions"]))
    for reader in data["readers"]:
        line(t("Reader {name}: {behind:,} versions behind", name=reader["name"], behind=reader["behind"]))
    if version:
        line(t("Lake, version {version} of {created}", version=version.version, created=version.created))
        if behind:
            show_behind(behind)
    if total:
        line()
        table([t("Type"), t("Resources")], Counter(data["resources"]).most_common())
    if verify:
        line(
            t("{count:,} problems found", count=len(data["problems"]))
            if data["problems"]
            else t("All of it is whole.")
        )
        for problem in data["problems"]:
            line(f"  {problem}")
    return code
