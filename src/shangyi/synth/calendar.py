"""On which days people are seen: weekdays, holidays, the Spring Festival."""

from datetime import date
from functools import cache
from random import Random

from shangyi.synth.tables import table


@cache
def _festivals() -> frozenset[int]:
    data = table("calendar")
    days = data["spring_festival_days"]
    return frozenset(first.toordinal() + n for first in data["spring_festival"] for n in range(-1, days))


@cache
def holiday(day: int) -> bool:
    """Whether ``day`` is a public holiday."""
    here = date.fromordinal(day)
    return day in _festivals() or here.strftime("%m-%d") in table("calendar")["fixed_holidays"]


def in_term(day: int) -> bool:
    """Whether schools are open: term, a weekday, no holiday."""
    here = date.fromordinal(day).strftime("%m-%d")
    (spring, summer), (autumn, winter) = table("calendar")["school_terms"]
    term = spring <= here <= summer or here >= autumn or here <= winter
    return term and date.fromordinal(day).weekday() < 5 and not holiday(day)


def seen_on(random: Random, day: int, kind: str, last: int) -> int:
    """The day near ``day``, not after ``last``, on which this kind of visit takes place."""
    weights = table("calendar")["visits"][kind]
    top = max(weights)
    for offset in range(40):
        candidate = day + offset if day + offset <= last else last - offset
        weight = weights[date.fromordinal(candidate).weekday()]
        if kind != "emergency" and holiday(candidate):
            weight *= 0.3 if kind == "clinic" else 0.0
        if random.random() * top < weight:
            return candidate
    return min(day, last)
