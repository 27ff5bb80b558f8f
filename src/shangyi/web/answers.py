"""What figures and lists are asked of: the population's arrays where they are about many residents, else the record.

The record is never behind; a panel, a village and its worklist are asked of it. The arrays answer about everybody, as
of an instant that the page says. Scopes are decided by the session that calls these; rows are read from the record
within the same scope again.
"""

import datetime as dt
from pathlib import Path
from typing import Any, NamedTuple

from shangyi.care.population import figures, lists
from shangyi.care.population.columns import Population
from shangyi.care.population.keep import Populations
from shangyi.care.standing import keep, people
from shangyi.store.model import Scope
from shangyi.web import formats
from shangyi.web import overview as overviews

MANY = 20_000
"""Residents of a scope from which on lists are asked of the arrays: below that the record is quick enough."""
LATE = dt.timedelta(minutes=15)


class Counted(NamedTuple):
    """How many residents a list has, how far the record's own tables are, and the instant that the answer is of."""

    total: int
    building: keep.Status
    as_of: dt.datetime | None


class Answers:
    """Of the record and the population of one home. ``many``: residents of a scope whose lists are of the arrays."""

    def __init__(self, home: Path, many: int = MANY) -> None:
        self.populations, self.many = Populations(home), many

    def overview(self, records: Any, scope: Scope) -> overviews.Overview:
        """The figures of a scope."""
        population = self._of_area(scope)
        if population is None:
            return overviews.kept(records, scope)
        return overviews.of_population(population, scope, self._as_of(records, population))

    def find(self, records: Any, scope: Scope, query: people.Query) -> people.Page:
        """One page of the residents that a query asks for."""
        population = self._of_many(scope, query)
        with records.transaction_connection() as connection:
            if population is None:
                return people.find(connection, records.codec, scope, query)
            found = lists.find(population, scope, query, people.last_of(query))
            return people.shown(connection, records.codec, scope, query, found.rids, found.more)

    def count(self, records: Any, scope: Scope, query: people.Query) -> Counted:
        """How many residents a query asks for."""
        population = self._of_many(scope, query)
        if population is not None:
            total = lists.count(population, scope, query)
            return Counted(total, keep.Status(), self._as_of(records, population))
        with records.transaction_connection() as connection:
            return Counted(people.count(connection, scope, query), keep.status(connection), None)

    def due(self, records: Any, scope: Scope) -> dict[str, int]:
        """How many residents are due for something, by kind, and all of them under ''."""
        today = dt.datetime.now(formats.ZONE).date()
        population = self._of_many(scope, people.Query(today))
        if population is not None:
            return figures.due(population, scope)
        with records.transaction_connection() as connection:
            return people.counts(connection, scope, today)

    def _of_area(self, scope: Scope) -> Population | None:
        return self.populations.current() if scope.panel is None else None

    def _of_many(self, scope: Scope, query: people.Query) -> Population | None:
        population = self._of_area(scope)
        if (
            population is None
            or population.residents(scope) < self.many
            or not lists.answers(population, query)
        ):
            return None
        return population

    def _as_of(self, records: Any, population: Population) -> dt.datetime:
        with records.transaction_connection() as connection:
            return self.populations.as_of(connection, population)


def late(as_of: dt.datetime | None, now: dt.datetime) -> str:
    """When an answer is of, where that is long ago; else nothing."""
    if as_of is None or now - as_of < LATE:
        return ""
    return as_of.astimezone(formats.ZONE).strftime("%m-%d %H:%M")
