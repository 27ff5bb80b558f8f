"""What comes round by the calendar: examinations, child health, antenatal care, birth, the weeks after."""

from collections.abc import Iterator, Sequence
from datetime import date
from random import Random
from typing import Any

from shangyi.synth.body import Body
from shangyi.synth.calendar import seen_on
from shangyi.synth.conditions import Course
from shangyi.synth.population import Person
from shangyi.synth.tables import table
from shangyi.synth.visits import MONTH, Span, Visit, charges

PREGNANCY_WEEKS = 40


def visits(random: Random, person: Person, body: Body, span: Span) -> Iterator[Visit]:
    """Every visit of every programme that ``person`` falls under."""
    for entry in table("programmes")["programmes"]:
        if entry["anchor"] == "age":
            yield from _by_age(random, entry, person, body.courses, span)
        elif entry["anchor"] == "birth":
            yield from _after_birth(random, entry, person, span)
        elif person.children or person.due:
            yield from _pregnancies(random, entry, person, body, span)


def _visit(entry: Any, day: int, observations: Sequence[str], drugs: Sequence[str] = ()) -> Visit:
    code, display = entry["type"]
    return Visit(
        day,
        entry["level"],
        (code, display),
        rank=2,
        complaint=entry.get("complaint", display),
        department=entry["department"],
        observations=list(observations),
        reason=tuple(entry["reason"]) if "reason" in entry else None,
        report=entry.get("report"),
        drugs=list(drugs),
        charges=charges(entry),
    )


def _by_age(
    random: Random, entry: Any, person: Person, courses: Sequence[Course], span: Span
) -> Iterator[Visit]:
    keen = random.gauss(0, 0.12)  # some always come, some never
    for year in range(date.fromordinal(span.first).year, date.fromordinal(span.last).year + 1):
        first, last = entry["months"]
        at = date(year, first, 1).toordinal() + random.randrange(int((last - first) * MONTH))
        age = person.age_on(at)
        if at not in span or not entry["from_years"] <= age < entry["to_years"] + 1:
            continue
        if year % entry["every_years"]:
            continue
        unaware = any(c.data["measures"] and c.onset <= at and not c.known(at) for c in courses)
        share = entry["unaware_attendance"] if unaware else entry["attendance"] + keen
        if random.random() < share:
            yield _visit(entry, seen_on(random, at, "routine", span.last), entry["observations"])


def _after_birth(random: Random, entry: Any, person: Person, span: Span) -> Iterator[Visit]:
    for months in entry["months_after"]:
        at = person.birth + int(months * MONTH) + random.randint(0, 9)
        if span.first <= at < span.last - 6 and random.random() < entry["attendance"]:
            wanted = [*entry["observations"], *entry["also"].get(months, [])]
            visit = _visit(
                entry, seen_on(random, at, "routine", span.last), wanted, entry["drugs"].get(months, ())
            )
            visit.complaint = entry["says"].format(
                age=f"{months}月龄" if months < 36 else f"{months // 12}岁"
            )
            yield visit


def _pregnancies(random: Random, entry: Any, person: Person, body: Body, span: Span) -> Iterator[Visit]:
    """``entry``: antenatal care. The child's birth, or the day on which it is due."""
    data = table("programmes")
    operated = False
    for born in sorted([child.birth for child in person.children] + ([person.due] if person.due else [])):
        yield from _antenatal(random, entry, born, body, span)
        again = data["delivery"]["caesarean"]["share_again" if operated else "share"]
        operated = random.random() < again
        if born in span:
            yield _delivery(data["delivery"], operated, born, span)
        after = data["postnatal"]
        at = born + after["days_after"]
        if at in span and random.random() < after["attendance"]:
            yield _visit(after, seen_on(random, at, "routine", span.last), after["observations"])


def _antenatal(random: Random, entry: Any, born: int, body: Body, span: Span) -> Iterator[Visit]:
    for weeks in entry["weeks_before"]:
        at = born - weeks * 7 - random.randint(0, 3)
        if at not in span or at >= born - 2 or random.random() >= entry["attendance"]:
            continue
        day = seen_on(random, at, "routine", min(span.last, born - 1))
        wanted = [*entry["observations"], *entry["also"].get(weeks, [])]
        visit = _visit(entry, day, wanted, entry["drugs"].get(weeks, ()))
        visit.complaint = entry["says"].format(weeks=PREGNANCY_WEEKS - round((born - day) / 7))
        if any(
            course.id in entry["high_risk"]["conditions"] and course.known(day) for course in body.courses
        ):
            visit.reason = tuple(entry["high_risk"]["reason"])
        yield visit


def _delivery(data: Any, operated: bool, day: int, span: Span) -> Visit:
    chosen = data | (data["caesarean"] if operated else {})
    visit = _visit(chosen, day, chosen["observations"])
    visit.rank, visit.emergency = 0, True
    visit.days = min(data["days"][chosen["reason"][0]], span.last - day)
    return visit


def pregnancies(person: Person) -> list[tuple[int, int]]:
    """First and last day of each pregnancy: of the children who live with her, and one that goes on."""
    length = table("programmes")["pregnancy_days"]
    ends = [child.birth for child in person.children] + ([person.due] if person.due else [])
    return [(end - length, end) for end in ends]
