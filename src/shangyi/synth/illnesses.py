"""Illnesses that pass: how often, in which season, with which complaint, seen where."""

from collections.abc import Iterator, Mapping
from datetime import date
from random import Random
from typing import Any

from shangyi.synth import chance
from shangyi.synth.calendar import seen_on
from shangyi.synth.conditions import YEAR
from shangyi.synth.population import Person
from shangyi.synth.tables import table
from shangyi.synth.visits import INPATIENT, OUTPATIENT, Span, Visit, charges, nearest


def visits(random: Random, person: Person, span: Span) -> Iterator[Visit]:
    """Every passing illness that brought ``person`` to a doctor."""
    data = table("acute")
    low = data["spring_disruption"]
    quiet = range(low["from"].toordinal(), low["until"].toordinal() + 1)
    for illness in data["illnesses"]:
        rates = illness["rate"][person.sex] if isinstance(illness["rate"], dict) else illness["rate"]
        bands = [*illness["age"], 130]
        season = data["seasons"][illness["season"]]
        peak = max(season)
        found: list[Visit] = []
        for index, rate in enumerate(rates):
            start = max(span.first, person.birth + int(bands[index] * YEAR) + 1)
            end = min(span.last, person.birth + int(bands[index + 1] * YEAR))
            if end <= start:
                continue
            expected = rate * data["rate_factor"] * peak * 12 / sum(season) * (end - start) / YEAR
            for _ in range(chance.poisson(random, expected)):
                day = random.randint(start, end)
                keep = season[date.fromordinal(day).month - 1] / peak
                if day in quiet:
                    keep *= low["factor"]
                if random.random() < keep:
                    found.append(_visit(random, illness, person, day, span))
        yield from _of_organs(illness, person, found) if "organs" in illness else found


def _of_organs(illness: Mapping[str, Any], person: Person, found: list[Visit]) -> list[Visit]:
    """The first visits, one for each organ: what has been operated on does not fall ill again."""
    organs = illness["organs"]
    told = organs if isinstance(organs, list) else [""] * organs
    kept = sorted(found, key=lambda visit: visit.day)[: len(told)]
    for number, visit in enumerate(kept):
        visit.complaint = told[(person.birth + number) % len(told)] or visit.complaint
    return kept


def _complaint(random: Random, illness: Mapping[str, Any], age: float) -> tuple[str, Mapping[str, Any]]:
    """What is said at the door and how warm the patient is: ``text: °C`` in the file, null for no fever."""
    said = illness["complaint"]
    if age < table("acute")["speaks_from_years"]:
        said = illness.get("complaint_infant", said)
    text = chance.pick(random, list(said))
    warmth = said[text]
    return text, {} if warmth is None else {"temperature": warmth}


def _visit(random: Random, illness: Mapping[str, Any], person: Person, day: int, span: Span) -> Visit:
    level = nearest(random, illness["level"])
    stays = illness.get("inpatient_days")
    kind = "emergency" if stays else "clinic" if level == "village" else "hospital"
    day = seen_on(random, day, kind, span.last)
    days = min(random.randint(*stays), span.last - day) if stays else 0
    age = person.age_on(day)
    complaint, warmth = _complaint(random, illness, age)
    department = illness.get("department", {}).get(level, "")
    if age < table("acute")["paediatrics_until_years"]:
        department = illness.get("child_department", department)
    return Visit(
        day,
        level,
        INPATIENT if days else OUTPATIENT,
        rank=3 if days else 6,
        days=days,
        complaint=complaint,
        department=department,
        observations=list(illness["observations"]),
        illness=illness,
        bump={**illness.get("bump", {}), **warmth},
        charges=charges(illness),
    )
