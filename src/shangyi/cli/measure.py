"""``shangyi measure``: the measures that are known here, and their reports."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shangyi.access.whole_record import whole_record
from shangyi.cli.output import emit, line, note, progress, table
from shangyi.cli.owner import owner
from shangyi.cli.text import t
from shangyi.errors import Invalid

if TYPE_CHECKING:
    from shangyi.access import Session

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help=t("Measures: of the record, and of the packages of knowledge that come with the platform.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi measure list\n  shangyi measure run Hypertension --period 2025 --stratify town",
)


@app.callback()
def measure() -> None:
    """Measures."""


@app.command("list", help=t("The measures that are known here."))
def list_(json: Annotated[bool, typer.Option("--json", help=t("As JSON."))] = False) -> None:
    """List."""
    from shangyi.care.measures.content import Content

    with owner() as session:
        measures = Content(session).measures()
    if json:
        emit([{name: m.get(name) for name in ("id", "url", "version", "name", "title")} for m in measures])
        return
    rows = [
        (m.get("id", ""), m.get("version", ""), m.get("title") or m.get("name", ""), m["url"])
        for m in measures
    ]
    table([t("Measure"), t("Version"), t("Title"), "URL"], rows)


@app.command(
    help=t(
        "A measure over everybody, evaluated again only for those whose record changed; its report is kept."
    )
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi measure run Hypertension --period 2025 --stratify town"
    + "\n  shangyi measure run Hypertension --period 2025-01 --period-end 2025-06 --report-type subject-list --json"
    + "\n  shangyi measure run Hypertension --period 2025 --resident 1",
)
def run(
    name: Annotated[str, typer.Argument(help=t("A measure: its id, name or canonical URL."))],
    period: Annotated[str, typer.Option(help=t("The period: 2025, 2025-07 or 2025-07-01."))],
    period_end: Annotated[
        str | None, typer.Option(help=t("Its end, where it is no single year, month or day."))
    ] = None,
    stratify: Annotated[str | None, typer.Option(help=t("Divide by county, town or village."))] = None,
    report_type: Annotated[
        str, typer.Option(help=t("population, or subject-list: with who is in each population."))
    ] = "population",
    resident: Annotated[str | None, typer.Option(help=t("Of this Patient alone; not kept."))] = None,
    json: Annotated[bool, typer.Option("--json", help=t("The MeasureReport."))] = False,
) -> None:
    """Run."""
    from datetime import datetime

    from shangyi.care.measures import INDIVIDUAL, SUBJECT_LIST, SUMMARY, Period, report, tally
    from shangyi.care.measures.content import Content
    from shangyi.care.measures.keeping import keep
    from shangyi.care.measures.keeping import run as run_over
    from shangyi.care.measures.prepare import prepared
    from shangyi.care.standing.facts import ZONE

    kinds = {"population": SUMMARY, "subject-list": SUBJECT_LIST}
    if report_type not in kinds:
        known = ", ".join(kinds)
        raise Invalid("The report type is one of {known}, not {kind}", known=known, kind=report_type[:40])
    span, made = Period.parse(period, period_end), datetime.now(ZONE)
    with owner() as session:
        content = Content(session)
        measure, key = prepared(session, content, content.measure(name), span, "evaluate-measure")
        if resident is not None:
            found = measure.result(f"Patient/{resident}", whole_record(session, resident))
            counted = tally(measure.definition, [found])
            _shown(report(counted, INDIVIDUAL, span.days, made, f"Patient/{resident}"), json)
            return
        with progress(t("Evaluating"), t("residents"), quiet=json) as update:
            done = run_over(
                session, measure, key, span, kinds[report_type], made, stratify,
                lambda codes: _names(session, codes), update,
            )  # fmt: skip
        reference = keep(session, done.report, measure.definition.library)
        _shown(done.report, json)
        note(
            t(
                "{evaluated} of {residents} residents evaluated; kept as {reference}",
                evaluated=done.evaluated,
                residents=done.residents,
                reference=reference,
            )
        )


def _names(session: "Session", codes: Iterable[int]) -> Mapping[int, str]:
    """The names of divisions, which are Locations by their code."""
    from shangyi.store.model import SearchRequest

    wanted = [f"div-{code:012}" for code in codes]
    found: dict[int, str] = {}
    for start in range(0, len(wanted), 100):
        part = ",".join(wanted[start : start + 100])
        request = SearchRequest("Location", [("_id", part), ("_count", "100")])
        for version in session.search(request).matches:
            found[int(version.id.removeprefix("div-"))] = str(version.resource.get("name", ""))
    return found


def _shown(made: dict[str, Any], json: bool) -> None:
    if json:
        from shangyi.fhir import json as fhir_json

        print(fhir_json.dumps(made).decode(), flush=True)
        return
    for group in made["group"]:
        title = (group.get("code") or {}).get("text")
        if title:
            line(title)
        codes = [p["code"]["coding"][0]["code"] for p in group["population"]]
        rows = [[t("all"), *_cells(group)]]
        rows += [
            [_stratum(stratum), *_cells(stratum)]
            for stratifier in group.get("stratifier", ())
            for stratum in stratifier.get("stratum", ())
        ]
        table(["", *codes, t("score")], rows)
    for resource in made.get("contained", ()):
        if resource["resourceType"] == "OperationOutcome":
            for issue in resource["issue"]:
                note(issue["diagnostics"])


def _cells(element: dict[str, Any]) -> list[object]:
    score = element.get("measureScore", {}).get("value")
    return [*(p["count"] for p in element["population"]), "" if score is None else f"{score:.4g}"]


def _stratum(stratum: dict[str, Any]) -> str:
    values = [stratum["value"]] if "value" in stratum else [c["value"] for c in stratum["component"]]
    return ", ".join(str(value.get("text") or t("not known")) for value in values)
