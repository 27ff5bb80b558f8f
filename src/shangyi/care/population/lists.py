"""Residents of an area by filter and order out of the population's arrays; what a list shows of them is the record's."""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from shangyi.care.population.build import due_columns
from shangyi.care.population.columns import KINDS, SEXES, VISIT_DAYS, Array, Population
from shangyi.care.standing.people import Query
from shangyi.store.model import Scope

EPOCH = dt.date(1970, 1, 1)


class Listed(NamedTuple):
    """The rids of a page in order, and whether there is a next one."""

    rids: list[int]
    more: bool


def answers(population: Population, query: Query) -> bool:
    """Whether the arrays hold what a query asks for: not visits of long ago, and only states that rules name."""
    first = population.about.visits_from
    return query.seen is None or 0 <= (query.seen - first).days <= VISIT_DAYS


def find(population: Population, scope: Scope, query: Query, after: int | None = None) -> Listed:
    """One page. ``after``: the rid of the last resident of the page before; the first page where it is gone."""
    whole = population.rows(population.places(scope))
    rows = np.flatnonzero(_chosen(population, whole, query)) + whole.start
    ranks = population.array(_order(query))
    if after is not None:
        last = np.flatnonzero(population.array("rid") == after)
        if len(last):
            rows = rows[ranks[rows] > ranks[last[0]]]
    first = _first(rows, ranks[rows], query.limit + 1)
    rids = [int(rid) for rid in population.array("rid")[first[: query.limit]]]
    return Listed(rids, len(first) > query.limit)


def count(population: Population, scope: Scope, query: Query) -> int:
    """How many a query asks for, all pages together."""
    return int(_chosen(population, population.rows(population.places(scope)), query).sum())


def _order(query: Query) -> str:
    if query.sort == "urgency":
        return f"by_{due_columns()[KINDS.index(query.kind)]}"
    return f"by_{query.sort}"


def _first(rows: Array, ranks: Array, limit: int) -> Array:
    """The rows of the smallest ranks, in their order."""
    if len(rows) > limit:
        chosen = np.argpartition(ranks, limit - 1)[:limit]
        rows, ranks = rows[chosen], ranks[chosen]
    found: Array = rows[np.argsort(ranks)]
    return found


def _chosen(population: Population, whole: slice, query: Query) -> Array:
    """Which of the residents of a run of rows a query asks for."""
    found = np.ones(whole.stop - whole.start, bool)
    if query.area:
        inner = population.rows(population.between(*query.area))
        found[: max(inner.start - whole.start, 0)] = False
        found[max(inner.stop - whole.start, 0) :] = False
    for state in query.states:
        if state in population.bit:
            found &= (population.array("states_now")[whole] >> population.bit[state]) & 1 == 1
        else:
            found &= _among(whole, _diagnosed(population, state))
    if query.due or query.kind:
        kind = KINDS.index(query.kind)
        number = int(population.array("place_due")[:, kind].sum())
        found &= population.array(f"by_{due_columns()[kind]}")[whole] < number  # they come before all others
    if query.sex:
        found &= population.array("sex")[whole] == SEXES.find(query.sex[0])
    if query.born:
        low, high = ((day - EPOCH).days for day in query.born)
        born = population.array("born")[whole]
        found &= (born >= low) & (born <= high)
    if query.seen:
        day = (query.seen - population.about.visits_from).days
        starts = population.array("seen_starts")
        found &= _among(whole, population.array("seen_rows")[starts[day] : starts[day + 1]])
    return found


def _diagnosed(population: Population, state: str) -> Array | Sequence[int]:
    number = population.diagnosis.get(state)
    if number is None:
        return []
    starts = population.array("diagnosis_starts")
    found: Array = population.array("diagnosis_rows")[starts[number] : starts[number + 1]]
    return found


def _among(whole: slice, rows: Array | Sequence[int]) -> Array:
    chosen = np.zeros(whole.stop - whole.start, bool)
    at = np.asarray(rows, np.int64) - whole.start
    chosen[at[(at >= 0) & (at < len(chosen))]] = True
    return chosen
