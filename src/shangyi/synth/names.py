"""Chinese names that fit sex and birth cohort."""

from functools import cache
from random import Random
from typing import Any

from shangyi.synth import chance
from shangyi.synth.tables import rows, table


@cache
def _surnames() -> tuple[list[str], list[float]]:
    entries = rows("surnames")
    return [row["surname"] for row in entries], [float(row["percent"]) for row in entries]


def surname(random: Random) -> str:
    """A surname by its share of the population."""
    names, weights = _surnames()
    return chance.pick(random, names, weights)


def _cohort(birth_year: int) -> dict[str, Any]:
    cohorts: list[dict[str, Any]] = table("given_names")["cohorts"]
    return next(c for c in cohorts if birth_year <= c["until"])


def given_name(random: Random, sex: str, birth_year: int) -> str:
    """One or two characters."""
    cohort = _cohort(birth_year)
    parts: dict[str, Any] = cohort[sex]
    single = random.random() < cohort["single"]
    if random.random() < table("given_names")["whole_share"]:
        whole: list[str] = [name for name in parts["whole"] if (len(name) == 1) == single]
        if whole:
            return chance.pick(random, whole)
    second: str = chance.pick(random, parts["second"])
    if single:
        return second
    first: str = chance.pick(random, [c for c in parts["first"] if c != second])
    return first + second


@cache
def double_surnames() -> frozenset[str]:
    """Surnames of two characters (复姓)."""
    return frozenset(name for name in _surnames()[0] if len(name) == 2)
