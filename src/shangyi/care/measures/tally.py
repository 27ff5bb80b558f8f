"""Results of many subjects counted together: what a group, and each of its strata, come to."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from shangyi.care.measures.definition import (
    DENOMINATOR,
    DENOMINATOR_EXCEPTION,
    DENOMINATOR_EXCLUSION,
    NUMERATOR,
    NUMERATOR_EXCLUSION,
    OBSERVATION,
    Definition,
    Group,
    Population,
)
from shangyi.care.measures.results import Coded, Number, Outcome, Result
from shangyi.query.cql.operators import aggregates
from shangyi.query.cql.values import Quantity

PLACES = Decimal("1E-8")
AGGREGATES = {
    "sum": aggregates.total,
    "average": aggregates.average,
    "median": aggregates.median,
    "minimum": aggregates.least,
    "maximum": aggregates.greatest,
    "count": aggregates.count,
}


@dataclass(slots=True)
class Counts:
    """Of one group or stratum. ``members``: items by population key; ``observed``: how often each value was observed.

    ``subjects``: who has an item in a population, kept only where a list is asked for.
    """

    group: Group
    members: Counter[str] = field(default_factory=Counter)
    observed: dict[str, Counter[Number]] = field(default_factory=dict)
    subjects: dict[str, list[str]] | None = None

    def add(self, subject: str, outcome: Outcome, times: int, only: frozenset[str] | None = None) -> None:
        """One subject more; ``only``: of its items these."""
        for key, items in outcome.members.items():
            number = len(items) if only is None else sum(item in only for item in items)
            if number:
                self.members[key] += number * times
                if self.subjects is not None:
                    self.subjects.setdefault(key, []).append(subject)
        for key, values in outcome.observations.items():
            counted = self.observed.setdefault(key, Counter())
            for item, value in values.items():
                if only is None or item in only:
                    counted[value] += times

    def count(self, code: str) -> int:
        """How many items are in the population of a code."""
        population = self.group.coded(code)
        return 0 if population is None else self.members[population.key]

    def observation(self, population: Population) -> Number | None:
        """The aggregate of a measure observation; None of nothing, or of units that do not go together."""
        method = AGGREGATES[population.method or "sum"]
        values = [_value(number) for number in self.observed.get(population.key, Counter()).elements()]
        found = method(values)
        if isinstance(found, Quantity):
            return Number(found.value, found.unit)
        return None if found is None else Number(Decimal(found))

    def score(self) -> Number | None:
        """The measure score; None where it is not defined: nobody in the denominator, a cohort."""
        observations = [p for p in self.group.populations if p.code == OBSERVATION]
        match self.group.scoring:
            case "proportion":
                return _quotient(
                    self.count(NUMERATOR) - self.count(NUMERATOR_EXCLUSION),
                    self.count(DENOMINATOR)
                    - self.count(DENOMINATOR_EXCLUSION)
                    - self.count(DENOMINATOR_EXCEPTION),
                )
            case "ratio" if observations:
                return self._observed_ratio(observations)
            case "ratio":
                return _quotient(
                    self.count(NUMERATOR) - self.count(NUMERATOR_EXCLUSION),
                    self.count(DENOMINATOR) - self.count(DENOMINATOR_EXCLUSION),
                )
            case "continuous-variable" if observations:
                return self.observation(observations[0])
        return None

    def _observed_ratio(self, observations: list[Population]) -> Number | None:
        """Of the observation of the numerator to that of the denominator; where one has none, its count."""
        sides: dict[str, Decimal] = {
            NUMERATOR: Decimal(self.count(NUMERATOR) - self.count(NUMERATOR_EXCLUSION)),
            DENOMINATOR: Decimal(self.count(DENOMINATOR) - self.count(DENOMINATOR_EXCLUSION)),
        }
        for population in observations:
            over, found = self.group.observed(population), self.observation(population)
            if over is not None:
                sides[over.code] = Decimal(0) if found is None else found.value
        return _quotient(sides[NUMERATOR], sides[DENOMINATOR])


def _value(number: Number) -> Decimal | Quantity:
    return number.value if number.unit is None else Quantity(number.value, number.unit)


def _quotient(numerator: Decimal | int, denominator: Decimal | int) -> Number | None:
    if not denominator:
        return None
    return Number((Decimal(numerator) / Decimal(denominator)).quantize(PLACES, ROUND_HALF_UP).normalize())


Stratum = tuple[Coded, ...]


class Tally:
    """A measure counted. ``lists``: keep who is in each population."""

    def __init__(self, definition: Definition, lists: bool = False) -> None:
        self.definition = definition
        self._lists = lists
        self.subjects = 0
        self.faults: Counter[str] = Counter()
        self.groups = [self._counts(group) for group in definition.groups]
        self.strata: list[list[dict[Stratum, Counts]]] = [
            [{} for _ in group.stratifiers] for group in definition.groups
        ]
        self.supplemental: dict[str, Counter[Coded]] = {e.key: Counter() for e in definition.supplemental}

    def _counts(self, group: Group) -> Counts:
        return Counts(group, subjects={} if self._lists else None)

    def add(self, result: Result, times: int = 1) -> None:
        """One subject, or ``times`` that have the same result."""
        self.subjects += times
        for fault in result.faults:
            self.faults[fault] += times
        for counts, strata, outcome in zip(self.groups, self.strata, result.groups, strict=True):
            if outcome is None:
                continue
            counts.add(result.subject, outcome, times)
            for known, items in zip(strata, outcome.strata, strict=True):
                for value, only in _by_value(items):
                    if value not in known:
                        known[value] = self._counts(counts.group)
                    known[value].add(result.subject, outcome, times, only)
        for key, values in result.supplemental.items():
            for coded in values:
                self.supplemental[key][coded] += times


def _by_value(items: Mapping[str, Stratum]) -> Iterator[tuple[Stratum, frozenset[str]]]:
    by_value: dict[Stratum, list[str]] = {}
    for item, value in items.items():
        by_value.setdefault(value, []).append(item)
    for value, found in by_value.items():
        yield value, frozenset(found)


def tally(definition: Definition, results: Iterable[Result], lists: bool = False) -> Tally:
    """All results counted."""
    found = Tally(definition, lists)
    for result in results:
        found.add(result)
    return found
