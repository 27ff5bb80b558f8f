"""Published eCQM content: measures, their libraries and value sets, test patients with the MeasureReport expected of each.

Laid out as https://github.com/cqframework/ecqm-content-qicore-2024 and …/ecqm-content-r4-2021 are: ``input/cql``,
``input/vocabulary``, ``input/resources/measure``, ``input/tests/measure/<measure>/<patient>/…``.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from shangyi.care.measures import Bedside, Definition, Period, Result, read, tally
from shangyi.care.measures.definition import OBSERVATION
from shangyi.fhir import json as fhir_json
from shangyi.query.cql.translate import directory, translate
from shangyi.query.cql.translate.sources import Texts
from shangyi.query.cql.values import DateTime
from shangyi.terminology.definitions import Chain, Memory
from shangyi.terminology.r4 import SPECIFICATION
from shangyi.terminology.service import Terminology

Json = dict[str, Any]
OBSERVED = {
    "denominator-observation": "denominator",
    "numerator-observation": "numerator",
    "measure-population-observation": "measure-population",
}
"""Codes by which the reports tell the observation of one item (as a count), with the population it is of."""


@dataclass(frozen=True)
class Case:
    """One test patient: the folder's name, the resources, the report that is expected."""

    name: str
    subject: str
    resources: list[Json]
    expected: Json


class Content:
    """A checkout. ``models``: where ModelInfo files are that it lacks."""

    def __init__(self, root: Path, models: Path | None = None) -> None:
        self.root = root / "input" if (root / "input").is_dir() else root
        self.models = models

    def folders(self) -> list[Path]:
        """The folders of measures with test patients of whom a report is expected."""
        found = sorted(path for path in (self.root / "tests/measure").iterdir() if path.is_dir())
        return [folder for folder in found if next(self.cases(folder), None)]

    def cases(self, folder: Path) -> Iterator[Case]:
        """Its test patients; those without an expected report are left out."""
        for place in sorted(path for path in folder.iterdir() if path.is_dir()):
            files = sorted(place.rglob("*.json"))
            if any('"MeasureReport"' in path.read_text("utf-8-sig") for path in files):
                yield _case(place.name, [found for path in files for found in _resources(path)])

    def measure(self, folder: Path) -> Json:
        """The Measure that a folder's patients are for."""
        named = self._measures.get(folder.name)
        if named is not None:
            return named
        url = str(next(iter(self.cases(folder))).expected["measure"]).partition("|")[0]
        return next(
            m for m in self._measures.values() if m["url"].rpartition("/")[2] == url.rpartition("/")[2]
        )

    @cached_property
    def _measures(self) -> dict[str, Json]:
        found = [json.loads(p.read_text("utf-8")) for p in (self.root / "resources/measure").glob("*.json")]
        return {measure["name"]: measure for measure in found if measure["resourceType"] == "Measure"}

    @cached_property
    def sources(self) -> Texts:
        """Libraries and models."""
        return directory(self.root / "cql", *([self.models] if self.models else []))

    @cached_property
    def terminology(self) -> Terminology:
        """Value sets."""
        return Terminology(Chain(Memory.of_folder(self.root / "vocabulary"), SPECIFICATION))

    def evaluator(self, measure: Json, period: Period) -> Bedside:
        """The measure, ready for patients; times without a zone are in UTC."""
        definition = read(measure)
        name = definition.library.partition("|")[0].rpartition("/")[2]
        text = self.sources.library(name, None)
        assert text is not None, f"no library {name}"
        end = DateTime.parse(f"{period.days[1]}T23:59:59.000Z")
        assert end is not None
        return Bedside(definition, translate(text, self.sources, name), self.terminology, period, end)


def _case(name: str, found: list[Json]) -> Case:
    """Some folders hold a patient twice, by file and in a bundle, or another patient too, who is left out."""
    unique = list({(r["resourceType"], r.get("id")): r for r in found}.values())
    expected = next(r for r in unique if r["resourceType"] == "MeasureReport")
    patients = [f"Patient/{r['id']}" for r in unique if r["resourceType"] == "Patient"]
    named = (expected.get("subject") or {}).get("reference")
    subject = named if named in patients else patients[0]
    others = set(patients) - {subject}
    resources = [r for r in unique if r["resourceType"] != "MeasureReport" and not others & _about(r)]
    return Case(name, subject, resources, expected)


def _about(resource: Json) -> set[str]:
    """The residents that a resource is of."""
    own = {f"Patient/{resource['id']}"} if resource["resourceType"] == "Patient" else set()
    references = (resource.get(name) for name in ("subject", "patient", "beneficiary"))
    return own | {str(r.get("reference")) for r in references if isinstance(r, dict)}


def _resources(path: Path) -> list[Json]:
    found = fhir_json.loads(path.read_bytes())
    if not isinstance(found, dict) or "resourceType" not in found:
        return []
    if found["resourceType"] == "Bundle":
        return [entry["resource"] for entry in found.get("entry", ()) if "resource" in entry]
    return [found]


def differences(definition: Definition, found: Result, expected: Json) -> list[str]:
    """Where a result is not as expected: group, population, the number expected, the number found."""
    counted = tally(definition, [found])
    problems = [f"fault: {fault}" for fault in found.faults if None in found.groups]
    for at, (group, wanted) in enumerate(zip(definition.groups, expected.get("group", ()), strict=False)):
        for population in wanted.get("population", ()):
            code = str(population["code"]["coding"][0]["code"])
            if code in OBSERVED:
                continue
            number = population.get("count", 0)
            if group.coded(code) is None:
                if number:
                    problems.append(f"group {at + 1}: the measure has no {code}")
            elif code != OBSERVATION and counted.groups[at].count(code) != number:
                problems.append(
                    f"group {at + 1} {code}: {number} expected, {counted.groups[at].count(code)} found"
                )
        problems += _observations(definition, at, found, wanted)
    return problems


def _observations(definition: Definition, at: int, found: Result, wanted: Json) -> Iterator[str]:
    """Expected are the values one by one, in no order that is told."""
    group, outcome = definition.groups[at], found.groups[at]
    for code, over in OBSERVED.items():
        expected = sorted(
            int(population.get("count", 0))
            for population in wanted.get("population", ())
            if population["code"]["coding"][0]["code"] == code
        )
        for population in group.populations:
            if population.code == OBSERVATION and outcome and expected:
                of = group.observed(population)
                values = sorted(int(v.value) for v in outcome.observations[population.key].values())
                if of is not None and of.code == over and values != expected:
                    yield f"group {at + 1} {code}: {expected} expected, {values} found"
