"""The overview's figures as components, and each one's table as a sheet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from shangyi.care.standing.figures import LAST_BAND, Place
from shangyi.care.standing.rules import rule
from shangyi.web import formats, links
from shangyi.web.components.bars import Bar, Bars
from shangyi.web.components.chart import Pyramid, Series, TimeChart
from shangyi.web.components.tag import Tag
from shangyi.web.components.trend import Trend
from shangyi.web.csv import Sheet
from shangyi.web.overview import CASCADE, PLACE_STATES, Overview, share, total
from shangyi.web.wording import display

WEEK, FEW = 7, 10


@dataclass(frozen=True, slots=True)
class View:
    """Figures with a language and with where they lead. ``opens``: whether the reader may see the people."""

    found: Overview
    text: Callable[..., str]
    language: str
    opens: bool
    path: str
    names: dict[int, str]

    def people(self, **filters: object) -> str:
        """Where a number leads; nowhere for those who may see figures only."""
        return links.people(self.path, **filters) if self.opens else ""

    def title(self, state: str) -> str:
        """A rule's title."""
        found = rule(state)
        return found.title.of(self.language) if found else state

    def source(self, state: str) -> str:
        """A rule's source."""
        found = rule(state)
        return found.source.of(self.language) if found else ""

    def place(self, code: int) -> str:
        """A division's name."""
        return self.names.get(code, links.area(code))


def percent(part: int, whole: int, places: int = 0) -> str:
    """With the sign behind a thin space; an em dash of nobody."""
    return f"{formats.percent(part, whole, places)}{formats.THIN_SPACE}%" if whole else "—"


def cascade(view: View) -> Bars:
    """Diagnosed, and of those the followed up, the treated, the controlled."""
    now = view.found.now
    whole = now["hypertension"]
    return Bars(
        [
            Bar(
                view.title(state),
                now[state],
                formats.number(now[state]),
                percent(now[state], whole) if step > 1 else "",
                step,
                view.people(state=state),
            )
            for step, state in enumerate(CASCADE, start=1)
        ]
    )


def trend(view: View, points: float | None) -> Tag | None:
    """A change in percentage points since a quarter ago; nothing where it is none."""
    if points is None or abs(points) < 0.05:
        return None
    arrow = "↑" if points > 0 else "↓"
    words = view.text("{arrow} {points} in a quarter", arrow=arrow, points=f"{abs(points):.1f}")
    return Tag(words, "good" if points > 0 else "grade-2")


def ranking(view: View, rows: Sequence[tuple[str, dict[str, str], int]]) -> Bars:
    """Diagnoses per thousand residents."""
    whole = view.found.residents or 1
    return Bars(
        [
            Bar(
                display(coding, view.language),
                number,
                formats.number(1000 * number / whole, 0),
                href=view.people(state=state),
            )
            for state, coding, number in rows
        ]
    )


def band(first: int) -> str:
    """An age band as a filter of the list: ``60-64``, ``85-``."""
    return f"{first}-" if first == LAST_BAND else f"{first}-{first + 4}"


def pyramid(view: View) -> Pyramid:
    """Ages by sex in percent of all; each band of the table leads to its people."""
    whole = view.found.residents or 1
    rows = view.found.pyramid
    return Pyramid(
        label=view.text("Population pyramid"),
        ages=[f"{first}+" if first == LAST_BAND else str(first) for first, _, _ in rows],
        male=[round(100 * male / whole, 2) for _, male, _ in rows],
        female=[round(100 * female / whole, 2) for _, _, female in rows],
        male_name=view.text("Male"),
        female_name=view.text("Female"),
        csv=f"/figures/pyramid.csv{query(view)}",
        hrefs=[
            [view.people(age=band(first), sex=sex) for sex in ("male", "female")] if view.opens else ["", ""]
            for first, _, _ in rows
        ],
        counts=[(male, female) for _, male, female in rows],
    )


def query(view: View) -> str:
    """Which population a sheet is about."""
    return "" if view.path == "/panel" else "?of=area"


def visits(view: View) -> TimeChart:
    """Visits a day, and their mean over the seven days before."""
    days = view.found.visits
    counts = [number for _, number in days]
    mean = [
        None if i + 1 < WEEK else round(sum(counts[i + 1 - WEEK : i + 1]) / WEEK, 1)
        for i in range(len(counts))
    ]
    return TimeChart(
        view.text("Visits a day"),
        [day.isoformat() for day, _ in days],
        [
            Series(view.text("Visits"), counts, kind="bar", colour="brand-2"),
            Series(view.text("Mean of 7 days"), mean, symbols=False),
        ],
        csv=f"/figures/visits.csv{query(view)}",
        hrefs=[view.people(seen=day.isoformat()) for day, _ in days],
        legend=False,
    )


def visits_note(view: View) -> str:
    """The total against the same days a year before."""
    now, before = total(view.found.visits), view.found.visits_year_ago
    return view.text("{now} in 90 days, {before} in the same days a year ago", now=now, before=before)


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A town or village: residents, and shares with their bars."""

    name: str
    href: str
    place: Place
    shares: Sequence["Share"]


@dataclass(frozen=True, slots=True)
class Share:
    """``part`` of ``whole``, ``width`` in percent for its bar, ``href`` the people."""

    part: int
    whole: int
    href: str

    @property
    def text(self) -> str:
        """In whole percent; of fewer than ten the two numbers, which say more."""
        return percent(self.part, self.whole) if self.whole >= FEW else f"{self.part}/{self.whole}"

    @property
    def width(self) -> float:
        """0 to 100."""
        return round(share(self.part, self.whole) or 0, 1)


PLACE_SHARES = (
    ("hypertension.managed", "hypertension"),
    ("hypertension.treated", "hypertension"),
    ("hypertension.controlled", "hypertension"),
    ("diabetes.controlled", "diabetes"),
    ("older.examined", "older"),
)


def places(view: View) -> list[PlaceRow]:
    """Below the reader's area, most people without control first: where help reaches most."""
    rows = []
    for place in view.found.places:
        code = links.area(place.code)
        rows.append(
            PlaceRow(
                view.place(place.code),
                view.people(area=code),
                place,
                [
                    Share(place.holding[part], place.holding[whole], view.people(area=code, state=part))
                    for part, whole in PLACE_SHARES
                ],
            )
        )
    rows.sort(key=lambda r: (r.shares[2].part - r.shares[2].whole, -r.place.residents))
    return rows


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One notifiable disease: the last weeks as a sparkline, the last four against the same ones a year before."""

    name: str
    href: str
    weeks: Sequence[int]
    last_week: int
    four_weeks: int
    year_ago: int
    trend: Trend

    @property
    def more(self) -> bool:
        """Whether twice as many as a year ago, and five at least: for the eye, not a test (that is surveillance)."""
        return self.four_weeks >= 5 and self.four_weeks >= 2 * self.year_ago


def reports(view: View) -> list[ReportRow]:
    """Reported cases by disease."""
    return [
        ReportRow(
            display({"system": ICD10, "code": found.code, "display": found.display}, view.language),
            f"/cases?code={found.code}",
            found.weeks,
            found.weeks[-1],
            sum(found.weeks[-4:]),
            sum(found.year_ago[-4:]),
            Trend("", "", "", [(float(i), float(n)) for i, n in enumerate(found.weeks)]),
        )
        for found in view.found.reports
    ]


ICD10 = "http://hl7.org/fhir/sid/icd-10"


def _ranking_sheet(name: str, attribute: str) -> Callable[[View], Sheet]:
    def made(view: View) -> Sheet:
        whole = view.found.residents or 1
        columns = [view.text(t) for t in ("Code", "Diagnosis", "Residents", "Per 1,000 residents")]
        rows: list[list[Any]] = [
            [coding.get("code", ""), display(coding, view.language), number, round(1000 * number / whole, 1)]
            for _, coding, number in getattr(view.found, attribute)
        ]
        return Sheet(name, columns, rows)

    return made


def _pyramid_sheet(view: View) -> Sheet:
    columns = [view.text("Age"), view.text("Male"), view.text("Female")]
    return Sheet(
        "pyramid", columns, [[band(first), male, female] for first, male, female in view.found.pyramid]
    )


def _visits_sheet(view: View) -> Sheet:
    return Sheet(
        "visits", [view.text("Day"), view.text("Visits")], [[d.isoformat(), n] for d, n in view.found.visits]
    )


def _cascade_sheet(view: View) -> Sheet:
    columns = [view.text(t) for t in ("Step", "Residents", "A quarter ago", "Source")]
    rows = [[view.title(s), view.found.now[s], view.found.quarter[s], view.source(s)] for s in CASCADE]
    return Sheet("hypertension", columns, rows)


def _places_sheet(view: View) -> Sheet:
    columns = [view.text("Code"), view.text("Place"), view.text("Residents"), *map(view.title, PLACE_STATES)]
    rows = [
        [links.area(p.code), view.place(p.code), p.residents, *(p.holding[s] for s in PLACE_STATES)]
        for p in view.found.places
    ]
    return Sheet("places", columns, rows)


def _reports_sheet(view: View) -> Sheet:
    weeks = len(view.found.reports[0].weeks) if view.found.reports else 0
    ends = [view.text("{n} weeks ago", n=weeks - 1 - i) for i in range(weeks)]
    rows = [[r.code, row.name, *r.weeks] for r, row in zip(view.found.reports, reports(view), strict=True)]
    return Sheet("reports", [view.text("Code"), view.text("Disease"), *ends], rows)


SHEETS: dict[str, Callable[[View], Sheet]] = {
    "pyramid": _pyramid_sheet,
    "visits": _visits_sheet,
    "hypertension": _cascade_sheet,
    "places": _places_sheet,
    "reports": _reports_sheet,
    "conditions": _ranking_sheet("conditions", "chronic"),
    "illnesses": _ranking_sheet("illnesses", "acute"),
}
"""Each figure's table by the name in its address."""
