"""One encounter to come, and the plan of ten years: every visit in order, none during another."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from shangyi.synth.conditions import YEAR, Course

MONTH = YEAR / 12
OUTPATIENT = ("outpatient", "门诊")
INPATIENT = ("inpatient", "住院")
FOLLOW_UP = ("follow-up", "慢性病随访")
APART = 9
"""Days between two passing illnesses at least."""
LEVELS = ("village", "township", "tcm", "mch", "hospital")
"""From the nearest to the farthest; a visit for several reasons goes to the farthest that one of them needs."""


@dataclass
class Visit:
    """One encounter to come.

    ``rank``: lower goes first where two meet; ``days``: nights as an inpatient; ``bump``: what the reason of the
    visit makes of measured values (docs/synth.md); ``charges``: what is billed besides (text, yuan).
    """

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
    bump: Mapping[str, Any] = field(default_factory=dict)
    charges: list[tuple[str, float]] = field(default_factory=list)
    died: bool = False

    def measure(self, ids: list[str]) -> None:
        """Adds what is not yet to be measured."""
        self.observations += [id for id in ids if id not in self.observations]


@dataclass(frozen=True)
class Span:
    """The resident's days within the ten years."""

    first: int
    last: int

    def __contains__(self, day: int) -> bool:
        return self.first <= day <= self.last


def charges(data: Mapping[str, Any]) -> list[tuple[str, float]]:
    """What a data file bills for an operation or a stay."""
    return [(str(text), float(yuan)) for text, yuan in data.get("charges", {}).items()]


def without_clashes(visits: list[Visit], span: Span) -> list[Visit]:
    """In order of time; no two on one day and none during a stay: the more important one is kept.

    A diagnosis is never lost: what would have been found during another visit or stay is found there.
    """
    taken: dict[int, Visit] = {}
    passing: set[int] = set()
    for visit in sorted(visits, key=lambda v: (v.rank, v.day)):
        days = range(visit.day, visit.day + visit.days + 1)
        other = next((taken[day] for day in days if day in taken), None)
        if (
            visit.illness
            and not visit.died
            and not passing.isdisjoint(range(visit.day - APART, visit.day + APART))
        ):
            continue  # one illness at a time
        if other is None and visit.day in span:
            passing.update([visit.day] if visit.illness else [])
            taken.update(dict.fromkeys(days, visit))
        elif other is not None and visit.diagnoses:
            _join(other, visit)
            taken.update(dict.fromkeys(range(other.day, other.day + other.days + 1), other))
    kept = {id(visit): visit for visit in taken.values()}
    return sorted(kept.values(), key=lambda v: (v.day, v.rank))


def _join(visit: Visit, found: Visit) -> None:
    visit.measure(found.observations)
    visit.days = max(visit.days, found.days)
    visit.bump = {**found.bump, **visit.bump}
    visit.charges += found.charges
    for course in found.diagnoses:
        course.onset = min(course.onset, visit.day)
        course.diagnose(visit.day)
        visit.diagnoses.append(course)


def nearest(random: Random, levels: Mapping[str, float]) -> str:
    """Where somebody goes, by the shares of a data file."""
    return random.choices(list(levels), list(levels.values()))[0]
