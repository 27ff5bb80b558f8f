"""The list of residents, my panel, and search as you type: who they are, what they have, what is due."""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from starlette.responses import RedirectResponse, Response

from shangyi.access import Session, masking
from shangyi.care.standing import keep, people
from shangyi.care.standing.rules import rule
from shangyi.store import keys
from shangyi.store.merging import replaced_by
from shangyi.store.model import Version
from shangyi.web import csv, formats, links
from shangyi.web.answers import Counted, late
from shangyi.web.components.table import Column, Row, Table
from shangyi.web.context import Context
from shangyi.web.due import KINDS, reasons
from shangyi.web.residents import PersonLine, person_line
from shangyi.web.wording import display

PAGE = 30
SHEET_PAGE = 500
SUGGESTIONS = 8
AGES = {"0-6": (0, 6), "7-17": (7, 17), "18-44": (18, 44), "45-64": (45, 64), "65-": (65, None)}
"""Bands of the basic public health service: children 0–6, adults, 65 and older (years, inclusive)."""
SORTS = {"urgency": "Urgency", "name": "Full name", "age": "Age", "visit": "Last visit"}
FILTERS = ("sex", "age", "area", "state", "due", "seen", "sort")
DENSITY_COOKIE = "density"
FOUND = "found"
"""The parameter that asks for what the session looked for last."""


def ages(band: str) -> tuple[int, int | None] | None:
    """First and last age of ``45-64`` or ``65-``, both included; None for anything else."""
    found = re.fullmatch(r"(\d{1,3})-(\d{0,3})", band)
    return (int(found[1]), int(found[2]) if found[2] else None) if found else None


def residents(context: Context) -> Response:
    """GET /residents: everyone in the reader's area, filtered."""
    return _list(context, "residents", context.session)


def panel(context: Context) -> Response:
    """GET /panel: the residents who signed with this doctor (签约居民)."""
    return _list(context, "panel", context.session.panel())


def query_of(chosen: dict[str, str], today: dt.date, cursor: str) -> people.Query:
    """The query that the filters ask for."""
    band = ages(chosen["age"])
    return people.Query(
        today,
        states=tuple(state for state in chosen["state"].split(",") if state),
        due=bool(chosen["due"]),
        kind=chosen["due"] if chosen["due"] in KINDS else "",
        sex=chosen["sex"] if chosen["sex"] in ("male", "female") else "",
        born=people.born_between(*band, today) if band else None,
        area=bounds(chosen["area"]),
        seen=people.parse_day(chosen["seen"]),
        sort=sort_of(chosen),  # type: ignore[arg-type]
        cursor=cursor,
        limit=PAGE,
    )


def sort_of(chosen: dict[str, str]) -> str:
    """As asked; else by urgency where something is due, by name where not."""
    return chosen["sort"] if chosen["sort"] in SORTS else "urgency" if chosen["due"] else "name"


def bounds(area: str) -> tuple[int, int] | None:
    """First and last division code of 6, 9 or 12 digits."""
    if not (area.isdigit() and len(area) in (6, 9, 12)):
        return None
    return int(area.ljust(12, "0")), int(area.ljust(12, "9"))


def _list(context: Context, current: str, session: Session) -> Response:
    if context.request.method == "POST":
        # What is looked for is a name, an id, a phone: it stands in the session, never in an address.
        context.access.sessions.look_for(context.cookie, context.field("q"))
        return RedirectResponse(f"/{current}?{FOUND}=1", status_code=303)
    chosen = {name: context.field(name) for name in FILTERS}
    looked_for = context.access.sessions.looked_for(context.cookie) if context.field(FOUND) else ""
    if looked_for:
        chosen[FOUND] = "1"
    today, path = dt.datetime.now(formats.ZONE).date(), f"/{current}"
    dense = density(context)
    total: int | None = None
    as_of: dt.datetime | None = None
    following = ""
    if looked_for:
        versions = matching(session, looked_for, PAGE)
        standing = _standing(context, [keys.rid("Patient", version.id) for version in versions], today)
        rows = [(version.resource, standing.get(keys.rid("Patient", version.id))) for version in versions]
        status = keep.Status()
    else:
        query = query_of(chosen, today, context.field("cursor"))

        def find(records: Any, scope: Any) -> people.Page:
            return context.answers.find(records, scope, query)

        def count(records: Any, scope: Any) -> Counted:
            return context.answers.count(records, scope, query)

        page = session.select(f"standing={','.join(query.states) or chosen['due']}", find)
        total, status, as_of = session.aggregate("standing", count)
        rows = [(v.resource, person) for v, person in zip(page.versions, page.people, strict=True)]
        following = page.next
    overview = context.session.aggregate("overview", context.answers.overview)
    names = context.division_names([place.code for place in overview.places])
    response = context.page(
        "pages/residents.html",
        current,
        as_of=as_of,
        late=late(as_of, dt.datetime.now(formats.ZONE)),
        title=context.text("My panel") if current == "panel" else context.text("Residents"),
        table=table(context, path, rows, chosen, following, dense),
        total=total,
        building=status,
        about=about(context, chosen, rows),
        places=[(links.area(p.code), names.get(p.code, "")) for p in overview.places],
        problems=[(state, display(coding, context.language)) for state, coding, _ in overview.chronic],
        ages=list(AGES) + ([chosen["age"]] if chosen["age"] and chosen["age"] not in AGES else []),
        kinds=[(kind or "all", context.text(title)) for kind, title in KINDS.items()],
        sorts=[(name, context.text(title)) for name, title in SORTS.items()],
        chosen=chosen,
        looked_for=looked_for,
        sort=sort_of(chosen),
        path=path,
        link=lambda **changed: links.people(path, **{**chosen, **changed}),
        dense=dense,
    )
    if context.field(DENSITY_COOKIE):
        response.set_cookie(DENSITY_COOKIE, "dense" if dense else "roomy", samesite="lax", httponly=True)
    return response


TITLES = (
    "Full name",
    "Sex",
    "Age",
    "Birth date",
    "Resident id",
    "Phone",
    "Residence",
    "Family doctor",
    "Last visit",
    "To be done",
)


def sheet(context: Context) -> Response:
    """GET /residents.csv and /panel.csv: the list as a file, with the same filters; ``full`` for whole numbers."""
    session = context.session.panel() if context.request.url.path == "/panel.csv" else context.session
    full = bool(context.field("full"))
    if full:
        session.require_use("export")
    chosen = {name: context.field(name) for name in FILTERS}
    today = dt.datetime.now(formats.ZONE).date()

    def page_after(cursor: str) -> people.Page:
        query = replace(query_of(chosen, today, cursor), limit=SHEET_PAGE)

        def find(records: Any, scope: Any) -> people.Page:
            return context.answers.find(records, scope, query)

        return session.select("residents.csv", find)

    def rows(page: people.Page) -> Iterator[list[str]]:
        while True:
            if full:
                session.reveal_many([version.reference for version in page.versions])
            for version, person in zip(page.versions, page.people, strict=True):
                yield _sheet_row(context, version.resource, person, today, full)
            if not page.next:
                return
            page = page_after(page.next)

    # the first page before the answer begins: what is refused is refused, not cut off
    return csv.answer(csv.Sheet("residents", [context.text(title) for title in TITLES], rows(page_after(""))))


def _sheet_row(
    context: Context, patient: dict[str, Any], person: people.Person | None, today: dt.date, full: bool
) -> list[str]:
    line = person_line(patient, {}, context.text, context.language)
    due = reasons(person.due, today, context.text, context.language) if person else []
    return [
        line.name,
        line.sex,
        line.age,
        patient.get("birthDate", ""),
        (masking.resident_id(patient) or "") if full else line.resident_id,
        (masking.phone(patient) or "") if full else line.phone,
        line.place,
        line.doctor,
        formats.date(person.seen) if person and person.seen else "",
        "；".join(reason.why for reason in due),
    ]


def density(context: Context) -> bool:
    """Whether the reader wants narrow rows: as asked now, else as before."""
    asked = context.field(DENSITY_COOKIE) or context.request.cookies.get(DENSITY_COOKIE, "")
    return asked == "dense"


def _standing(context: Context, rids: Sequence[int], today: dt.date) -> dict[int, people.Person]:
    def of(records: Any, scope: Any) -> dict[int, people.Person]:
        with records.transaction_connection() as connection:
            return people.of(connection, rids, today)

    return context.session.aggregate("standing", of) if rids else {}


def about(context: Context, chosen: dict[str, str], rows: Sequence[Any]) -> list[tuple[str, str]]:
    """What the list is of, as (title, source) of each state that bounds it."""
    found = []
    for state in filter(None, chosen["state"].split(",")):
        if known := rule(state):
            found.append((known.title.of(context.language), known.source.of(context.language)))
        else:
            facts: dict[str, str] = next(
                (d.facts for _, person in rows if person for d in person.due if d.state == state), {}
            )
            title = display(facts, context.language) or state.partition(":")[2]
            source = (
                context.text("On the problem list")
                if state.startswith("problem:")
                else context.text("Diagnosed at a visit within 12 months")
            )
            found.append((title, source))
    if chosen["seen"]:
        found.append((context.text("Seen on {day}", day=chosen["seen"]), ""))
    return found


def table(
    context: Context,
    path: str,
    rows: Sequence[tuple[dict[str, Any], people.Person | None]],
    chosen: dict[str, str],
    following: str,
    dense: bool,
) -> Table:
    """The list as a table component."""
    text, language = context.text, context.language
    today = dt.datetime.now(formats.ZONE).date()
    sort = sort_of(chosen)

    def column(title: str, name: str = "") -> Column:
        if not name or FOUND in chosen:
            return Column(text(title))
        state = ("descending" if name == "visit" else "ascending") if sort == name else ""
        return Column(text(title), sort=links.people(path, **{**chosen, "sort": name}), sorted=state)

    def row(patient: dict[str, Any], person: people.Person | None) -> Row:
        line = person_line(patient, {}, text, language)
        due = reasons(person.due, today, text, language) if person else []
        cells = [
            context.markup(
                "components/resident_cell.html", person=line, standing=person, dense=dense, display=display
            ),
            context.markup(
                "components/problems_cell.html", problems=person.problems if person else [], display=display
            ),
            context.markup("components/due_cell.html", reasons=due),
            context.markup(
                "components/nowrap_cell.html",
                text=formats.day(person.seen, language, today) if person and person.seen else "",
            ),
            context.markup("components/place_cell.html", person=line, dense=dense),
            context.markup("components/nowrap_cell.html", text=line.doctor),
        ]
        return Row(cells, line.href)

    return Table(
        caption=text("Residents"),
        columns=[
            column("Resident", "name"),
            column("Problems"),
            column("To be done", "urgency"),
            column("Last visit", "visit"),
            column("Residence"),
            column("Family doctor"),
        ],
        rows=[row(*pair) for pair in rows],
        next=links.people(path, **{**chosen, "cursor": following}) if following else "",
        first=links.people(path, **chosen) if context.field("cursor") else "",
        csv="" if FOUND in chosen else links.people(f"{path}.csv", **chosen),
        empty=text("Nobody matches. Check the spelling, or remove a filter."),
        dense=dense,
    )


def matching(session: Session, query: str, limit: int) -> list[Version]:
    """Residents as one types, without those whose record was merged into another."""
    found = session.suggest(query, limit)
    return [version for version in found if replaced_by(version.resource) is None]


def suggest(context: Context) -> Response:
    """POST /residents/suggest: the list under the search box."""
    query = context.field("q")
    versions = matching(context.session, query, SUGGESTIONS) if query else []
    lines: list[PersonLine] = [person_line(v.resource, {}, context.text, context.language) for v in versions]
    return context.part("parts/suggestions.html", lines=lines, query=query)
