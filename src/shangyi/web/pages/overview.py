"""The overview: how the population in the reader's area is, each figure opening onto those behind it."""

import datetime as dt
from typing import Any

from starlette.responses import Response

from shangyi.web import formats
from shangyi.web import overview as figures
from shangyi.web.components.bars import Bar, Bars
from shangyi.web.components.chart import Pyramid, Series, TimeChart
from shangyi.web.components.figure import Figure
from shangyi.web.context import Context
from shangyi.web.resident.reading import words

WEEK = 7


def overview(context: Context) -> Response:
    """GET /."""
    text, language = context.text, context.language
    found = context.session.aggregate("overview", figures.KEPT.get)
    now = dt.datetime.now(formats.ZONE)
    cascade = found.cascade
    return context.page(
        "pages/overview.html",
        "overview",
        greeting=greeting(now.hour, context.principal.display, text),
        today=formats.long_day(now.date(), language),
        found=found,
        figures=[
            Figure(text("Residents with a record"), formats.number(found.residents), href="/residents"),
            Figure(
                text("65 and older"),
                formats.percent(found.aged_65, found.residents),
                "%",
                f"{found.aged_65} / {found.residents}",
                "/residents?age=65-",
            ),
            Figure(
                text("Hypertension treated"),
                formats.percent(cascade.treated, cascade.diagnosed),
                "%",
                f"{cascade.treated} / {cascade.diagnosed}",
            ),
            Figure(
                text("Blood pressure controlled, of those treated"),
                formats.percent(cascade.controlled, cascade.treated),
                "%",
                f"{cascade.controlled} / {cascade.treated}",
            ),
        ],
        cascade=Bars(
            [
                Bar(text("Diagnosed"), cascade.diagnosed, formats.number(cascade.diagnosed), step=2),
                step(text("Treated"), cascade.treated, cascade.diagnosed, 3),
                step(text("Controlled"), cascade.controlled, cascade.diagnosed, 4),
            ]
        ),
        rule=figures.definition()["source" if language == "zh-CN" else "source_en"],
        towns=[
            (town, count, part, formats.percent(part.controlled, part.diagnosed))
            for town, count, part in found.by_town
        ],
        conditions=Bars(
            [
                Bar(words(concept, language), count, formats.number(1000 * count / (found.residents or 1), 0))
                for concept, count in found.conditions
            ]
        ),
        pyramid=Pyramid(
            text("Population pyramid"),
            [band for band, _, _ in found.pyramid],
            [round(100 * male / (found.residents or 1), 2) for _, male, _ in found.pyramid],
            [round(100 * female / (found.residents or 1), 2) for _, _, female in found.pyramid],
            text("Male"),
            text("Female"),
        ),
        visits=visits(context, found.visits),
        can_read=context.session.may("search", "Patient"),
    )


def step(label: str, part: int, whole: int, depth: int) -> Bar:
    """A step of the cascade with its share of the first."""
    share = formats.percent(part, whole, 0)
    return Bar(label, part, formats.number(part), f"{share}{formats.THIN_SPACE}%", depth)


def greeting(hour: int, name: str, text: Any) -> str:
    """By the hour, as one says it at work."""
    message = (
        "Good morning, {name}"
        if hour < 12
        else "Good afternoon, {name}"
        if hour < 18
        else "Good evening, {name}"
    )
    return str(text(message, name=name))


def visits(context: Context, days: list[tuple[dt.date, int]]) -> TimeChart:
    """Visits a day, and their mean over the seven days before."""
    counts = [count for _, count in days]
    mean = [
        None if i + 1 < WEEK else round(sum(counts[i + 1 - WEEK : i + 1]) / WEEK, 1)
        for i in range(len(counts))
    ]
    return TimeChart(
        context.text("Visits a day"),
        [day.isoformat() for day, _ in days],
        [
            Series(context.text("Visits"), counts, kind="bar", colour="brand-2"),
            Series(context.text("Mean of 7 days"), mean, symbols=False),
        ],
    )
