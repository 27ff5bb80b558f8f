"""The list of residents, my panel, and search as you type."""

import datetime as dt
from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.responses import Response

from shangyi.store.merging import replaced_by
from shangyi.web import formats
from shangyi.web.components.table import Column, Row, Table
from shangyi.web.context import Context, by_reference
from shangyi.web.residents import PersonLine, person_line

PAGE = 30
SUGGESTIONS = 8
AGES = {"0-6": (0, 6), "7-17": (7, 17), "18-44": (18, 44), "45-64": (45, 64), "65-": (65, None)}
"""Bands of the basic public health service: children 0–6, adults, 65 and older (years, inclusive)."""


def born_between(band: str, today: dt.date) -> list[tuple[str, str]]:
    """Search parameters for an age band at ``today``."""
    youngest, oldest = AGES[band]
    parameters = [("birthdate", f"le{years_before(today, youngest).isoformat()}")]
    if oldest is not None:
        parameters.append(("birthdate", f"gt{years_before(today, oldest + 1).isoformat()}"))
    return parameters


def years_before(day: dt.date, years: int) -> dt.date:
    """The same day ``years`` earlier; 28 February for a leap day."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def residents(context: Context) -> Response:
    """GET /residents: everyone in the reader's area, filtered."""
    return _list(context, "residents", [])


def panel(context: Context) -> Response:
    """GET /panel: the residents who signed with this doctor (签约居民)."""
    doctor = context.principal.practitioner or "Practitioner/none"
    return _list(context, "panel", [("general-practitioner", doctor)])


def _list(context: Context, current: str, fixed: list[tuple[str, str]]) -> Response:
    query, sex, band, town = (context.field(name) for name in ("q", "sex", "age", "town"))
    parameters = [
        *fixed,
        ("active", "true"),
        ("_count", str(PAGE)),
        ("_sort", "name"),
        ("_include", "Patient:general-practitioner"),
    ]
    if query:
        lines = _matching(context, query, PAGE)
        following = ""
    else:
        if sex in ("male", "female"):
            parameters.append(("gender", sex))
        if band in AGES:
            parameters += born_between(band, dt.datetime.now(formats.ZONE).date())
        if town:
            parameters.append(("address-city", town))
        if cursor := context.field("cursor"):
            parameters.append(("_cursor", cursor))
        found = context.search("Patient", *parameters)
        doctors = by_reference(found.included)
        lines = [person_line(v.resource, doctors, context.text, context.language) for v in found.matches]
        following = found.next or ""
    kept = {"q": query, "sex": sex, "age": band, "town": town}
    return context.page(
        "pages/residents.html",
        current,
        title=context.text("My panel") if current == "panel" else context.text("Residents"),
        table=table(context, current, lines, kept, following),
        towns=towns(context),
        ages=list(AGES),
        chosen=kept,
        path=f"/{current}",
    )


def table(
    context: Context, current: str, lines: Sequence[PersonLine], kept: dict[str, str], following: str
) -> Table:
    """The list as a table component."""
    filters = {key: value for key, value in kept.items() if value}
    text = context.text
    titles = ("Resident", "Resident id", "Phone", "Residence", "Family doctor")
    return Table(
        caption=text("Residents"),
        columns=[Column(text(title)) for title in titles],
        rows=[
            Row(
                [
                    context.markup("components/person.html", person=line),
                    line.resident_id,
                    line.phone,
                    line.place,
                    line.doctor,
                ],
                line.href,
            )
            for line in lines
        ],
        next=f"/{current}?{urlencode(filters | {'cursor': following})}" if following else "",
        first=f"/{current}?{urlencode(filters)}" if context.field("cursor") else "",
        empty=text("Nobody matches. Check the spelling, or remove a filter."),
    )


def towns(context: Context) -> list[str]:
    """Names of the towns in the reader's area."""
    area = context.principal.area.code
    county = f"div-{area[:6]}000000" if area else ""
    found = context.resources("Location", ("partof", county), ("_count", "100")) if county else []
    return sorted(location.get("name", "") for location in found)


def _matching(context: Context, query: str, limit: int) -> list[PersonLine]:
    found = (version.resource for version in context.session.suggest(query, limit))
    return [
        person_line(patient, {}, context.text, context.language)
        for patient in found
        if replaced_by(patient) is None
    ]


def suggest(context: Context) -> Response:
    """GET /residents/suggest?q=…: the list under the search box."""
    query = context.field("q")
    lines = _matching(context, query, SUGGESTIONS) if query else []
    return context.part("parts/suggestions.html", lines=lines, query=query)
