"""Long-lasting conditions: who has which, since when, known to a doctor since when, treated, controlled.

Each condition is a file in ``data/conditions``. A resident's liability to it is a weighted sum of shared
factors (``loads``) and chance, standard normal (Falconer 1965), so that conditions come together as they do
in people while the prevalence of each at any age is exactly the file's.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

from shangyi.synth import chance
from shangyi.synth.control import Control, constant, lapsing
from shangyi.synth.population import Person
from shangyi.synth.tables import by_age, folder, line, step, table

FACTORS = ("metabolic", "smoking")
RAMP_YEARS = 4.0
YEAR = 365.2425
HISTORY_DAYS = 90


@dataclass
class Course:
    """One condition of one resident. Days are ordinals; ``place`` is where in each state's spread they are (sd)."""

    id: str
    data: Mapping[str, Any]
    onset: int
    place: float
    diagnosed: int | None = None
    treated: int | None = None
    control: Control = field(default_factory=Control)
    steps: list[tuple[Mapping[str, Any], int]] = field(default_factory=list)
    waits: list[tuple[Mapping[str, Any], int]] = field(default_factory=list)
    treatable: bool = False

    @property
    def told_onset(self) -> int:
        """The onset that the patient tells of: within the last months before the diagnosis, not the hidden one."""
        assert self.diagnosed is not None
        days: int = self.data.get("history_days", HISTORY_DAYS)
        return max(self.onset, self.diagnosed - (self.onset % days))

    def diagnose(self, day: int) -> None:
        """A doctor finds it on ``day``, and begins to treat it where it will be treated."""
        self.diagnosed = day
        if self.treatable:
            self.treated = day
            self.steps = [(entry, day + wait) for entry, wait in self.waits]

    def controlled(self, day: int) -> bool:
        """Whether treatment holds the values at target on ``day``."""
        return self.treated is not None and self.treated <= day and self.control.held(day)

    def known(self, day: int) -> bool:
        """Whether a doctor has diagnosed it by ``day``."""
        return self.diagnosed is not None and self.diagnosed <= day


@cache
def definitions() -> dict[str, Any]:
    """The files in the order in which they are drawn."""
    files = folder("conditions")
    return dict(sorted(files.items(), key=lambda item: (item[1]["order"], item[0])))


def prevalence(data: Mapping[str, Any], sex: str, age: float) -> float:
    """The share of people of this age who have the condition."""
    curve = data["prevalence"]
    ages = curve["age"]
    if age <= ages[0]:
        return 0.0
    value = line(ages, curve[sex], age)
    return float(value * min(1.0, (age - ages[0]) / RAMP_YEARS))


def _onset_age(data: Mapping[str, Any], sex: str, until_age: float, rank: float) -> float | None:
    """The age at which prevalence reaches ``rank``, the resident's place among all; None if not by then."""
    if prevalence(data, sex, until_age) <= rank:
        return None
    low, high = 0.0, until_age
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (low, middle) if prevalence(data, sex, middle) > rank else (middle, high)
    return high


def factors(random: Random) -> dict[str, float]:
    """What several conditions share, standard normal each."""
    return {name: random.gauss(0, 1) for name in FACTORS}


def smoking_status(person: Person, shared: Mapping[str, float]) -> str:
    """``current``, ``former`` or ``never`` by the survey's prevalence."""
    curve = table("smoking")
    rank = 1 - chance.normal_cdf(shared["smoking"])
    current = by_age(curve["current"], person.sex, person.age)
    if rank < current:
        return "current"
    return "former" if rank < current + by_age(curve["former"], person.sex, person.age) else "never"


def _share(entry: Mapping[str, Any], controlled: bool) -> float:
    share = entry["share"]
    return float(share["controlled" if controlled else "treated"] if isinstance(share, dict) else share)


def _course(random: Random, id: str, data: Mapping[str, Any], person: Person, onset: int, end: int) -> Course:
    course = Course(id, data, onset, random.gauss(0, 0.8))
    aware, treat = random.random(), random.random()
    lag = random.expovariate(1 / (data["lag_years"] * YEAR + 1))
    course.treatable = treat < data.get("treated_alone", data["treated"])
    controlled = data["controlled"]
    course.control = (
        lapsing(random, controlled, onset, end) if data.get("lapses") else constant(random, controlled)
    )
    for entry in data["steps"]:
        taken = random.random() < _share(entry, course.control.held(end))
        wait = random.uniform(*entry.get("after_days", (0, 0)))
        if taken:
            course.waits.append((entry, int(wait)))
    earliest = max(onset, person.birth + int(data.get("diagnosed_from_age", 0) * YEAR))
    share = data.get("aware_alone", data["aware"])
    if "aware_by_age" in data:
        share *= step(data["aware_by_age"]["age"], data["aware_by_age"]["factor"], person.age_on(end))
    if aware < share and earliest <= end:
        late = max(onset + int(lag), earliest)
        course.diagnose(late if late <= end else random.randint(earliest, end))
    return course


def _find(random: Random, courses: list[Course], person: Person, end: int) -> None:
    """Whoever is under a doctor's care for one condition is soon told of another that the same visits show."""
    by_id = {course.id: course for course in courses}
    for _ in range(2):
        for course in courses:
            wait = int(random.uniform(60, 400))
            others = [by_id[id] for id in course.data.get("found_by", ()) if id in by_id]
            earliest = max(course.onset, person.birth + int(course.data.get("diagnosed_from_age", 0) * YEAR))
            days = [max(o.diagnosed, earliest) + wait for o in others if o.diagnosed is not None]
            if days and min(days) <= end and (course.diagnosed is None or min(days) < course.diagnosed):
                course.diagnose(min(days))


def _treat_together(courses: list[Course]) -> None:
    """Whoever is treated for a condition of ``treated_with`` is treated for this one as well."""
    by_id = {course.id: course for course in courses}
    for course in courses:
        others = [by_id[id] for id in course.data.get("treated_with", ()) if id in by_id]
        if course.diagnosed is not None and any(other.treated is not None for other in others):
            course.treatable = True
            course.diagnose(course.diagnosed)


def courses(random: Random, person: Person, shared: Mapping[str, float], until: int) -> list[Course]:
    """Every condition of ``person`` by the end of their record, known or not."""
    end = person.end(until)
    found = []
    for id, data in definitions().items():
        loads = data["loads"]
        own = math.sqrt(1 - sum(load * load for load in loads.values()))
        liability = sum(shared[name] * load for name, load in loads.items()) + own * random.gauss(0, 1)
        age = _onset_age(data, person.sex, person.age_on(end), 1 - chance.normal_cdf(liability))
        if age is not None:
            onset = min(person.birth + int(age * YEAR) + 1, end)
            found.append(_course(random, id, data, person, onset, end))
    _find(random, found, person, end)
    _treat_together(found)
    return found
