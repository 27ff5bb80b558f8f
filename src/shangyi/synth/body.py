"""What would be measured in a resident on a day: a place of their own, drift, disease, treatment, chance."""

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from shangyi.synth.conditions import Course
from shangyi.synth.population import Person
from shangyi.synth.tables import line, table

ADULT = 18
RESPONSE_DAYS = 45.0
FRIEDEWALD = 2.2
"""Triglycerides (mmol/L) over this are the cholesterol in VLDL (Friedewald 1972, in mmol/L)."""


def ckd_epi(creatinine_umol_l: float, age: float, sex: str) -> float:
    """eGFR, mL/min/1.73 m² (CKD-EPI 2021, Inker LA, N Engl J Med 2021;385:1737)."""
    kappa, alpha, factor = (0.7, -0.241, 1.012) if sex == "female" else (0.9, -0.302, 1.0)
    ratio = creatinine_umol_l / 88.4 / kappa
    return float(142 * min(ratio, 1) ** alpha * max(ratio, 1) ** -1.2 * 0.9938**age * factor)


class Body:
    """The measurable side of one resident. ``pregnancies``: (first day, last day) of each."""

    def __init__(
        self,
        random: Random,
        person: Person,
        shared: Mapping[str, float],
        courses: Sequence[Course],
        pregnancies: Sequence[tuple[int, int]],
    ) -> None:
        self.random, self.person, self.courses, self.pregnancies = random, person, courses, pregnancies
        self.places: dict[str, float] = {}
        for id, data in table("observations").items():
            if "loinc" in data:
                load = data.get("load", 0.0)
                chance = max(-2.3, min(2.3, random.gauss(0, 1)))
                self.places[id] = load * shared["metabolic"] + math.sqrt(1 - load * load) * chance

    def pregnant(self, day: int) -> bool:
        """Whether ``day`` lies in a pregnancy."""
        return any(first <= day <= last for first, last in self.pregnancies)

    def measurable(self, id: str, day: int) -> bool:
        """Whether this is measured at that age: most laboratory values have no reference in children here."""
        data = table("observations")[id]
        small = self.person.age_on(day) < ADULT
        return not small or "growth" in data or "child" in data or bool(data.get("any_age"))

    def _own(self, id: str, data: Any, day: int) -> float:
        """The resident's own level without disease."""
        age, sex, place = self.person.age_on(day), self.person.sex, self.places[id]
        if age < ADULT and "growth" in data:
            growth = table("observations")["growth"]
            curve = growth[data["growth"]]
            return float(line(growth["age"], curve[sex], age) * (1 + curve["sd"] * place))
        if age < ADULT and "child" in data:
            return float(line(data["child"]["age"], data["child"]["mean"], age) + data["sd"] * place * 0.6)
        grown = max(0.0, (self.person.age if "growth" in data else age) - ADULT)
        value = data["mean"][sex] + data["sd"] * place + data.get("slope", {}).get(sex, 0.0) * grown / 10
        return min(value, data["cap"] - abs(place)) if "cap" in data and value > data["cap"] else float(value)

    def _diseased(self, course: Course, states: Any, day: int) -> float:
        def level(state: str) -> float:
            mean, sd = states[state]
            return float(mean + sd * course.place)

        if not course.known(day):
            return level("undiagnosed")
        before = level("untreated")
        if course.treated is None or course.treated > day:
            return before
        after = level("controlled" if course.controlled else "treated")
        return after + (before - after) * math.exp(-(day - course.treated) / RESPONSE_DAYS)

    def level(self, id: str, day: int) -> float:
        """The level on ``day`` without the chance of a single visit."""
        data = table("observations")[id]
        if data.get("derived") == "egfr":
            return ckd_epi(self.level("creatinine", day), self.person.age_on(day), self.person.sex)
        own = self._own(id, data, day)
        value = own
        for course in self.courses:
            states = course.data["measures"].get(id)
            if states and course.onset <= day:
                candidate = self._diseased(course, states, day)
                if abs(candidate - own) > abs(value - own) or value == own:
                    value = candidate
        return value

    def measure(self, id: str, day: int, seen: dict[str, float], bump: Mapping[str, Any]) -> float:
        """What one visit finds; ``seen`` keeps what it has found so far, so that values of a visit agree."""
        if id in seen:
            return seen[id]
        data = table("observations")[id]
        if id in bump:
            value = self.random.gauss(*bump[id])
        elif data.get("derived") == "weight" and self.person.age_on(day) >= ADULT:
            height = self.measure("height", day, seen, bump) / 100
            value = self.measure("bmi", day, seen, bump) * height * height + self._gain(day)
        elif data.get("derived") == "weight":
            value = self._own(id, data, day)
        elif data.get("derived") == "egfr":
            creatinine = self.measure("creatinine", day, seen, bump)
            value = ckd_epi(creatinine, self.person.age_on(day), self.person.sex)
        elif data.get("derived") == "friedewald":
            parts = [self.measure(part, day, seen, bump) for part in ("ldl", "hdl", "tg")]
            value = parts[0] + parts[1] + parts[2] / FRIEDEWALD
        else:
            value = self.level(id, day) + self.random.gauss(0, data["noise"])
        low, high = data["clamp"]
        seen[id] = float(min(max(value, low), high))
        return seen[id]

    def _gain(self, day: int) -> float:
        gain: float = table("programmes")["pregnancy_weight_gain_kg"]
        return sum(gain * (day - a) / (b - a) for a, b in self.pregnancies if a <= day <= b)
