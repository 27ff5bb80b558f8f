"""The rates that are kept: each group of each Measure of the packages, ready to evaluate."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

from shangyi.care.measures import Bedside, Definition, Period, read, result
from shangyi.care.measures.bedside import Definitions
from shangyi.care.measures.definition import DENOMINATOR, NUMERATOR, Group
from shangyi.errors import ShangyiError
from shangyi.knowledge import Package, installed
from shangyi.knowledge.gaps import Gap
from shangyi.query.closures.values import Element
from shangyi.query.cql.closures import Evaluation, Resources
from shangyi.query.cql.closures.fhirhelpers import to_quantity
from shangyi.query.cql.values import DateTime, Quantity
from shangyi.terminology.definitions import Chain
from shangyi.terminology.r4 import SPECIFICATION
from shangyi.terminology.service import Terminology

Resource = dict[str, Any]
TYPES = ("Patient", "Condition", "Encounter", "Observation")
"""What is read of a resident; a Measure that asks for more finds nothing of it (tests hold the packages to it)."""
QUARTERS = 4
VERSION = 1
"""Of the evaluation itself: raised when the same packages give other answers."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One group of a Measure."""

    package: Package
    measure: Resource
    group: Group
    gap: Gap | None

    @property
    def key(self) -> tuple[str, str]:
        """Id of the Measure, id of the group."""
        return str(self.measure["id"]), str(self.group.id)


@dataclass(frozen=True, slots=True)
class Standing:
    """A resident in the denominator of a rate for the twelve months that end on a day."""

    measure: str
    part: str
    ends: dt.date
    met: bool
    grade: int
    facts: dict[str, str]


@cache
def rates() -> tuple[Rate, ...]:
    """All rates, in the order of the packages and their Measures."""
    found = []
    for package in installed():
        gaps = {(gap.measure, gap.group): gap for gap in package.gaps}
        for id, measure in package.measures.items():
            found += [
                Rate(package, measure, group, gaps.get((id, str(group.id))))
                for group in read(measure).groups
                if group.scoring == "proportion" and group.basis == "boolean"
            ]
    return tuple(found)


def rate(measure: str, part: str) -> Rate | None:
    """One by its ids."""
    return next((found for found in rates() if found.key == (measure, part)), None)


@cache
def terminology() -> Terminology:
    """The codes of the packages and of FHIR R4: what counts is the same whatever else the record defines."""
    return Terminology(Chain(*(package.definitions for package in installed()), SPECIFICATION))


@cache
def digest() -> str:
    """Changes when a package does."""
    said = sha256(str(VERSION).encode())
    for package in installed():
        for file in sorted(package.root.rglob("*")):
            if file.is_file() and "tests" not in file.relative_to(package.root).parts:
                said.update(file.read_bytes())
    return said.hexdigest()[:16]


def ends(today: dt.date) -> list[dt.date]:
    """The last days of the periods that are kept: today, and the ends of the quarters before, newest first."""
    found = [today]
    first = today.replace(month=3 * ((today.month - 1) // 3) + 1, day=1)
    for _ in range(QUARTERS):
        found.append(first - dt.timedelta(days=1))
        first = found[-1].replace(month=3 * ((found[-1].month - 1) // 3) + 1, day=1)
    return found


def period(end: dt.date) -> Period:
    """The twelve months that end on a day."""
    last_year = end.replace(year=end.year - 1, day=28 if (end.month, end.day) == (2, 29) else end.day)
    return Period((last_year + dt.timedelta(days=1)).isoformat(), end.isoformat())


class Rates:
    """All rates for some periods. Holds nothing of a resident."""

    def __init__(self, days: Sequence[dt.date], now: dt.datetime) -> None:
        self._gaps = {found.key: found.gap for found in rates()}
        moment = DateTime.of(now)
        self._bedsides: list[tuple[dt.date, Definition, Bedside]] = [
            (
                end,
                read(measure),
                Bedside(read(measure), package.program_of(measure), terminology(), period(end), moment),
            )
            for package in installed()
            for measure in package.measures.values()
            for end in days
        ]
        self._today = days[0] if days else now.date()

    def standings(self, subject: str, resources: Sequence[Resource]) -> Iterator[Standing]:
        """Of one resident (``Patient/1``); a Measure that fails for them counts them nowhere."""
        data = Resources(resources)
        for end, definition, bedside in self._bedsides:
            at = Evaluation(data, bedside.codes, bedside.parameters, bedside.now)
            values = Definitions(bedside.engine, at)
            found = result(definition, subject, values)
            for group, outcome in zip(definition.groups, found.groups, strict=True):
                if outcome is None or not outcome.members.get(DENOMINATOR):
                    continue
                measure, part = str(definition.resource["id"]), str(group.id)
                met = bool(outcome.members.get(NUMERATOR))
                gap = self._gaps.get((measure, part)) if end == self._today and not met else None
                yield Standing(
                    measure,
                    part,
                    end,
                    met,
                    gap.grade if gap else 0,
                    {name: written for name, of in gap.facts.items() if (written := fact(values, of))}
                    if gap
                    else {},
                )


def fact(values: Definitions, name: str) -> str:
    """What a definition says in a few characters: a number with its unit, how many, a record; nothing for null."""
    try:
        return plain(values.value(name))
    except ShangyiError:
        return ""


def plain(value: Any) -> str:
    """A value as text; a resource as ``Type/id`` and what was measured, apart by a space."""
    if isinstance(value, list):
        return str(len(value))
    if isinstance(value, Quantity):
        return str(value.value)
    if isinstance(value, Element):
        inside = value.value
        if not isinstance(inside, dict):
            return str(inside)
        if value.type == "Quantity":
            found = to_quantity(value, 0)
            return "" if found is None else str(found.value)
        reference = f"{value.type}/{inside.get('id', '')}"
        measured = inside.get("valueQuantity", {})
        return f"{reference} {measured['value']}" if "value" in measured else reference
    return "" if value is None else str(value)
