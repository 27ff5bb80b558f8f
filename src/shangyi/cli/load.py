"""``shangyi load``: add records."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from shangyi.cli import codes
from shangyi.cli.output import emit, line, note, progress, table
from shangyi.cli.owner import opened
from shangyi.cli.text import sentence, t
from shangyi.errors import NotFound
from shangyi.store.load import Progress, Refusal, Report
from shangyi.store.load import load as bulk_load

app = typer.Typer(add_completion=False, rich_markup_mode=None)
SHOWN = 20
"""Rows of the table of refusals; all of them are in the JSON report."""


def to_json(report: Report) -> dict[str, Any]:
    """The report for scripts."""
    return {
        "added": report.added,
        "updated": report.updated,
        "unchanged": report.unchanged + report.skipped,
        "refused": report.refused,
        "seconds": round(report.seconds, 2),
        "bytes": report.bytes,
        "types": dict(report.types),
        "refusals": [
            {
                "source": r.source,
                "place": r.place,
                "reference": r.reference or None,
                "issue": [issue.to_fhir() for issue in r.issues],
            }
            for r in report.refusals
        ],
    }


def reasons(refusals: list[Refusal]) -> list[tuple[int, str]]:
    """How often each kind of reason, most frequent first."""
    counts = Counter(t(issue.text) for refusal in refusals for issue in refusal.issues[:1])
    return [(count, text) for text, count in counts.most_common(10)]


def show(report: Report) -> None:
    """The report for people."""
    rate = report.resources / report.seconds if report.seconds else 0
    line(
        t(
            "{added:,} added, {updated:,} updated, {unchanged:,} there already, {refused:,} refused"
            " in {seconds:.1f} s ({rate:,.0f} a second)",
            added=report.added,
            updated=report.updated,
            unchanged=report.unchanged + report.skipped,
            refused=report.refused,
            seconds=report.seconds,
            rate=rate,
        )
    )
    if not report.refused:
        return
    line()
    rows = [
        [f"{r.source} {r.place}".strip(), r.reference, sentence(r.issues[0]) if r.issues else ""]
        for r in report.refusals[:SHOWN]
    ]
    table([t("Where"), t("Resource"), t("Why it was refused")], rows)
    if report.refused > SHOWN:
        line(t("… and {count:,} more; --json lists them. By reason:", count=report.refused - SHOWN))
        table([t("Number"), t("Why it was refused")], reasons(report.refusals))


@app.command(
    help=t(
        "Add records: FHIR bundles, NDJSON, single resources; directories, .gz, .zip; - is standard input."
    )
    + "\n\n"
    + t("Goes on after an interruption, adds nothing twice, and works while the server runs.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi load records/\n  shangyi load county.zip patients.ndjson.gz --json > report.json"
    + "\n  zcat feed.gz | shangyi load -"
)
def load(
    paths: Annotated[list[str], typer.Argument(help=t("Files and directories; - is standard input."))],
    workers: Annotated[
        int | None, typer.Option(help=t("So many processes; default one a core."), min=0)
    ] = None,
    again: Annotated[bool, typer.Option("--again", help=t("Read again what was loaded before."))] = False,
    json: Annotated[bool, typer.Option("--json", help=t("Answer with JSON."))] = False,
) -> int:
    """Load; REFUSED when something was refused."""
    for path in paths:
        if path != "-" and not Path(path).exists():
            raise NotFound("{path} cannot be read: {reason}.", path=path, reason=t("there is no such file"))
    with opened() as found, progress(t("Loading"), t("resources"), quiet=json) as update:

        def seen(state: Progress) -> None:
            refused = t("{count:,} refused", count=state.refused) if state.refused else ""
            testing = (
                t("testing a packed file: {count:,} MiB", count=state.tested >> 20) if state.tested else ""
            )
            update(state.resources, note=testing or refused)

        def work(_: object) -> Report:
            return bulk_load(found.store, paths, workers=workers, progress=seen, ledger=not again)

        # The names of files can hold names of people: the audit gets their number.
        session = found.access.owner_session()
        report = session.load("files", work, paths=len(paths))
    if json:
        emit(to_json(report))
    else:
        show(report)
        if report.added:
            note(t("See what is there: shangyi status"))
    return codes.REFUSED if report.refused else codes.OK
