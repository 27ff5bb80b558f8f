"""Blood pressure with its target, the medicines that began, and home readings; other values as small trends."""

import datetime as dt
from collections.abc import Sequence
from functools import cache
from importlib import resources as files
from typing import Any

import msgspec

from shangyi.care.standing.rules import Limit, rule
from shangyi.care.standing.spans import months_after
from shangyi.web import formats
from shangyi.web.components.chart import Mark, Series, TimeChart
from shangyi.web.components.tag import Tag
from shangyi.web.components.trend import Trend
from shangyi.web.resident.observations import Point, state
from shangyi.web.resident.reading import codes, when
from shangyi.web.wording import concept

Resource = dict[str, Any]
WINDOWS = {"3m": 92, "1y": 366, "10y": 3660}
ENOUGH = 4
"""A chart with fewer points tells no course; a longer window is then opened first."""
TRENDS = 9


@cache
def definition() -> dict[str, Any]:
    """``data/measurements.yaml``."""
    body = files.files("shangyi.web").joinpath("data", "measurements.yaml").read_bytes()
    return msgspec.yaml.decode(body, type=dict[str, Any])


def limit_of(rule_id: str, born: dt.date | None, today: dt.date) -> Limit | None:
    """The limit of a rule's latest measurement at the resident's age."""
    found = rule(rule_id)
    if found is None or found.latest is None:
        return None
    reached = [
        limit
        for limit in found.latest.limits
        if not limit.from_years or (born and months_after(born, 12 * limit.from_years) <= today)
    ]
    return reached[-1]


def window_of(asked: str, series: dict[str, list[Point]], today: dt.date) -> str:
    """As asked; else the shortest window with enough readings to see a course."""
    if asked in WINDOWS:
        return asked
    readings = series.get(definition()["pressure"]["codes"][0], [])
    for name, days in WINDOWS.items():
        since = (today - dt.timedelta(days=days)).isoformat()
        if name != "3m" and sum(point.date >= since for point in readings) >= ENOUGH:
            return name
    return "10y"


def pressure(
    series: dict[str, list[Point]],
    orders: Sequence[Resource],
    born: dt.date | None,
    window: str,
    today: dt.date,
    text: Any,
    language: str,
) -> TimeChart | None:
    """Systolic and diastolic in the window; None where nothing was measured in it."""
    since = today - dt.timedelta(days=WINDOWS[window])
    high, low = definition()["pressure"]["codes"]
    systolic = [p for p in series.get(high, ()) if p.date[:10] >= since.isoformat()]
    if not systolic:
        return None
    diastolic = {p.date: p for p in series.get(low, ())}
    limit = limit_of(definition()["pressure"]["target"], born, today)
    band = (limit.below[low], limit.below[high]) if limit else None
    return TimeChart(
        label=text("Blood pressure"),
        x=[p.date[:10] for p in systolic],
        series=[
            Series(
                text("Systolic"),
                [float(p.value) for p in systolic],
                hollow=tuple(i for i, p in enumerate(systolic) if at_home(p.resource)),
            ),
            Series(
                text("Diastolic"),
                [float(diastolic[p.date].value) if p.date in diastolic else None for p in systolic],
                colour="brand-2",
                symbols=False,
            ),
        ],
        unit="mmHg",
        band=band,
        marks=starts(orders, since, language),
        hrefs=[f"/records/Observation/{p.resource['id']}" for p in systolic],
        legend=False,
        from_=since.isoformat(),
        until=today.isoformat(),
    )


def at_home(observation: Resource) -> bool:
    """Whether the resident, somebody of the family or a device at home measured it."""
    performers = [p.get("reference", "") for p in observation.get("performer", ())]
    return any(p.startswith(("Patient/", "RelatedPerson/")) for p in performers) or "device" in observation


def starts(orders: Sequence[Resource], since: dt.date, language: str) -> list[Mark]:
    """When each medicine against high blood pressure was ordered for the first time, from ``since`` on."""
    found = rule(definition()["pressure"]["medicines"])
    if found is None or found.order is None:
        return []
    first: dict[str, tuple[str, str]] = {}
    for order in sorted(orders, key=when):
        medicine = order.get("medicationCodeableConcept")
        for code in codes(medicine, found.order.system):
            if code.startswith(found.order.prefixes) and when(order):
                first.setdefault(code, (when(order)[:10], concept(medicine, language)))
    return [Mark(x, label) for x, label in sorted(first.values()) if x >= since.isoformat()]


def age_years(born: dt.date | None, today: dt.date) -> int | None:
    """Completed years."""
    if born is None:
        return None
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def chosen(series: dict[str, list[Point]], born: dt.date | None, today: dt.date) -> list[str]:
    """Which codes are shown, in their order: what the data file puts first, then what was measured most often."""
    rules = definition()
    years = age_years(born, today)
    growing = years is not None and years < rules["child"]["under_years"]
    first = rules["child"]["codes"] if growing else [item["code"] for item in rules["order"]]
    hidden = {*rules["own_chart"], *rules["momentary"]}
    rest = sorted((c for c in series if c not in first and c not in hidden), key=lambda c: -len(series[c]))
    return [code for code in [*first, *rest] if series.get(code) and code not in hidden][:TRENDS]


def trends(
    series: dict[str, list[Point]],
    holding: set[str],
    resident: str,
    born: dt.date | None,
    today: dt.date,
    text: Any,
    language: str,
) -> list[Trend]:
    """The small trends; ``holding``: the states that hold today, for targets."""
    return [
        trend(code, series[code], holding, resident, born, today, text, language)
        for code in chosen(series, born, today)
    ]


def trend(
    code: str,
    series: Sequence[Point],
    holding: set[str],
    resident: str,
    born: dt.date | None,
    today: dt.date,
    text: Any,
    language: str,
) -> Trend:
    """One value: the latest, its state, its reference range, its course (same unit only)."""
    last = series[-1]
    same = [point for point in series if point.unit == last.unit]
    return Trend(
        label=name_of(last, code, language),
        value=formats.number(last.value),
        unit=last.unit,
        points=[(float(formats.parse(p.date).toordinal()), float(p.value)) for p in same],
        state=target(code, last, holding, born, today, text) or judged(last, text, language),
        date=formats.day(last.date, language, today),
        href=f"/residents/{resident}/measurements?code={code}",
        range=reference(last, text),
    )


def name_of(point: Point, code: str, language: str) -> str:
    """The words of the observation, or of its component, that a point came from."""
    for part in (point.resource, *point.resource.get("component", ())):
        if code in codes(part.get("code")):
            return concept(part["code"], language)
    return code


def target(
    code: str, last: Point, holding: set[str], born: dt.date | None, today: dt.date, text: Any
) -> Tag | None:
    """Above or at the target of a rule, for those whom the rule is about."""
    for item in definition()["order"]:
        if item["code"] == code and item.get("within") in holding:
            limit = limit_of(item["target"], born, today)
            if limit is not None and code in limit.below:
                edge = f"{limit.below[code]:g}"
                above = float(last.value) >= limit.below[code]
                words = text("Above target {limit}", limit=edge) if above else text("At target")
                return Tag(words, "grade-2" if above else "good")
    return None


def judged(point: Point, text: Any, language: str) -> Tag | None:
    """As the laboratory judged it."""
    return state(point.resource, language, lambda message, _: text(message))


def reference(point: Point, text: Any) -> str:
    """The reference range in words."""
    low, high = point.low, point.high
    if low is not None and high is not None:
        return str(text("reference {range}", range=f"{low}–{high}"))
    if high is not None:
        return str(text("reference {range}", range=f"≤{high}"))
    return str(text("reference {range}", range=f"≥{low}")) if low is not None else ""


def chart(code: str, series: Sequence[Point], resident: str, language: str) -> TimeChart:
    """All values of one code over time, the reference range behind them."""
    last = series[-1]
    same = [point for point in series if point.unit == last.unit]
    band = None
    if last.low is not None or last.high is not None:
        band = (
            None if last.low is None else float(last.low),
            None if last.high is None else float(last.high),
        )
    name = name_of(last, code, language)
    return TimeChart(
        label=name,
        x=[point.date[:10] for point in same],
        series=[Series(name, [float(point.value) for point in same])],
        unit=last.unit,
        band=band,
        csv=f"/residents/{resident}/measurements.csv?code={code}",
        hrefs=[f"/records/Observation/{point.resource['id']}" for point in same],
    )
