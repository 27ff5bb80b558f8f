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
    """Series over time. ``x``: ISO dates. ``bands``: low and high of each target, in ``unit``.

    ``csv``: the address of the table as a file. ``hrefs``: where each ``x`` leads.
    """

    label: str
    x: Sequence[str]
    series: Sequence[Series]
    unit: str = ""
    band: tuple[float | None, float | None] | None = None
    marks: Sequence[Mark] = field(default_factory=tuple)
    kind: str = "time"
    csv: str = ""
    hrefs: Sequence[str] = ()
    legend: bool = True
    from_: str = ""
    until: str = ""

    @property
    def columns(self) -> list[str]:
        """Headings of the chart's table."""
        return ["", *(s.name for s in self.series)]

    @property
    def rows(self) -> list[list[Any]]:
        """Rows of the chart's table, newest first."""
        rows = [[x, *(s.values[i] for s in self.series)] for i, x in enumerate(self.x)]
        return rows[::-1]

    @property
    def links(self) -> list[list[str]]:
        """Where the cells of the table lead: the first of each row."""
        return [[href] for href in reversed(self.hrefs)]


@dataclass(frozen=True, slots=True)
class Pyramid:
    """Ages by sex, youngest first; ``male`` and ``female`` in ``unit`` (percent of all), ``counts`` for the table."""

    label: str
    ages: Sequence[str]
    male: Sequence[float]
    female: Sequence[float]
    male_name: str
    female_name: str
    unit: str = "%"
    kind: str = "pyramid"
    csv: str = ""
    hrefs: Sequence[Sequence[str]] = ()
    counts: Sequence[tuple[int, int]] = ()

    @property
    def columns(self) -> list[str]:
        """Headings of the chart's table."""
        return ["", self.male_name, self.female_name]

    @property
    def rows(self) -> list[list[Any]]:
        """Rows of the chart's table, oldest first."""
        shares = list(zip(self.male, self.female, strict=True))
        values: Sequence[tuple[float, float]] = self.counts or shares
        return [[age, *pair] for age, pair in zip(self.ages, values, strict=True)][::-1]

    @property
    def links(self) -> list[list[str]]:
        """Where the cells of the table lead: both sexes of each row."""
        return [["", *row] for row in reversed(self.hrefs)]


Chart = TimeChart | Pyramid


def chart_json(chart: Chart) -> str:
    """The model as JSON for the data attribute."""
    return msgspec.json.encode(asdict(chart)).decode()
