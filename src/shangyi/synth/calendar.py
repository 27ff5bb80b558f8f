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


@cache
def _acceptance(kind: str) -> tuple[float, ...]:
    """The chance that somebody who would come on a weekday is seen on it, else they try the next day.

    Chosen so that visits fall on weekdays as the data file's weights say: with ``flow`` those who would come on a
    day or were put off until it, ``flow[d + 1] = 1 + flow[d] - seen[d]``.
    """
    weights = table("calendar")["visits"][kind]
    seen = [7 * weight / sum(weights) for weight in weights]
    ahead = [sum(1 - part for part in seen[:day]) for day in range(7)]
    start = max(part - more for part, more in zip(seen, ahead, strict=True))
    return tuple(part / (start + more) for part, more in zip(seen, ahead, strict=True))


def seen_on(random: Random, day: int, kind: str, last: int) -> int:
    """The day at or after ``day`` (before, if it would be after ``last``) on which such a visit takes place."""
    accept = _acceptance(kind)
    for offset in range(40):
        candidate = day + offset if day + offset <= last else last - offset
        chance = accept[date.fromordinal(candidate).weekday()]
        if kind != "emergency" and holiday(candidate):
            chance *= 0.3 if kind == "clinic" else 0.0
        if random.random() < chance:
            return candidate
    return min(day, last)
