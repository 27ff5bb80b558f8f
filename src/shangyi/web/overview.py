"""The figures of the overview within the reader's scope: of the population's arrays, or of the record's standing tables.

What is of the record takes longer, and is kept for a short while.
"""

import datetime as dt
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shangyi.care.population import figures as of_arrays
from shangyi.care.population.columns import Population
from shangyi.care.standing import figures, keep
from shangyi.store import statistics
from shangyi.store.model import Scope
from shangyi.web import formats
from shangyi.web.memory import of_store

FRESH_S, STALE_S = 20, 900
VISIT_DAYS, QUARTER_DAYS, YEAR_DAYS = 90, 91, 364
WEEKS = 8
MOST = 12
CASCADE = ("hypertension", "hypertension.managed", "hypertension.treated", "hypertension.controlled")
STATES = (
    *CASCADE,
    "hypertension.untreated",
    "hypertension.uncontrolled",
    "diabetes",
    "diabetes.treated",
    "diabetes.tested",
    "diabetes.controlled",
    "older",
    "older.examined",
    "older.unexamined",
)
PLACE_STATES = (*CASCADE, "diabetes", "diabetes.controlled", "older", "older.examined")


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything on the page. ``now``, ``quarter``: residents in each state today and 91 days ago."""

    as_of: dt.datetime
    building: keep.Status
    residents: int
    now: dict[str, int]
    quarter: dict[str, int]
    pyramid: list[tuple[int, int, int]]
    chronic: list[tuple[str, dict[str, str], int]]
    acute: list[tuple[str, dict[str, str], int]]
    visits: list[tuple[dt.date, int]]
    visits_year_ago: int
    places: list[figures.Place]
    reports: list[figures.Reports]


def compute(records: Any, scope: Scope, now: dt.datetime | None = None) -> Overview:
    """All figures of the record, in one read-only transaction."""
    now = now or dt.datetime.now(formats.ZONE)
    today = now.date()
    yesterday = today - dt.timedelta(days=1)
    first = yesterday - dt.timedelta(days=VISIT_DAYS - 1)
    with records.transaction_connection() as connection:
        status = keep.status(connection)
        days = [today, today - dt.timedelta(days=QUARTER_DAYS)]
        held = figures.holding(connection, scope, STATES, days)
        year = dt.timedelta(days=YEAR_DAYS)
        before = statistics.per_day(connection, "Encounter", first - year, yesterday - year, scope)
        found = Overview(
            as_of=now,
            building=status,
            residents=figures.residents(connection, scope),
            now={state: numbers[0] for state, numbers in held.items()},
            quarter={state: numbers[1] for state, numbers in held.items()},
            pyramid=figures.pyramid(connection, scope, today),
            chronic=figures.commonest(connection, scope, "problem:", today, MOST),
            acute=figures.commonest(connection, scope, "illness:", today, MOST),
            visits=statistics.per_day(connection, "Encounter", first, yesterday, scope),
            visits_year_ago=sum(number for _, number in before),
            places=figures.by_place(connection, scope, PLACE_STATES, today, unit_of(scope)),
            reports=figures.reports(connection, records.codec, scope, midnight(today), WEEKS),
        )
    return found


def of_population(population: Population, scope: Scope, as_of: dt.datetime) -> Overview:
    """All figures, of the population's arrays."""
    held = of_arrays.holding(population, scope, STATES)
    visits, before = of_arrays.visits(population, scope)
    return Overview(
        as_of=as_of,
        building=keep.Status(),
        residents=population.residents(scope),
        now={state: numbers[0] for state, numbers in held.items()},
        quarter={state: numbers[1] for state, numbers in held.items()},
        pyramid=of_arrays.pyramid(population, scope),
        chronic=of_arrays.commonest(population, scope, "problem:", MOST),
        acute=of_arrays.commonest(population, scope, "illness:", MOST),
        visits=visits,
        visits_year_ago=before,
        places=of_arrays.by_place(population, scope, PLACE_STATES, unit_of(scope)),
        reports=of_arrays.reports(population, scope),
    )


def midnight(day: dt.date) -> dt.datetime:
    """The beginning of a day where the county lies."""
    return dt.datetime.combine(day, dt.time(), formats.ZONE)


def unit_of(scope: Scope) -> int:
    """Places one level below the scope: villages of a town, else towns."""
    if scope.area is not None and scope.area[1] - scope.area[0] < 10**6 - 1:
        return figures.VILLAGE
    return figures.TOWN


class Kept:
    """Overviews of one store by scope: served at once while less than 15 minutes old, renewed behind after 20 seconds."""

    def __init__(self) -> None:
        self._kept: dict[Scope, Overview] = {}
        self._busy: set[Scope] = set()
        self._lock = threading.Lock()

    def get(self, records: Any, scope: Scope) -> Overview:
        """The overview of a scope; computed now where none is kept, or it was incomplete."""
        found = self._kept.get(scope)
        age = (dt.datetime.now(formats.ZONE) - found.as_of).total_seconds() if found else STALE_S
        if found is None or age >= STALE_S or found.building.building or found.as_of.date() != _today():
            found = self._kept[scope] = compute(records, scope)
        elif age >= FRESH_S:
            with self._lock:
                if scope in self._busy:
                    return found
                self._busy.add(scope)
            threading.Thread(target=self._renew, args=(records, scope), daemon=True).start()
        return found

    def _renew(self, records: Any, scope: Scope) -> None:
        try:
            self._kept[scope] = compute(records, scope)
        finally:
            self._busy.discard(scope)


def _today() -> dt.date:
    return dt.datetime.now(formats.ZONE).date()


def share(part: int, whole: int) -> float | None:
    """Percent, None of nobody."""
    return 100 * part / whole if whole else None


def change(now: tuple[int, int], before: tuple[int, int]) -> float | None:
    """Percentage points by which a share grew."""
    a, b = share(*now), share(*before)
    return None if a is None or b is None else a - b


def kept(records: Any, scope: Scope) -> Overview:
    """The overview of a scope, as this process keeps it."""
    return of_store(records, Kept).get(records, scope)


def total(days: Sequence[tuple[dt.date, int]]) -> int:
    """All of them."""
    return sum(number for _, number in days)
