"""The overview. A doctor reads who needs them, why, and what next; an epidemiologist what is reported; a manager where
it lags. Every figure opens onto those behind it as far as the reader may see them, and has its table as CSV."""

import datetime as dt
from typing import Any

from starlette.responses import Response

from shangyi.access import Role, Session
from shangyi.care.standing import people
from shangyi.care.standing.rules import rule
from shangyi.errors import NotFound
from shangyi.web import csv, figures, formats, links
from shangyi.web import overview as computed
from shangyi.web.answers import late
from shangyi.web.components.figure import Figure
from shangyi.web.context import Context
from shangyi.web.due import KINDS, reasons
from shangyi.web.figures import View
from shangyi.web.overview import change
from shangyi.web.residents import person_line

ROWS = 8
PERSONS = frozenset({Role.ADMINISTRATOR, Role.CLINICIAN, Role.READER})
WORKLIST = frozenset({Role.CLINICIAN, Role.READER})


def session_of(context: Context) -> tuple[Session, bool]:
    """The session that the page reads by, and whether it is bounded to the panel: a doctor's own, unless asked."""
    mine = bool(context.principal.practitioner) and context.field("of") != "area"
    return (context.session.panel() if mine else context.session), mine


def view_of(context: Context) -> View:
    """The figures of the page, with what is needed to word them."""
    session, mine = session_of(context)
    found = session.aggregate("overview", context.answers.overview)
    return View(
        found=found,
        text=context.text,
        language=context.language,
        opens=context.principal.role in PERSONS,
        path="/panel" if mine else "/residents",
        names=context.division_names([place.code for place in found.places]),
    )


def overview(context: Context) -> Response:
    """GET /."""
    text, language = context.text, context.language
    session, mine = session_of(context)
    view = view_of(context)
    now = dt.datetime.now(formats.ZONE)
    whole = context.session.aggregate("overview", context.answers.overview) if mine else view.found
    names = context.division_names([place.code for place in whole.places])
    area_view = View(whole, text, language, view.opens, "/residents", names)
    role = context.principal.role
    worklist = due(context, session, view.path) if role in WORKLIST else None
    return context.page(
        "pages/overview.html",
        "overview",
        as_of=view.found.as_of,
        late=late(view.found.as_of, now),
        greeting=greeting(now.hour, context.principal.display, text),
        today=formats.long_day(now.date(), language),
        view=view,
        found=view.found,
        mine=mine,
        has_panel=bool(context.principal.practitioner),
        worklist=worklist,
        kind=context.field("kind"),
        cascade=figures.cascade(view),
        cascade_note=note(view, whole if mine else None),
        figures=numbers(view, now.date()),
        places=figures.places(area_view),
        reports=figures.reports(area_view),
        conditions=figures.ranking(view, view.found.chronic),
        illnesses=figures.ranking(view, view.found.acute),
        pyramid=figures.pyramid(view),
        visits=figures.visits(view),
        visits_note=figures.visits_note(view),
        of="" if mine or not context.principal.practitioner else "area",
        leads="worklist" if role in WORKLIST else "reports" if role is Role.EPIDEMIOLOGIST else "places",
        rules=[rule(state) for state in computed.CASCADE],
    )


def due(context: Context, session: Session, path: str) -> dict[str, Any]:
    """The first rows of who needs something, and how many of each kind there are."""
    today = dt.datetime.now(formats.ZONE).date()
    kind = context.field("kind") if context.field("kind") in KINDS else ""

    query = people.Query(today, due=True, kind=kind, limit=ROWS)

    def find(records: Any, scope: Any) -> people.Page:
        return context.answers.find(records, scope, query)

    page, counts = (
        session.select("standing=due", find),
        session.aggregate("standing=due", context.answers.due),
    )
    rows = [
        {
            "person": person_line(version.resource, {}, context.text, context.language),
            "reasons": reasons(person.due, today, context.text, context.language)[:2],
        }
        for person, version in zip(page.people, page.versions, strict=True)
    ]
    return {
        "rows": rows,
        "kinds": [(name, context.text(title), counts.get(name, 0)) for name, title in KINDS.items()],
        "count": counts.get(kind, 0),
        "urgent": counts.get("urgent", 0),
        "rest": counts.get(kind, 0) - len(rows),
        "all": links.people(path, due=kind or "all"),
        "path": path,
    }


def note(view: View, whole: computed.Overview | None) -> str:
    """The control rate in a sentence: against the quarter before, and against the whole area."""
    found = view.found
    controlled, diagnosed = found.now["hypertension.controlled"], found.now["hypertension"]
    if not diagnosed:
        return ""
    rate = formats.percent(controlled, diagnosed)
    if whole is not None:
        there = formats.percent(whole.now["hypertension.controlled"], whole.now["hypertension"])
        return str(view.text("Controlled {rate} %; {there} % in the whole area", rate=rate, there=there))
    before = formats.percent(found.quarter["hypertension.controlled"], found.quarter["hypertension"])
    return str(view.text("Controlled {rate} %; {before} % a quarter ago", rate=rate, before=before))


def numbers(view: View, today: dt.date) -> list[Figure]:
    """The four figures, each with its denominator, its change in a quarter, and who is behind it."""
    text, now, before = view.text, view.found.now, view.found.quarter

    def rate(label: str, part: str, whole: str, behind: str) -> Figure:
        points = change((now[part], now[whole]), (before[part], before[whole]))
        return Figure(
            text(label),
            formats.percent(now[part], now[whole]),
            "%" if now[whole] else "",
            f"{formats.number(now[part])} / {formats.number(now[whole])}",
            view.people(state=behind),
            figures.trend(view, points),
        )

    left = (dt.date(today.year + 1, 1, 1) - today).days
    new = now["hypertension"] - before["hypertension"]
    return [
        Figure(
            text("Hypertension on the register"),
            formats.number(now["hypertension"]),
            "",
            text("{n} more than a quarter ago", n=new)
            if new >= 0
            else text("{n} fewer than a quarter ago", n=-new),
            view.people(state="hypertension"),
        ),
        rate(
            "Blood pressure controlled",
            "hypertension.controlled",
            "hypertension",
            "hypertension.uncontrolled",
        ),
        rate("HbA1c at target (<7 %)", "diabetes.controlled", "diabetes", "diabetes"),
        Figure(
            text("65 and older examined this year"),
            formats.percent(now["older.examined"], now["older"]),
            "%" if now["older"] else "",
            text("{n} still to come, {days} days left", n=now["older.unexamined"], days=left),
            view.people(state="older.unexamined"),
        ),
    ]


def greeting(hour: int, name: str, text: Any) -> str:
    """By the hour, as one says it at work."""
    if hour < 12:
        return str(text("Good morning, {name}", name=name))
    if hour < 18:
        return str(text("Good afternoon, {name}", name=name))
    return str(text("Good evening, {name}", name=name))


def sheet(context: Context) -> Response:
    """GET /figures/{name}.csv: the table of one figure of the overview."""
    view = view_of(context)
    made = figures.SHEETS.get(context.request.path_params["name"])
    if made is None:
        raise NotFound("There is no such figure")
    return csv.answer(made(view))
