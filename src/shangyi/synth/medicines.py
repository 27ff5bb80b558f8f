"""Choosing medicines that are safe for this resident on this day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from shangyi.synth import chance
from shangyi.synth.body import Body
from shangyi.synth.conditions import Course
from shangyi.synth.tables import table

CHILD_YEARS = 12
EARLY_DAYS = 28
"""A supply is renewed when it lasts no longer than this."""


@dataclass
class Regimen:
    """What one resident takes for good: by group of medicines, so that no two of a kind come together."""

    body: Body
    allergies: tuple[str, ...]
    taken: dict[str, tuple[str, str]] = field(default_factory=dict)
    supplied: dict[str, int] = field(default_factory=dict)

    def safe(self, id: str, day: int) -> bool:
        """Age, pregnancy, allergies, kidneys and known conditions allow it."""
        drug: Mapping[str, Any] = table("medicines")[id]
        age = self.body.person.age_on(day)
        if not drug.get("min_age", 0) <= age < drug.get("max_age", 150) + 1:
            return False
        if any(drug.get("atc", "").startswith(prefix) for prefix in self.allergies):
            return False
        if "egfr_min" in drug and age >= 18 and self.body.level("egfr", day) < drug["egfr_min"] + 5:
            return False
        avoid = drug.get("avoid", ())
        if "child" in avoid and age < CHILD_YEARS:
            return False
        if "pregnancy" in avoid and any(a - 60 <= day <= b for a, b in self.body.pregnancies):
            return False
        return not any(course.id in avoid and course.onset <= day for course in self.body.courses)

    def _free(self, id: str, key: str) -> bool:
        group = table("medicines")[id]["group"]
        return group not in self.taken or self.taken[group][1] == key

    def chronic(self, random: Random, course: Course, day: int) -> list[str]:
        """The medicines for a condition on ``day``; what is no longer safe is stopped and replaced."""
        chosen = []
        for number, (entry, start) in enumerate(course.steps):
            stop = start + entry.get("stop_after_days", 100_000)
            if not start <= day <= stop or self.body.person.age_on(day) < entry.get("min_age", 0):
                continue
            key = f"{course.id}-{number}"
            group = next((g for g, (_, k) in self.taken.items() if k == key), None)
            if group and self.safe(self.taken[group][0], day):
                chosen.append(self.taken[group][0])
                continue
            if group:
                del self.taken[group]
            fit = {id: w for id, w in entry["choose"].items() if self.safe(id, day) and self._free(id, key)}
            if fit:
                id = chance.pick(random, list(fit), list(fit.values()))
                self.taken[table("medicines")[id]["group"]] = (id, key)
                chosen.append(id)
        return chosen

    def acute(self, random: Random, illness: Mapping[str, Any], day: int, fever: bool) -> list[str]:
        """One of the sets for a passing illness, without what is not safe, or against a fever that is not there."""
        child = self.body.person.age_on(day) < CHILD_YEARS
        sets = illness.get("child" if child else "adult", [])
        for chosen in random.sample(sets, len(sets)):
            safe = [
                id
                for id in chosen
                if self.safe(id, day) and (fever or not table("medicines")[id].get("fever"))
            ]
            if safe:
                return safe
        return []

    def due(self, id: str, day: int) -> bool:
        """Whether the supply of a medicine runs out soon; if so it counts as renewed on ``day``."""
        if self.supplied.get(id, 0) > day + EARLY_DAYS:
            return False
        self.supplied[id] = day + table("medicines")[id]["days"]
        return True
