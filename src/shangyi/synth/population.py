"""Who lives in the county: sexes and ages by the census, in blocks that can be made apart from each other."""

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from random import Random

import numpy as np

from shangyi.synth import chance, identifiers
from shangyi.synth.build import iso, years_before
from shangyi.synth.county import Village
from shangyi.synth.tables import rows, table

BLOCK = 250
"""Residents made together: households form within a block."""
PER_BLOCK = 12
"""Most residents of one sex and age in a block."""
SEXES = ("male", "female")


@dataclass(eq=False)
class Person:
    """A resident before any illness. Days are proleptic ordinals; ``age`` in years at the last day, had they lived.

    ``due``: the day on which a child is expected, after the last day.
    """

    sex: str
    age: int
    birth: int
    sequence: int
    death: int | None = None
    number: int = -1
    surname: str = ""
    given: str = ""
    relation: str = "head"
    married: bool = False
    village: Village | None = None
    household: int = -1
    mother: "Person | None" = None
    children: "list[Person]" = field(default_factory=list)
    due: int | None = None

    @property
    def id(self) -> str:
        """The Patient's id."""
        return f"r{self.number:06d}"

    @property
    def name(self) -> str:
        """Surname and given name."""
        return self.surname + self.given

    @property
    def resident_id(self) -> str:
        """The 18-character resident id."""
        return identifiers.resident_id(iso(self.birth), self.sex, self.sequence)

    def age_on(self, day: int) -> float:
        """Years lived on ``day``, with fraction."""
        return (day - self.birth) / 365.2425

    def end(self, until: int) -> int:
        """The last day of the record."""
        return until if self.death is None else self.death


@cache
def census() -> tuple[tuple[tuple[str, int], ...], np.ndarray]:
    """Every (sex, single year of age) and the cumulative share of the population up to it."""
    keys: list[tuple[str, int]] = []
    counts: list[float] = []
    for row in rows("census2020"):
        first, last = int(row["age_from"]), int(row["age_to"])
        for age in range(first, last + 1):
            for sex in SEXES:
                keys.append((sex, age))
                counts.append(int(row[sex]) / (last - first + 1))
    share = np.cumsum(counts) / np.sum(counts)
    return tuple(keys), share


def _living(random: Random, count: int) -> list[tuple[str, int]]:
    """A systematic sample of the census: even a block has its ages in proportion."""
    keys, share = census()
    at = (np.arange(count) + random.random()) / max(count, 1)
    return [keys[i] for i in np.searchsorted(share, at, side="right")]


def _dead(random: Random, years: float) -> tuple[str, int, float]:
    """Sex, age had they lived, and years since death of somebody who died within the last ``years``."""
    data = table("households")["deaths"]
    sex = chance.pick(random, SEXES)
    band = chance.pick(random, range(len(data["age"]) - 1), data["weight"][sex][:-1])
    at_death = random.uniform(data["age"][band], data["age"][band + 1])
    since = random.uniform(0, years)
    return sex, int(at_death + since), since


def people(random: Random, block: int, count: int, until: int, years: int) -> list[Person]:
    """The residents of a block, not yet in households, the oldest first."""
    dead = sum(random.random() < table("households")["deaths"]["share"] for _ in range(count))
    drawn = [(sex, age, None) for sex, age in _living(random, count - dead)]
    drawn += [_dead(random, years) for _ in range(dead)]  # type: ignore[misc]
    used: Counter[tuple[str, int]] = Counter()
    persons = []
    for sex, age, since in drawn:
        day, sequence = identifiers.slot(block * PER_BLOCK + used[sex, age], age * 2 + (sex == "male"))
        used[sex, age] += 1
        birth = years_before(until, age) - day
        death = None if since is None else max(until - int(since * 365), birth + 2)  # within the ten years
        persons.append(Person(sex, age, birth, sequence, death if death is None or death <= until else until))
    return sorted(persons, key=lambda p: p.birth)
