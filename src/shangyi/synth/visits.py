"""When a resident is seen, where and why: the plan of ten years, before anything is written down."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any

from shangyi.synth import chance
from shangyi.synth.body import Body
from shangyi.synth.calendar import seen_on
from shangyi.synth.conditions import YEAR, Course
from shangyi.synth.population import Person
from shangyi.synth.tables import table

MONTH = YEAR / 12


@dataclass
class Visit:
    """One encounter to come. ``rank``: lower goes first where two meet; ``days``: nights as an inpatient."""

    day: int
    level: str
    type: tuple[str, str]
    rank: int = 5
    days: int = 0
    emergency: bool = False
    complaint: str = ""
    department: str = ""
    observations: list[str] = field(default_factory=list)
    diagnoses: list[Course] = field(default_factory=list)
    follows: list[Course] = field(default_factory=list)
    illness: Mapping[str, Any] | None = None
    reason: tuple[str, str, str] | None = None
    drugs: list[str] = field(default_factory=list)
    report: str | None = None


OUTPATIENT = ("outpatient", "门诊")
INPATIENT = ("inpatient", "住院")
FOLLOW_UP = ("follow-up", "慢性病随访")


@dataclass(frozen=True)
class Span:
    """The resident's days within the ten years."""

    first: int
    last: int


def _diagnoses(random: Random, courses: Sequence[Course], span: Span) -> Iterator[Visit]:
    for course in courses:
        if course.diagnosed is None or course.diagnosed < span.first:
            continue
        data = course.data["diagnosis"]
        emergency = data.get("emergency", False)
        day = seen_on(random, course.diagnosed, "emergency" if emergency else "hospital", span.last)
        day = max(day, course.onset)
        course.diagnose(day)
        days = min(data.get("inpatient_days", 0), span.last - day)
        yield Visit(
            day,
            data["level"],
            INPATIENT if days else OUTPATIENT,
            rank=0,
            days=days,
            emergency=emergency,
            complaint=chance.pick(random, data["complaint"]),
            observations=list(data["observations"]),
            diagnoses=[course],
        )


def _follow_ups(random: Random, courses: Sequence[Course], span: Span) -> Iterator[Visit]:
    """Conditions with the same rhythm are seen together: the phase belongs to the resident."""
    planned: dict[tuple[int, str], Visit] = {}
    draws: dict[int, tuple[float, int]] = {}
    phase = random.randrange(91)
    for course in courses:
        if course.diagnosed is None:
            continue
        data = course.data["follow_up"]
        every, start = data["every_days"], course.diagnosed + 20
        end = min(span.last, course.diagnosed + data.get("until_days", 100_000))
        due = span.first - span.first % every + phase % every
        for number, at in enumerate(range(due, end, every)):
            if at < max(start, span.first):
                continue
            attends, day = draws.setdefault(at, (random.random(), seen_on(random, at, "clinic", span.last)))
            if attends > data["attendance"] or day < start:
                continue
            visit = planned.setdefault((day, data["level"]), Visit(day, data["level"], FOLLOW_UP, rank=4))
            visit.follows.append(course)
            visit.complaint = visit.complaint or data["zh"]
            wanted = data["observations"] + (data.get("yearly", []) if number * every % 365 < every else [])
            visit.observations += [id for id in wanted if id not in visit.observations]
    yield from planned.values()


def _acute(random: Random, person: Person, span: Span) -> Iterator[Visit]:
    data = table("acute")
    low = data["spring_disruption"]
    quiet = (low["from"].toordinal(), low["until"].toordinal())
    for illness in data["illnesses"]:
        rates = illness["rate"][person.sex] if isinstance(illness["rate"], dict) else illness["rate"]
        bands = [*illness["age"], 130]
        season = data["seasons"][illness["season"]]
        for index, rate in enumerate(rates):
            start = max(span.first, person.birth + int(bands[index] * YEAR) + 1)
            end = min(span.last, person.birth + int(bands[index + 1] * YEAR))
            if end <= start:
                continue
            for _ in range(
                chance.poisson(random, rate * max(season) * 12 / sum(season) * (end - start) / YEAR)
            ):
                day = random.randint(start, end)
                keep = season[date.fromordinal(day).month - 1] / max(season)
                if quiet[0] <= day <= quiet[1]:
                    keep *= low["factor"]
                if random.random() < keep:
                    yield _ill(random, illness, day, span)


def _ill(random: Random, illness: Mapping[str, Any], day: int, span: Span) -> Visit:
    level = chance.pick(random, list(illness["level"]), list(illness["level"].values()))
    stays = illness.get("inpatient_days")
    kind = "emergency" if stays else "clinic" if level == "village" else "hospital"
    day = seen_on(random, day, kind, span.last)
    days = min(random.randint(*stays), span.last - day) if stays else 0
    return Visit(
        day,
        level,
        INPATIENT if days else OUTPATIENT,
        rank=3 if days else 6,
        days=days,
        complaint=chance.pick(random, illness["complaint"]),
        observations=list(illness["observations"]),
        illness=illness,
    )


def _by_age(
    random: Random, entry: Any, person: Person, courses: Sequence[Course], span: Span
) -> Iterator[Visit]:
    keen = random.gauss(0, 0.12)  # some always come, some never
    for year in range(date.fromordinal(span.first).year, date.fromordinal(span.last).year + 1):
        first, last = entry["months"]
        at = date(year, first, 1).toordinal() + random.randrange(int((last - first) * MONTH))
        age = person.age_on(at)
        if not (span.first <= at <= span.last and entry["from_years"] <= age < entry["to_years"] + 1):
            continue
        if year % entry["every_years"]:
            continue
        unaware = any(c.data["measures"] and c.onset <= at and not c.known(at) for c in courses)
        share = entry["unaware_attendance"] if unaware else entry["attendance"] + keen
        if random.random() < share:
            yield _programme(
                entry, seen_on(random, at, "routine", span.last), list(entry["observations"]), []
            )


def _programme(entry: Any, day: int, observations: list[str], drugs: list[str]) -> Visit:
    code, display = entry["type"]
    return Visit(
        day,
        entry["level"],
        (code, display),
        rank=2,
        complaint=display,
        department=entry["department"],
        observations=observations,
        reason=tuple(entry["reason"]) if "reason" in entry else None,
        report=entry.get("report"),
        drugs=drugs,
    )


def _after_birth(random: Random, entry: Any, person: Person, span: Span) -> Iterator[Visit]:
    for months in entry["months_after"]:
        at = person.birth + int(months * MONTH) + random.randint(0, 9)
        if span.first <= at < span.last - 6 and random.random() < entry["attendance"]:
            wanted = [*entry["observations"], *entry["also"].get(months, [])]
            day = seen_on(random, at, "routine", span.last)
            yield _programme(entry, day, wanted, list(entry["drugs"].get(months, [])))


def _childbirths(random: Random, person: Person, span: Span) -> Iterator[Visit]:
    data = table("programmes")
    entry = next(p for p in data["programmes"] if p["anchor"] == "childbirth")
    for child in person.children:
        for weeks in entry["weeks_before"]:
            at = child.birth - weeks * 7 - random.randint(0, 3)
            if (
                span.first <= at < child.birth - 2
                and at <= span.last
                and random.random() < entry["attendance"]
            ):
                wanted = [*entry["observations"], *entry["also"].get(weeks, [])]
                day = seen_on(random, at, "routine", min(span.last, child.birth - 1))
                yield _programme(entry, day, wanted, list(entry["drugs"].get(weeks, [])))
        if span.first <= child.birth <= span.last:
            yield _delivery(random, data["delivery"], child.birth, span)
        after = data["postnatal"]
        at = child.birth + after["days_after"]
        if span.first <= at <= span.last and random.random() < after["attendance"]:
            yield _programme(
                after, seen_on(random, at, "routine", span.last), list(after["observations"]), []
            )


def _delivery(random: Random, data: Any, day: int, span: Span) -> Visit:
    operated = random.random() < data["caesarean"]["share"]
    reason = data["caesarean"]["reason"] if operated else data["reason"]
    visit = _programme(data | {"reason": reason}, day, list(data["observations"]), [])
    visit.rank, visit.days, visit.emergency = 0, min(data["days"][reason[0]], span.last - day), True
    return visit


def pregnancies(person: Person) -> list[tuple[int, int]]:
    """First and last day of each pregnancy: those of the children who live with her."""
    length = table("programmes")["pregnancy_days"]
    return [(child.birth - length, child.birth) for child in person.children]


def plan(random: Random, person: Person, body: Body, first: int, until: int) -> list[Visit]:
    """Every visit of the ten years in order, no two on one day and none during a stay."""
    span = Span(max(first, person.birth), person.end(until))
    visits = list(_diagnoses(random, body.courses, span))
    visits += _childbirths(random, person, span)
    for entry in table("programmes")["programmes"]:
        if entry["anchor"] == "age":
            visits += _by_age(random, entry, person, body.courses, span)
        elif entry["anchor"] == "birth":
            visits += _after_birth(random, entry, person, span)
    visits += _follow_ups(random, body.courses, span)
    visits += _acute(random, person, span)
    return _without_clashes(visits, span)


def _without_clashes(visits: list[Visit], span: Span) -> list[Visit]:
    taken: set[int] = set()
    kept = []
    for visit in sorted(visits, key=lambda v: (v.rank, v.day)):
        days = range(visit.day, visit.day + visit.days + 1)
        if visit.rank and taken.intersection(days):
            continue
        if span.first <= visit.day <= span.last:
            taken.update(days)
            kept.append(visit)
    return sorted(kept, key=lambda v: (v.day, v.rank))
