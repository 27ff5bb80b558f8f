"""Expected reports of each notifiable disease by day: national rates month by month, and weeks good and bad."""

import math
from calendar import monthrange
from datetime import date
from functools import cache

import numpy as np

from shangyi.synth.county import county
from shangyi.synth.tables import rows, table

PUBLISHED_MONTHS = 12


@cache
def published() -> dict[tuple[str, int, int], float]:
    """(disease, year, month): cases per 100,000 people in that month, as far as published."""
    return {
        (row["disease"], int(row["year"]), month): float(row[str(month)])
        for row in rows("notifiable_monthly")
        for month in range(1, PUBLISHED_MONTHS + 1)
        if row[str(month)]
    }


@cache
def monthly(disease: str, year: int, month: int) -> float:
    """Cases per 100,000 in a month: as published, else the mean of that month in the file's ``later.like`` years."""
    known = published().get((disease, year, month))
    if known is not None:
        return known
    later = table("notifiable")["later"]
    like = [published()[disease, other, month] for other in later["like"]]
    return sum(like) / len(like) * float(later["factor"].get(disease, 1.0))


def _neighbour(year: int, month: int, step: int) -> tuple[int, int]:
    index = year * 12 + month - 1 + step
    return index // 12, index % 12 + 1


@cache
def _month(disease: str, year: int, month: int) -> tuple[float, ...]:
    """The month's rate spread over its days: straight lines between the middles of months, the total kept."""
    days = monthrange(year, month)[1]
    here = monthly(disease, year, month) / days
    before, after = (monthly(disease, *_neighbour(year, month, step)) / 30.44 for step in (-1, 1))
    middle = (days - 1) / 2
    shape = [
        here + ((before if day < middle else after) - here) * abs(day - middle) / 30.44 for day in range(days)
    ]
    whole = sum(shape)
    return tuple(part * here * days / whole for part in shape) if whole else (0.0,) * days


def expected(random: np.random.Generator, disease: str, days: list[int]) -> np.ndarray:
    """Expected cases in the county on each day, with weeks that are better or worse than the season says."""
    tables = table("notifiable")
    scale = county().population / 100_000 * tables["local_share"]
    weeks = len(days) // 7 + 2
    noise, level = np.empty(weeks), 0.0
    spread = tables["week_noise"] / math.sqrt(1 - tables["week_persistence"] ** 2)
    for week in range(weeks):
        level = tables["week_persistence"] * level + random.normal(0, tables["week_noise"])
        noise[week] = math.exp(level - spread**2 / 2)  # mean one
    found = np.empty(len(days))
    for index, day in enumerate(days):
        here = date.fromordinal(day)
        found[index] = _month(disease, here.year, here.month)[here.day - 1] * scale * noise[index // 7]
    return found
