"""Measures, live: every rate of the packages, one rate by place, sex, age and time, the residents behind it."""

from typing import Any

from starlette.responses import Response

from shangyi.access import Session
from shangyi.care.indicators import figures, keep, people
from shangyi.care.indicators.figures import Share
from shangyi.care.indicators.rates import Rate, ends, rate, rates
from shangyi.care.standing.people import born_between
from shangyi.errors import NotFound
from shangyi.store.model import Scope
from shangyi.web import formats, links
from shangyi.web.components.bars import Bar, Bars
from shangyi.web.components.chart import Series, TimeChart
from shangyi.web.components.figure import Figure
from shangyi.web.components.table import Column, Row, Table
from shangyi.web.context import Context
from shangyi.web.figures import percent
from shangyi.web.overview import share, unit_of
from shangyi.web.pages.overview import PERSONS
from shangyi.web.rates import NONE, counted, gap_lines, of_measure, sources, title, today, trend
from shangyi.web.residents import SEXES, person_line

LIMIT = 30
WORDS = {"no": "not reached", "yes": "reached", "": "all who are counted"}
"""Of a list's choice between those who reach a rate and those who do not."""


def session_of(context: Context) -> tuple[Session, bool]:
    """The session that figures are of, and whether it is bounded to the panel: the area, unless asked."""
    mine = bool(context.principal.practitioner) and context.field("of") == "panel"
    return (context.session.panel() if mine else context.session), mine


def of_field(mine: bool) -> str:
    """What an address says of the population."""
    return "panel" if mine else ""


def connected(records: Any, asked: Any) -> Any:
    """An answer within one read-only transaction."""
    with records.transaction_connection() as connection:
        return asked(connection)


def measures(context: Context) -> Response:
    """GET /measures."""
    session, mine = session_of(context)
    day = today()

    def asked(records: Any, scope: Scope) -> Any:
        return connected(records, lambda c: (figures.shares(c, scope), keep.status(c, day)))

    found, status = session.aggregate("measures", asked)
    groups: dict[str, list[Rate]] = {}
    for known in rates():
        groups.setdefault(str(known.measure["id"]), []).append(known)
    sections = []
    for members in sorted(groups.values(), key=len, reverse=True):
        measure = members[0].measure
        sections.append(
            {
                "title": of_measure(measure, "title", context.language),
                "description": of_measure(measure, "description", context.language),
                "figures": [figure(context, known, found.get(known.key, {}), mine) for known in members],
                "cascade": cascade(context, members, found, mine) if len(members) > 2 else None,
                "sources": sources(members[0]),
            }
        )
    return context.page(
        "pages/measures.html",
        "measures",
        sections=sections,
        building=status,
        day=formats.date(day),
        mine=mine,
        has_panel=bool(context.principal.practitioner),
    )


def href(known: Rate, mine: bool, residents: bool = False, **filters: object) -> str:
    """Where a rate, or its residents, are shown."""
    path = f"/measures/{known.key[0]}/{known.key[1]}" + ("/residents" if residents else "")
    return links.people(path, of=of_field(mine), **filters)


def figure(context: Context, known: Rate, by_end: dict[Any, Share], mine: bool) -> Figure:
    """One rate as a card."""
    days = ends(today())
    now, before = by_end.get(days[0], NONE), by_end.get(days[1], NONE)
    return Figure(
        title(known, context.language),
        formats.percent(now.met, now.whole),
        "%" if now.whole else "",
        f"{formats.number(now.met)} / {formats.number(now.whole)}",
        href(known, mine),
        trend(now, before, context.text),
    )


def cascade(context: Context, members: list[Rate], found: dict[Any, Any], mine: bool) -> Bars:
    """Those that the first rate is of, and how many reach each."""
    day = today()
    first = found.get(members[0].key, {}).get(day, NONE)
    opens = context.principal.role in PERSONS
    bars = [
        Bar(
            context.text("Counted"), first.whole, formats.number(first.whole), "", 1,
            href(members[0], mine, True) if opens else "",
        )
    ]  # fmt: skip
    for step, known in enumerate(members, 2):
        now = found.get(known.key, {}).get(day, NONE)
        bars.append(
            Bar(
                title(known, context.language),
                now.met,
                formats.number(now.met),
                percent(now.met, first.whole),
                min(step, 4),
                href(known, mine, True, met="yes") if opens else "",
            )
        )
    return Bars(bars)


def of_address(context: Context) -> Rate:
    """The rate that an address names. NotFound."""
    known = rate(context.request.path_params["measure"], context.request.path_params["part"])
    if known is None:
        raise NotFound("There is no such measure")
    return known


def measure(context: Context) -> Response:
    """GET /measures/{measure}/{part}: one rate over time, by place, sex and age."""
    known, day = of_address(context), today()
    session, mine = session_of(context)

    def asked(records: Any, scope: Scope) -> Any:
        place: figures.By = "village" if unit_of(scope) == 1 else "town"

        def ask(c: Any) -> Any:
            parts = {by: figures.divided(c, scope, known.key, day, by) for by in (place, "sex", "age")}
            return figures.shares(c, scope).get(known.key, {}), parts, keep.status(c, day), place

        return connected(records, ask)

    by_end, parts, status, place = session.aggregate(f"measures/{'/'.join(known.key)}", asked)
    now, before = by_end.get(day, NONE), by_end.get(ends(day)[1], NONE)
    codes = [int(code) for code, _ in parts[place] if int(code)]
    names = context.division_names(codes)
    places = sorted(parts[place], key=lambda row: (row[1].met - row[1].whole, row[0]))
    text = context.text
    return context.page(
        "pages/measure.html",
        "measures",
        title=title(known, context.language),
        measure=of_measure(known.measure, "title", context.language),
        counted=counted(known, context.language),
        sources=sources(known),
        guidance=of_measure(known.measure, "guidance", context.language),
        building=status,
        now=now,
        rate=percent(now.met, now.whole, 1),
        trend=trend(now, before, text),
        chart=TimeChart(
            title(known, context.language),
            [end.isoformat() for end in sorted(by_end)],
            [Series(title(known, context.language), [_points(by_end[end]) for end in sorted(by_end)])],
            unit="%",
            legend=False,
        )
        if by_end
        else None,
        places=table(
            context, known, mine, text("Place"),
            [(names.get(int(code), text("Unknown place")), {"area": links.area(int(code))}, part) for code, part in places],
        ),
        sexes=table(
            context, known, mine, text("Sex"),
            [(text(SEXES[SEX.get(code, "unknown")]), {"sex": SEX.get(code, "")}, part) for code, part in parts["sex"]],
        ),
        ages=table(
            context, known, mine, text("Age"),
            [(_band(int(first)), {"age": first}, part) for first, part in parts["age"]],
        ),
        opens=context.principal.role in PERSONS,
        behind=href(known, mine, True, met="no"),
        reached=href(known, mine, True, met="yes"),
        back=links.people("/measures", of=of_field(mine)),
        mine=mine,
        day=formats.date(day),
    )  # fmt: skip


SEX = {"m": "male", "f": "female", "o": "other"}


def _points(part: Share) -> float | None:
    found = share(part.met, part.whole)
    return None if found is None else round(found, 1)


def _band(first: int) -> str:
    at = figures.AGES.index(first)
    return f"{first}–{figures.AGES[at + 1] - 1}" if at + 1 < len(figures.AGES) else f"{first}+"


def table(
    context: Context, known: Rate, mine: bool, heading: str, rows: list[tuple[str, dict[str, str], Share]]
) -> Table:
    """A rate by what it is divided by; each row opens onto those who do not reach it."""
    text, opens = context.text, context.principal.role in PERSONS
    return Table(
        caption=heading,
        columns=[
            Column(heading), Column(text("Rate"), True), Column(text("Reached / counted"), True), Column(text("Not reached"), True),
        ],
        rows=[
            Row(
                [
                    name,
                    percent(part.met, part.whole, 1),
                    f"{formats.number(part.met)} / {formats.number(part.whole)}",
                    _link(context, href(known, mine, True, met="no", **filters), part.whole - part.met)
                    if opens
                    else formats.number(part.whole - part.met),
                ]
            )
            for name, filters, part in rows
        ],
        empty=text("Nobody is counted here"),
        dense=True,
    )  # fmt: skip


def _link(context: Context, address: str, number: int) -> Any:
    return context.markup(
        "components/link_cell.html", href=address, title=formats.number(number), tag={"text": "", "tone": ""}
    )


def residents(context: Context) -> Response:
    """GET /measures/{measure}/{part}/residents?met=no&area=…: who is behind a number, each with the gaps that are open."""
    known = of_address(context)
    session, mine = session_of(context)
    filters = {name: context.field(name) for name in ("met", "area", "sex", "age")}
    query = people.Query(
        today(),
        key=known.key,
        met={"yes": True, "no": False}.get(filters["met"]),
        area=_bounds(filters["area"]),
        sex=filters["sex"],
        born=_born(filters["age"]),
        cursor=context.field("cursor"),
        limit=LIMIT,
    )
    page = session.select(
        f"measures/{'/'.join(known.key)}", lambda records, scope: found(records, scope, query)
    )
    words = context.text(WORDS.get(filters["met"], "all who are counted"))
    return context.page(
        "pages/gaps.html",
        "measures",
        title=title(known, context.language),
        subtitle=words,
        rows=rows_of(context, page),
        next=href(known, mine, True, **filters, cursor=page.next) if page.next else "",
        first=href(known, mine, True, **filters) if query.cursor else "",
        chips=[
            (
                context.text(label),
                href(known, mine, True, **{**filters, "met": value}),
                filters["met"] == value,
            )
            for value, label in WORDS.items()
        ],
        back=href(known, mine),
        building=keep.Status(),
        empty=context.text("Nobody is counted here"),
        total=None,
    )


def found(records: Any, scope: Scope, query: people.Query) -> people.Page:
    """A page of residents of the record, within a scope."""
    page: people.Page = connected(records, lambda c: people.find(c, records.codec, scope, query))
    return page


def rows_of(context: Context, page: people.Page) -> list[dict[str, Any]]:
    """Residents as lines, with their open gaps in words."""
    return [
        {
            "person": person_line(version.resource, {}, context.text, context.language),
            "gaps": gap_lines(opened, context.text, context.language),
        }
        for opened, version in zip(page.open, page.versions, strict=True)
    ]


def _bounds(area: str) -> tuple[int, int] | None:
    if not area.isdigit() or len(area) > 12:
        return None
    return int(area.ljust(12, "0")), int(area.ljust(12, "9"))


def _born(age: str) -> Any:
    if not age.isdigit() or int(age) not in figures.AGES:
        return None
    at = figures.AGES.index(int(age))
    last = figures.AGES[at + 1] - 1 if at + 1 < len(figures.AGES) else None
    return born_between(int(age), last, today())


def gaps(context: Context) -> Response:
    """GET /gaps?rate=…: residents with open gaps, the most urgent first, each with its why. A doctor's own panel first."""
    mine = bool(context.principal.practitioner) and context.field("of") != "area"
    session = context.session.panel() if mine else context.session
    day = today()
    measure_id, _, part = context.field("rate").partition("/")
    known = rate(measure_id, part)

    def asked(records: Any, scope: Scope) -> Any:
        return connected(records, lambda c: (figures.gaps(c, scope, day), keep.status(c, day)))

    counts, status = session.aggregate("gaps", asked)
    query = people.Query(
        day,
        key=known.key if known else None,
        met=False if known else None,
        gaps=True,
        cursor=context.field("cursor"),
        limit=LIMIT,
    )
    page = session.select("gaps", lambda records, scope: found(records, scope, query))
    of = "" if mine or not context.principal.practitioner else "area"
    chips = [(context.text("All"), links.people("/gaps", of=of), known is None)]
    chips += [
        (
            f"{title(r, context.language)} {formats.number(counts[r.key])}",
            links.people("/gaps", of=of, rate="/".join(r.key)),
            known is r,
        )
        for r in sorted((r for r in rates() if r.gap), key=lambda r: r.gap.grade if r.gap else 9)
        if counts.get(r.key)
    ]
    chosen = "/".join(known.key) if known else ""
    return context.page(
        "pages/gaps.html",
        "gaps",
        title=context.text("Open gaps"),
        subtitle=context.text("My panel") if mine else context.text("Whole area"),
        rows=rows_of(context, page),
        next=links.people("/gaps", of=of, rate=chosen, cursor=page.next) if page.next else "",
        first=links.people("/gaps", of=of, rate=chosen) if query.cursor else "",
        chips=chips,
        back="",
        building=status,
        empty=context.text("No gap is open by these rates."),
        total=counts.get(known.key if known else ("", ""), 0),
    )
