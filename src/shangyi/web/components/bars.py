"""Bars: labelled horizontal bars, for a cascade (each step a part of the one before) or a ranking."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """``value`` sets the length, ``text`` is printed behind it, ``step`` 1 to 4 its depth of colour."""

    label: str
    value: float
    text: str
    note: str = ""
    step: int = 3
    href: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """All bars are drawn against the longest."""

    bars: Sequence[Bar]

    def width(self, bar: Bar) -> float:
        """Length of a bar in percent of the longest, to one place."""
        longest = max((b.value for b in self.bars), default=0) or 1
        return round(100 * bar.value / longest, 1)
