"""When a resident is seen, where and why: the plan of ten years, before anything is written down."""

from collections.abc import Iterator, Sequence
from random import Random

from shangyi.synth import chance, endings, followups, illnesses, programmes
from shangyi.synth.body import Body
from shangyi.synth.calendar import seen_on
from shangyi.synth.conditions import Course
from shangyi.synth.population import Person
from shangyi.synth.visits import INPATIENT, OUTPATIENT, Span, Visit, charges, without_clashes


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
            department=data.get("department", ""),
            observations=list(data["observations"]),
            diagnoses=[course],
            bump=data.get("shows", {}),
            charges=charges(data),
        )


def plan(random: Random, person: Person, body: Body, first: int, until: int) -> list[Visit]:
    """Every visit of the ten years in order, no two on one day and none during a stay."""
    span = Span(max(first, person.birth), person.end(until))
    visits = list(_diagnoses(random, body.courses, span))
    visits += endings.last_days(random, person, body.courses, span)
    visits += programmes.visits(random, person, body, span)
    visits += followups.visits(random, body, span)
    visits += followups.admissions(random, body.courses, span)
    visits += illnesses.visits(random, person, span)
    return without_clashes(visits, span)
