"""Reports of notifiable diseases, newest first: what stands behind the overview's counts of reports."""

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from shangyi.access.cases import CATEGORY
from shangyi.web import formats
from shangyi.web.components.table import Column, Row, Table
from shangyi.web.components.tag import Tag, Tone
from shangyi.web.context import Context
from shangyi.web.residents import SEXES, place
from shangyi.web.wording import concept, display

BASE = "https://shangyi.dev/fhir/StructureDefinition/"
STATUS_TONES: dict[str, Tone] = {"confirmed": "grade-2", "clinical": "grade-3", "suspected": "grade-4"}
LATE_HOURS = 24
"""《传染病信息报告管理规范（2015 年版）》: 乙类 and 丙类 are reported within 24 hours of diagnosis."""


def extension(case: dict[str, Any], name: str) -> Any:
    """The value of one of the case's own extensions, or nothing."""
    for found in case.get("extension", ()):
        if found.get("url") == BASE + name:
            return next((value for key, value in found.items() if key.startswith("value")), None)
    return None


def cases(context: Context) -> Response:
    """GET /cases?code=…: reports, by disease, newest diagnosis first."""
    code, cursor = context.field("code"), context.field("cursor")
    parameters = [("category", CATEGORY), ("_count", "40")]
    parameters += [("code", code)] if code else []
    parameters += [("_cursor", cursor)] if cursor else []
    found = context.search("Condition", *parameters)
    text, language = context.text, context.language
    kept = {"code": code} if code else {}
    first = found.matches[0].resource if found.matches else {}
    table = Table(
        caption=text("Case reports"),
        columns=[
            Column(text(title), labelled=title in ("Onset", "Diagnosis", "Reported after"))
            for title in (
                "Case",
                "Disease",
                "Onset",
                "Diagnosis",
                "Reported after",
                "Class",
                "Residence",
                "Reporting unit",
                "Pathogen",
            )
        ],
        rows=[row(context, version.resource) for version in found.matches],
        next=f"/cases?{urlencode(kept | {'cursor': found.next})}" if found.next else "",
        first=f"/cases?{urlencode(kept)}" if cursor else "",
        empty=text("No case is reported"),
        dense=True,
    )
    title = concept(first.get("code"), language) if code and first else text("Case reports")
    return context.page("pages/cases.html", "cases", title=title, table=table, code=code)


def row(context: Context, case: dict[str, Any]) -> Row:
    """One report."""
    text, language = context.text, context.language
    patient: dict[str, Any] = next(
        (c for c in case.get("contained", ()) if c.get("resourceType") == "Patient"), {}
    )
    subject = case.get("subject", {})
    status = extension(case, "case-status") or {}
    onset = formats.parse(case["onsetDateTime"]) if case.get("onsetDateTime") else None
    who = subject.get("display") or " ".join(
        filter(
            None,
            (
                text(SEXES[patient.get("gender", "unknown")]),
                formats.age(patient.get("birthDate"), language, onset),
            ),
        )
    )
    tag = Tag(display(status, language), STATUS_TONES.get(status.get("code", ""), ""))
    href = f"/records/Condition/{case['id']}"
    return Row(
        [
            context.markup("components/link_cell.html", href=href, title=who or text("Record"), tag=tag),
            concept(case.get("code"), language),
            formats.day(case.get("onsetDateTime"), language),
            formats.day(case.get("recordedDate"), language),
            delay(case, text),
            display(extension(case, "case-class") or {}, language),
            residence(patient),
            (extension(case, "reporting-unit") or {}).get("display", ""),
            concept(extension(case, "pathogen"), language),
        ],
        href,
    )


def residence(patient: dict[str, Any]) -> str:
    """Town and village of a contained subject."""
    for address in patient.get("address", ()):
        village = next(
            (e["valueCoding"].get("display", "") for e in address.get("extension", ()) if "valueCoding" in e),
            "",
        )
        return f"{address.get('city', '')}{village}"
    return place(patient)


def delay(case: dict[str, Any], text: Any) -> str:
    """Hours from diagnosis to report, marked where they are over the allowed ones."""
    reported, diagnosed = extension(case, "reported"), case.get("recordedDate", "")
    if not reported or "T" not in diagnosed:
        return ""
    hours = (
        dt.datetime.fromisoformat(reported) - dt.datetime.fromisoformat(diagnosed)
    ).total_seconds() / 3600
    shown = text("{n} hours", n=f"{hours:.0f}") if hours >= 1 else text("under an hour")
    return str(text("{hours}, late", hours=shown) if hours > LATE_HOURS else shown)
