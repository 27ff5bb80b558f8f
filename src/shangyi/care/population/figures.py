"""Figures of an area out of the population's arrays: the same as ``standing.figures`` of the record, in milliseconds."""

import datetime as dt
from collections.abc import Sequence

import numpy as np

from shangyi.care.population.columns import BAND_YEARS, BANDS, KINDS, SEXES, VISIT_DAYS, Array, Population
from shangyi.care.standing.figures import Place, Reports
from shangyi.store.model import Scope


def holding(population: Population, scope: Scope, states: Sequence[str]) -> dict[str, list[int]]:
    """Residents who hold each state, on the population's day and a quarter before."""
    places = population.places(scope)
    now, before = (_sum(population, name, places) for name in ("place_states_now", "place_states_before"))
    return {state: [int(now[population.bit[state]]), int(before[population.bit[state]])] for state in states}


def due(population: Population, scope: Scope) -> dict[str, int]:
    """How many residents are due for something, by kind, and all of them under ''."""
    return dict(zip(KINDS, map(int, _sum(population, "place_due", population.places(scope))), strict=True))


def pyramid(population: Population, scope: Scope) -> list[tuple[int, int, int]]:
    """(first age of the band, male, female), youngest first; the last band is open."""
    ages = _sum(population, "place_ages", population.places(scope))
    men, women = ages[SEXES.index("m")], ages[SEXES.index("f")]
    return [(band * BAND_YEARS, int(men[band]), int(women[band])) for band in range(BANDS)]


def by_place(population: Population, scope: Scope, states: Sequence[str], unit: int) -> list[Place]:
    """Residents and holders of each state by division, by code; ``unit``: what a code is divided by to cut it."""
    places = population.places(scope)
    codes = population.array("places")[places] // unit
    known = int(np.searchsorted(codes, 1))  # the first place is that of residents without one
    codes = codes[known:]
    if not len(codes):
        return []
    found, starts = np.unique(codes, return_index=True)
    chosen = slice(places.start + known, places.stop)
    held = np.add.reduceat(population.array("place_states_now")[chosen], starts, axis=0)
    sizes = np.add.reduceat(np.diff(population.array("starts"))[chosen], starts)
    return [
        Place(int(code) * unit, int(size), {state: int(row[population.bit[state]]) for state in states})
        for code, size, row in zip(found, sizes, held, strict=True)
    ]


def commonest(
    population: Population, scope: Scope, prefix: str, most: int
) -> list[tuple[str, dict[str, str], int]]:
    """(state, coding, residents) of the commonest diagnoses whose state begins so (``problem:``, ``illness:``)."""
    counts = _sum(population, "place_diagnoses", population.places(scope))
    found = [
        (known.state, known.coding, int(number))
        for known, number in zip(population.about.diagnoses, counts, strict=True)
        if number and known.state.startswith(prefix)
    ]
    return sorted(found, key=lambda row: (-row[2], row[0]))[:most]


def visits(population: Population, scope: Scope) -> tuple[list[tuple[dt.date, int]], int]:
    """How many visits on each of the last days, and how many in all on the same days a year before."""
    places = _within(population.array("visit_places"), scope)
    counts = _sum(population, "visits", places)
    first = population.about.visits_from
    days = [(first + dt.timedelta(days=at), int(counts[at])) for at in range(VISIT_DAYS)]
    return days, int(population.array("visits_before")[places].sum())


def reports(population: Population, scope: Scope) -> list[Reports]:
    """Reports by disease in the last weeks, the most first."""
    if not population.about.reports:
        return []
    counts = _sum(population, "reports", _within(population.array("report_places"), scope))
    found = [
        Reports(coding["code"], coding["display"], now.tolist(), before.tolist())
        for coding, (now, before) in zip(population.about.reports, counts, strict=True)
        if now.any() or before.any()
    ]
    return sorted(found, key=lambda r: (-sum(r.weeks), r.code))


def _sum(population: Population, name: str, places: slice) -> Array:
    found: Array = population.array(name)[places].sum(axis=0)
    return found


def _within(places: Array, scope: Scope) -> slice:
    if scope.area is None:
        return slice(0, len(places))
    low, high = np.searchsorted(places, [scope.area[0], scope.area[1] + 1])
    return slice(int(low), int(high))
