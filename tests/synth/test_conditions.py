"""How many have what: against the surveys that the data files name."""

import math
from collections import Counter
from datetime import date
from typing import Any

import pytest

from shangyi.synth import chance, conditions
from shangyi.synth.conditions import Course, definitions, prevalence
from shangyi.synth.households import households
from shangyi.synth.population import Person, census
from shangyi.synth.tables import table

UNTIL = date(2026, 11, 22).toordinal()
Drawn = list[tuple[Person, str, list[Course]]]


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    found: Drawn = []
    for block in range(24):
        for home in households(5, block, 250, UNTIL, 10):
            for person in home.members:
                if person.death is None:
                    random = chance.scalar(5, chance.RESIDENT, person.number)
                    shared = conditions.factors(random)
                    smoking = conditions.smoking_status(person, shared)
                    found.append((person, smoking, conditions.courses(random, person, shared, UNTIL)))
    return found


def published() -> list[str]:
    return [id for id, data in definitions().items() if "headline" in data]


def weighted(data: Any, from_age: int) -> float:
    keys, cumulative = census()
    top = part = 0.0
    before = 0.0
    for (sex, age), share in zip(keys, cumulative, strict=True):
        weight, before = share - before, share
        if age >= from_age:
            top += weight * prevalence(data, sex, age + 0.5)
            part += weight
    return top / part


@pytest.mark.parametrize("id", published())
def test_the_file_gives_the_published_prevalence(id: str) -> None:
    """Within a tenth of the survey's figure: the survey's population was a little younger or older than the census."""
    data = definitions()[id]
    assert weighted(data, data["headline"]["from_age"]) == pytest.approx(data["headline"]["value"], rel=0.10)


@pytest.mark.parametrize("id", sorted(definitions()))
def test_residents_have_it_as_often_as_the_file_says(id: str, drawn: Drawn) -> None:
    """Within four standard deviations of the binomial sum."""
    data = definitions()[id]
    expected = [prevalence(data, p.sex, p.age_on(UNTIL)) for p, _, _ in drawn]
    found = sum(any(c.id == id for c in courses) for _, _, courses in drawn)
    sd = math.sqrt(sum(p * (1 - p) for p in expected))
    assert abs(found - sum(expected)) <= 4 * sd + 1


@pytest.mark.parametrize("id", published())
def test_awareness_treatment_and_control(id: str, drawn: Drawn) -> None:
    data = definitions()[id]
    courses = [c for _, _, found in drawn for c in found if c.id == id]
    known = [c for c in courses if c.diagnosed is not None]
    treated = [c for c in known if c.treated is not None]

    def near(part: int, whole: int, share: float) -> bool:
        return abs(part - whole * share) <= 4 * math.sqrt(whole * share * (1 - share)) + 1

    assert near(len(known), len(courses), data["aware"])
    assert near(len(treated), len(known), data["treated"])
    assert near(sum(c.controlled(UNTIL) for c in treated), len(treated), data["controlled"])


def test_smoking_by_sex(drawn: Drawn) -> None:
    headline = table("smoking")["headline"]
    for sex in ("male", "female"):
        adults = [status for p, status, _ in drawn if p.sex == sex and p.age >= headline["from_age"]]
        share = adults.count("current") / len(adults)
        assert share == pytest.approx(headline[sex], abs=0.04)


def test_conditions_come_together(drawn: Drawn) -> None:
    """High blood pressure is commoner among diabetics than their age alone explains."""
    sick = [(p, found) for p, _, found in drawn if any(c.id == "diabetes" for c in found)]
    both = sum(any(c.id == "hypertension" for c in found) for _, found in sick)
    expected = sum(prevalence(definitions()["hypertension"], p.sex, p.age_on(UNTIL)) for p, _ in sick)
    assert both > 1.2 * expected


def test_courses_run_in_order(drawn: Drawn) -> None:
    kinds: Counter[str] = Counter()
    for person, _, courses in drawn:
        for course in courses:
            kinds[course.id] += 1
            assert person.birth < course.onset <= UNTIL
            if course.diagnosed is not None:
                assert course.onset <= course.diagnosed <= UNTIL
            assert all(start >= (course.treated or 0) for _, start in course.steps)
    assert set(kinds) == set(definitions())
