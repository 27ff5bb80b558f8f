"""Charts: drawn by ECharts from a model in a data attribute, each with its table on the page."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import msgspec


@dataclass(frozen=True, slots=True)
class Series:
    """``values`` run along the chart's ``x``; None where nothing was measured. ``hollow`` marks single points
    (home readings) drawn as hollow circles."""

    name: str
    values: Sequence[float | None]
    kind: Literal["line", "bar"] = "line"
    colour: Literal["brand", "brand-2", "male", "female", "grade-1", "grade-2"] = "brand"
    symbols: bool = True
    hollow: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at ``x``: a medicine started."""

    x: str
    label: str


@dataclass(frozen=True, slots=True)
class TimeChart:
    """Series over time. ``x``: ISO dates. ``band``: low and high of the reference range, in ``unit``."""

    label: str
    x: Sequence[str]
    series: Sequence[Series]
    unit: str = ""
    band: tuple[float | None, float | None] | None = None
    marks: Sequence[Mark] = field(default_factory=tuple)
    kind: str = "time"

    @property
    def columns(self) -> list[str]:
        """Headings of the chart's table."""
        return ["", *(s.name for s in self.series)]

    @property
    def rows(self) -> list[list[Any]]:
        """Rows of the chart's table, newest first."""
        rows = [[x, *(s.values[i] for s in self.series)] for i, x in enumerate(self.x)]
        return rows[::-1]


@dataclass(frozen=True, slots=True)
class Pyramid:
    """Ages by sex, youngest first; ``male`` and ``female`` in ``unit`` (percent of all)."""

    label: str
    ages: Sequence[str]
    male: Sequence[float]
    female: Sequence[float]
    male_name: str
    female_name: str
    unit: str = "%"
    kind: str = "pyramid"

    @property
    def columns(self) -> list[str]:
        """Headings of the chart's table."""
        return ["", self.male_name, self.female_name]

    @property
    def rows(self) -> list[list[Any]]:
        """Rows of the chart's table, oldest first."""
        return [list(row) for row in zip(self.ages, self.male, self.female, strict=True)][::-1]


Chart = TimeChart | Pyramid


def chart_json(chart: Chart) -> str:
    """The model as JSON for the data attribute."""
    return msgspec.json.encode(asdict(chart)).decode()
