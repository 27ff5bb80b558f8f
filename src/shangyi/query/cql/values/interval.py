"""Intervals (https://cql.hl7.org/02-authorsguide.html#interval-values)."""

from dataclasses import dataclass
from typing import Any

from shangyi.query.cql.values.types import point_type


@dataclass(frozen=True, slots=True)
class Interval:
    """From ``low`` to ``high``.

    A boundary that is None means the least (greatest) value of the point type where it is closed, and an unknown
    one where it is open. ``point`` names the point type where no boundary shows it.
    """

    low: Any
    high: Any
    low_closed: bool = True
    high_closed: bool = True
    point: str | None = None

    @property
    def point_type(self) -> str | None:
        """``Integer``, ``DateTime`` …, None where nothing tells it."""
        for boundary in (self.low, self.high):
            if boundary is not None:
                return point_type(boundary)
        return self.point

    def __str__(self) -> str:
        left, right = "[" if self.low_closed else "(", "]" if self.high_closed else ")"
        low, high = ("null" if b is None else str(b) for b in (self.low, self.high))
        return f"Interval{left}{low}, {high}{right}"
