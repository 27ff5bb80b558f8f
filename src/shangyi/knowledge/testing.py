"""Test patients run: what a package gives for each, held against the MeasureReports that it promises.

The evaluation of Measures stands below this package (``care.measures``), so whoever runs the tests brings it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from shangyi.errors import ShangyiError
from shangyi.knowledge.cases import Case, Resource
from shangyi.knowledge.errors import PackageError
from shangyi.knowledge.package import Package

Evaluate = Callable[[Package, Resource, Case, tuple[str, str]], Resource]
"""The individual MeasureReport of a Measure for a case, between the first and the last day of a period."""


@dataclass(frozen=True)
class Difference:
    """A number that is not the promised one. ``group`` is the id of a group, ``population`` its code."""

    measure: str
    group: str
    population: str
    expected: int
    found: int | None

    def __str__(self) -> str:
        return f"{self.measure}/{self.group} {self.population}: {self.expected}, {self.found}"


@dataclass(frozen=True)
class Outcome:
    """One case. ``fault``: what kept it from being evaluated; ``counts``: how many numbers were compared."""

    case: Case
    counts: int
    differences: tuple[Difference, ...] = ()
    fault: ShangyiError | None = None

    @property
    def passed(self) -> bool:
        """Whether all is as promised."""
        return not self.differences and self.fault is None


def run(package: Package, evaluate: Evaluate) -> Iterator[Outcome]:
    """The outcome of each case, in their order."""
    for case in package.cases:
        try:
            counts, found = 0, []
            for expected in case.expected:
                report = evaluate(package, _measure(package, case, expected), case, _period(case, expected))
                compared = list(differences(expected, report))
                counts += len(compared)
                found += [difference for difference in compared if difference.found != difference.expected]
            yield Outcome(case, counts, tuple(found))
        except ShangyiError as error:
            yield Outcome(case, 0, fault=error)


def differences(expected: Resource, report: Resource) -> Iterator[Difference]:
    """Every promised count with the one found: also where they are the same."""
    measure = str(expected.get("measure", "")).split("|")[0].rpartition("/")[2]
    found = {str(group.get("id", "")): _counts(group) for group in report.get("group", [])}
    for group in expected.get("group", []):
        id = str(group.get("id", ""))
        for population, count in _counts(group).items():
            yield Difference(measure, id, population, count, found.get(id, {}).get(population))


def _counts(group: Resource) -> dict[str, int]:
    return {
        str(population["code"]["coding"][0]["code"]): int(population["count"])
        for population in group.get("population", [])
    }


def _measure(package: Package, case: Case, expected: dict[str, Any]) -> Resource:
    url, _, version = str(expected.get("measure", "")).partition("|")
    for measure in package.measures.values():
        if measure["url"] == url and version in ("", measure.get("version")):
            return measure
    raise PackageError(
        "The package has no Measure {name}", file=case.folder, name=expected.get("measure", "")
    )


def _period(case: Case, expected: dict[str, Any]) -> tuple[str, str]:
    period = expected.get("period") or {}
    if "start" not in period or "end" not in period:
        raise PackageError("The expected report names no period", file=case.folder)
    return str(period["start"]), str(period["end"])
