"""Why a resident is in or out of each rate: the definitions that held, with the facts, worked out from the record now."""

import datetime as dt
from typing import Any

from starlette.responses import Response

from shangyi.care.indicators.rates import period, terminology
from shangyi.care.measures import Bedside, read, result
from shangyi.care.measures.bedside import Definitions
from shangyi.care.measures.definition import DENOMINATOR, NUMERATOR
from shangyi.errors import NotFound
from shangyi.knowledge import installed
from shangyi.query.cql.closures import Fault
from shangyi.query.cql.values import DateTime
from shangyi.web import formats
from shangyi.web.context import Context
from shangyi.web.facts import facts
from shangyi.web.pages.resident import MOST
from shangyi.web.rates import of_measure
from shangyi.web.resident.reading import translation
from shangyi.web.residents import person_line


def why(context: Context) -> Response:
    """GET /residents/{id}/measures."""
    id = context.request.path_params["id"]
    page = context.session.everything("Patient", id, count=MOST)
    resources = [version.resource for version in (*page.matches, *page.included)]
    patient = next((r for r in resources if r["resourceType"] == "Patient" and r["id"] == id), None)
    if patient is None:
        raise NotFound("There is no such resident")
    now = dt.datetime.now(formats.ZONE)
    sections = [
        section(context, package, measure, id, resources, now)
        for package in installed()
        for measure in package.measures.values()
    ]
    return context.page(
        "pages/why.html",
        "residents",
        person=person_line(patient, {}, context.text, context.language),
        sections=[s for s in sections if s["counted"]],
        others=[s["title"] for s in sections if not s["counted"]],
        days=period(now.date()).days,
    )


def section(
    context: Context,
    package: Any,
    measure: dict[str, Any],
    id: str,
    resources: list[dict[str, Any]],
    now: dt.datetime,
) -> dict[str, Any]:
    """One Measure for a resident."""
    definition = read(measure)
    bedside = Bedside(
        definition, package.program_of(measure), terminology(), period(now.date()), DateTime.of(now)
    )
    at = bedside.evaluation(resources)
    found = result(definition, f"Patient/{id}", Definitions(bedside.engine, at))
    chinese = context.language == "zh-CN"
    rates = []
    for group, outcome in zip(definition.groups, found.groups, strict=True):
        if outcome is None or not outcome.members.get(DENOMINATOR):
            continue
        code = group.code or {}
        named = (translation(code.get("_text"), "zh") if chinese else "") or str(code.get("text", group.id))
        rates.append((named, bool(outcome.members.get(NUMERATOR)), f"/measures/{measure['id']}/{group.id}"))
    steps = []
    for written in package.program_of(measure).main.expressions:
        tags = dict(written.tags)
        if "zh" not in tags:
            continue
        ((_, value),) = bedside.engine.run(at, [written.name])
        steps.append(
            {
                "name": tags["zh"] if chinese else tags["en"],
                "facts": [] if isinstance(value, Fault) else facts(value, context.text, context.language),
                "fault": str(value) if isinstance(value, Fault) else "",
                "source": tags.get("source", ""),
                "limit": tags.get("limit", ""),
            }
        )
    return {
        "title": of_measure(measure, "title", context.language),
        "counted": bool(rates),
        "rates": rates,
        "steps": steps,
    }
