"""Follow-up of long-lasting conditions: all that are due are seen at one visit, once a quarter or more seldom."""

from collections.abc import Iterator, Sequence
from random import Random

from shangyi.synth import chance
from shangyi.synth.body import Body
from shangyi.synth.calendar import seen_on
from shangyi.synth.conditions import Course
from shangyi.synth.tables import table
from shangyi.synth.visits import FOLLOW_UP, INPATIENT, LEVELS, Span, Visit, charges

SETTLE_DAYS = 20
"""Nobody is called back sooner after a diagnosis."""


def _due(courses: Sequence[Course], quarter: int, at: int) -> list[Course]:
    """Whose turn it is in this quarter. ``quarters`` in a file: every how many a condition is followed."""
    due = []
    for course in courses:
        if course.diagnosed is None or at < course.diagnosed + SETTLE_DAYS:
            continue
        data = course.data["follow_up"]
        if quarter % data["quarters"] == 0 and at <= course.diagnosed + data.get("until_days", 100_000):
            due.append(course)
    return due


def _attendance(course: Course, day: int) -> float:
    """The share of follow-ups kept; who takes nothing for a condition has less to come for."""
    data = course.data["follow_up"]
    takes = course.treated is not None and course.treated <= day
    return float(data["attendance"] if takes else data.get("untreated", data["attendance"]))


def _visit(random: Random, day: int, follows: list[Course], yearly: bool) -> Visit:
    level = max((course.data["follow_up"]["level"] for course in follows), key=LEVELS.index)
    if yearly and level == "village":
        level = "township"  # a village clinic has no laboratory
    names = "、".join(course.data["follow_up"]["zh"] for course in follows)
    takes = any(course.treated is not None and course.steps for course in follows)
    ends = table("words")["follow_up"]["treated" if takes else "untreated"]
    visit = Visit(
        day, level, FOLLOW_UP, rank=4, complaint=names + chance.pick(random, list(ends), list(ends.values()))
    )
    for course in sorted(follows, key=lambda c: LEVELS.index(c.data["follow_up"]["level"])):
        visit.department = course.data["diagnosis"].get("department", "") or visit.department
    visit.follows = follows
    for course in follows:
        data = course.data["follow_up"]
        visit.measure(data["observations"])
        visit.measure(data.get("yearly", []) if yearly else [])
    return visit


def visits(random: Random, body: Body, span: Span) -> Iterator[Visit]:
    """Follow-ups, each attended or missed; who lives with a condition that is never followed has none."""
    if not any(course.diagnosed is not None for course in body.courses):
        return
    rhythm = table("calendar")["follow_up"]
    phase, first_quarter = random.randrange(rhythm["quarter_days"]), random.randrange(4)
    for number, at in enumerate(range(span.first + phase, span.last, rhythm["quarter_days"])):
        wanted = at + random.randint(-rhythm["early_days"], rhythm["late_days"])
        attends, day = random.random(), seen_on(random, max(wanted, span.first), "clinic", span.last)
        due = _due(body.courses, number + first_quarter, day)
        follows = [c for c in due if attends < _attendance(c, day)]
        if follows:
            yield _visit(random, day, follows, (number + first_quarter) % 4 == 0)


def admissions(random: Random, courses: Sequence[Course], span: Span) -> Iterator[Visit]:
    """Planned stays after a diagnosis, such as the cycles of a chemotherapy."""
    for course in courses:
        data = course.data.get("admissions")
        if data is None or course.diagnosed is None or random.random() >= data["share"]:
            continue
        first = course.diagnosed + data["first_after_days"] + random.randint(0, 10)
        for number in range(random.randint(*data["times"])):
            day = seen_on(random, first + number * data["every_days"], "routine", span.last)
            if day not in span or day + data["nights"] > span.last:
                continue
            visit = Visit(day, data["level"], INPATIENT, rank=1, days=data["nights"], follows=[course])
            visit.complaint, visit.department = data["complaint"].format(n=number + 1), data["department"]
            visit.bump, visit.charges = data["bump"], charges(data)
            visit.measure(data["observations"])
            yield visit
