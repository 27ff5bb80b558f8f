"""What would be measured in a resident on a day: a place of their own, drift, season, disease, treatment, chance."""

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from shangyi.synth.conditions import YEAR, Course
from shangyi.synth.population import Person
from shangyi.synth.tables import line, table

ADULT = 18
GROWN = 20
RESPONSE_DAYS = 45.0
WORSENING_YEARS = 12.0
"""From the diagnosis; half as fast while controlled."""
FRIEDEWALD = 2.2
"""Triglycerides (mmol/L) over this are the cholesterol in VLDL (Friedewald 1972, in mmol/L)."""
WAVE_DAYS = (420.0, 2200.0)
"""Shortest and longest period of the slow waves that a level drifts in."""
DRIFT = 0.5
"""Weight of the slow waves against the resident's own place, where a data file says nothing else."""
PREGNANT_FULLY_DAYS = 110.0


def ckd_epi(creatinine_umol_l: float, age: float, sex: str) -> float:
    """eGFR, mL/min/1.73 m² (CKD-EPI 2021, Inker LA, N Engl J Med 2021;385:1737)."""
    kappa, alpha, factor = (0.7, -0.241, 1.012) if sex == "female" else (0.9, -0.302, 1.0)
    ratio = creatinine_umol_l / 88.4 / kappa
    return float(142 * min(ratio, 1) ** alpha * max(ratio, 1) ** -1.2 * 0.9938**age * factor)


def _mean(data: Mapping[str, Any], sex: str, age: float) -> float:
    """A mean that is one number a sex, or a curve over age."""
    mean = data["mean"]
    return float(line(mean["age"], mean[sex], age)) if "age" in mean else float(mean[sex])


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
        self.waves: dict[str, list[tuple[float, float]]] = {}
        for id, data in table("observations").items():
            if "loinc" not in data:
                continue
            load = data.get("load", 0.0)
            chance = max(-2.3, min(2.3, random.gauss(0, 1)))
            other, part = data.get("with", ("", 0.0))
            own = load * shared["metabolic"] + part * self.places.get(other, 0.0)
            self.places[id] = own + math.sqrt(1 - load * load - part * part) * chance
            wave = data.get("wave", id)
            if wave not in self.waves:
                self.waves[wave] = [
                    (random.uniform(0, math.tau), math.tau / random.uniform(*WAVE_DAYS)) for _ in range(2)
                ]

    def pregnant(self, day: int) -> int:
        """Days of pregnancy that ``day`` lies in, or 0."""
        return next((day - first + 1 for first, last in self.pregnancies if first <= day <= last), 0)

    def measurable(self, id: str, day: int) -> bool:
        """Whether this is measured now: most laboratory values have no reference in children here."""
        data = table("observations")[id]
        if "gestation" in data:
            return bool(self.pregnant(day))
        small = self.person.age_on(day) < ADULT
        return not small or "growth" in data or "child" in data or bool(data.get("any_age"))

    def _drift(self, id: str, data: Mapping[str, Any], day: int) -> float:
        """Two sines of unequal periods: variance ``drift``²."""
        waves = self.waves[data.get("wave", id)]
        return float(data.get("drift", DRIFT) * sum(math.sin(phase + speed * day) for phase, speed in waves))

    @staticmethod
    def _steady(data: Mapping[str, Any]) -> float:
        """Weight of the own place, so that place and drift together have variance one."""
        return math.sqrt(1 - data.get("drift", DRIFT) ** 2)

    def _season(self, data: Mapping[str, Any], day: int) -> float:
        """Higher in mid-January than in mid-July by twice the file's ``winter``."""
        return (
            float(data.get("winter", 0.0) * math.cos(math.tau * (day % YEAR - 380) / YEAR))
            if "winter" in data
            else 0.0
        )

    def _own(self, id: str, data: Any, day: int) -> float:
        """The resident's own level without disease."""
        age, sex, place = self.person.age_on(day), self.person.sex, self.places[id]
        if age < ADULT and "growth" in data:
            growth = table("observations")["growth"]
            curve = growth[data["growth"]]
            grown = line(growth["age"], curve[sex], age)
            if id == "height":  # as tall as they will be, by the share that is grown at this age
                return float(grown / curve[sex][-1] * (_mean(data, sex, ADULT) + data["sd"] * place))
            return float(grown * (1 + curve["sd"] * place))
        if age < ADULT and "child" in data:
            return float(line(data["child"]["age"], data["child"]["mean"], age) + data["sd"] * place * 0.6)
        years = max(0.0, (self.person.age if "growth" in data else age) - ADULT)
        drift = 0.0 if "growth" in data else self._drift(id, data, day)
        value = _mean(data, sex, age) + data.get("slope", {}).get(sex, 0.0) * years / 10
        value += data["sd"] * ((1.0 if "growth" in data else self._steady(data)) * place + drift)
        return min(value, data["cap"] - abs(place)) if "cap" in data and value > data["cap"] else float(value)

    def _diseased(self, course: Course, id: str, data: Mapping[str, Any], day: int) -> float:
        states = course.data["measures"][id]
        place = self._steady(data) * course.place + self._drift(id, data, day)

        years = (day - course.diagnosed) / YEAR if course.known(day) and course.diagnosed else 0.0
        worse = float(states.get("per_year", 0.0)) * min(years, WORSENING_YEARS)

        def level(state: str) -> float:
            mean, sd = states[state]
            return float(mean + sd * place + worse * (0.5 if state == "controlled" else 1.0))

        if not course.known(day):
            return level("undiagnosed")
        if course.treated is None or course.treated > day:
            return level("untreated")
        held, turn = course.control.held(day), course.control.since(day)
        after = level("controlled" if held else "treated")
        if turn is None or turn <= course.treated:
            return after + (level("untreated") - after) * math.exp(-(day - course.treated) / RESPONSE_DAYS)
        before = level("treated" if held else "controlled")
        return after + (before - after) * math.exp(-(day - turn) / table("control")["response_days"])

    def _pregnancy(self, data: Mapping[str, Any], value: float, days: int) -> float:
        change = data["pregnancy"]
        value += float(change["shift"]) * min(1.0, days / PREGNANT_FULLY_DAYS)
        return min(value, float(change["cap"])) if "cap" in change else value

    def level(self, id: str, day: int) -> float:
        """The level on ``day`` without the chance of a single visit."""
        data = table("observations")[id]
        if data.get("derived") == "egfr":
            return ckd_epi(self.level("creatinine", day), self.person.age_on(day), self.person.sex)
        own, pregnant = self._own(id, data, day), self.pregnant(day)
        best, value = (False, 0.0), own
        for course in self.courses:
            if (
                id not in course.data["measures"]
                or course.onset > day
                or (pregnant and not course.known(day))
            ):
                continue
            candidate = self._diseased(course, id, data, day)
            treated = (
                course.treated is not None and course.treated <= day
            )  # what is treated rules what is not
            if (treated, abs(candidate - own)) > best:
                best, value = (treated, abs(candidate - own)), candidate
        value += self._season(data, day)
        if pregnant and "pregnancy" in data:
            value = self._pregnancy(data, value, pregnant)
        return value

    def _weight(self, data: Any, day: int, seen: dict[str, float], bump: Mapping[str, Any]) -> float:
        age = self.person.age_on(day)
        small = self._own("weight", data, day) if age < ADULT else 0.0
        if age < ADULT - 3:
            return small
        height = self.measure("height", day, seen, bump) / 100
        grown = self.level("bmi", day) * height * height + self.random.gauss(0, data["noise"])
        if age < GROWN and small:  # growing into the adult's weight
            part = (age - (ADULT - 3)) / 3
            grown = small * (1 - part) + grown * part
        return grown + self._gain(day)

    def _gestation(self, data: Any, day: int) -> float:
        weeks = self.pregnant(day) / 7
        curve = data["gestation"]
        return float(line(curve["week"], curve["mean"], weeks) + data["sd"] * self.places["fundal"] * 0.5)

    def _derived(
        self, id: str, data: Any, day: int, seen: dict[str, float], bump: Mapping[str, Any]
    ) -> float:
        kind = data["derived"]
        if kind == "weight":
            return self._weight(data, day, seen, bump)
        if kind == "bmi":
            height = self.measure("height", day, seen, bump) / 100
            return self.measure("weight", day, seen, bump) / (height * height)
        if kind == "egfr":
            creatinine = self.measure("creatinine", day, seen, bump)
            return ckd_epi(creatinine, self.person.age_on(day), self.person.sex)
        ldl, hdl, tg = (self.measure(part, day, seen, bump) for part in ("ldl", "hdl", "tg"))
        return ldl + hdl + tg / FRIEDEWALD

    def measure(self, id: str, day: int, seen: dict[str, float], bump: Mapping[str, Any]) -> float:
        """What one visit finds; ``seen`` keeps what it has found so far, so that values of a visit agree.

        ``bump``: what the reason of the visit makes of values: ``[mean, sd]`` instead of the resident's own level,
        ``{from: low}`` or ``{to: high}`` where a diagnosis needs it.
        """
        if id in seen:
            return seen[id]
        data, change = table("observations")[id], bump.get(id)
        if isinstance(change, list):
            value = self.random.gauss(*change)
        elif "gestation" in data:
            value = self._gestation(data, day) + self.random.gauss(0, data["noise"])
        elif "derived" in data:
            value = self._derived(id, data, day, seen, bump)
        else:
            value = self.level(id, day) + data.get("per_degree", 0.0) * max(
                0.0, seen.get("temperature", 0.0) - 37
            )
            value += self.random.gauss(0, max(data["noise"], data.get("noise_share", 0.0) * value))
        if isinstance(change, dict):
            beyond = abs(self.random.gauss(0, data.get("noise", 1.0)))
            value = (
                max(value, change["from"] + beyond) if "from" in change else min(value, change["to"] - beyond)
            )
        low, high = data["clamp"]
        seen[id] = float(min(max(value, low), high))
        return seen[id]

    def _gain(self, day: int) -> float:
        gain: float = table("programmes")["pregnancy_weight_gain_kg"]
        return math.fsum(gain * ((day - a) / (b - a)) ** 1.6 for a, b in self.pregnancies if a <= day <= b)
