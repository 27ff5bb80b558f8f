"""The last illness of those who die on record: what they are brought in with, and that they die of it."""

from collections.abc import Iterator, Sequence
from random import Random

from shangyi.synth import chance
from shangyi.synth.conditions import Course
from shangyi.synth.population import Person
from shangyi.synth.tables import table
from shangyi.synth.visits import INPATIENT, OUTPATIENT, Span, Visit, charges


def last_days(random: Random, person: Person, courses: Sequence[Course], span: Span) -> Iterator[Visit]:
    """The stay in which ``person`` dies, for those who do not die at home."""
    data = table("endings")
    if person.death is None or person.death != span.last:
        return
    age = person.age_on(person.death)
    known = {course.id for course in courses if course.known(person.death)}
    causes = [
        cause
        for cause in data["causes"]
        if cause["age"][0] <= age < cause["age"][1] and (not cause.get("of") or known & set(cause["of"]))
    ]
    if not causes or random.random() >= data["in_hospital"]:
        return
    cause = chance.pick(random, causes, [c["weight"][person.sex] for c in causes])
    days = min(random.randint(*cause["days"]), person.death - span.first)
    yield Visit(
        person.death - days,
        "hospital",
        INPATIENT if days else OUTPATIENT,
        rank=0,
        days=days,
        emergency=True,
        complaint=chance.pick(random, cause["complaint"]),
        department=cause["department"],
        observations=list(cause["observations"]),
        illness=cause,
        bump=cause["bump"],
        charges=charges(cause),
        died=True,
    )
