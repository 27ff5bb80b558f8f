"""Tuples and ratios."""

from dataclasses import dataclass
from typing import Any

from shangyi.query.quantity import Quantity


@dataclass(frozen=True, slots=True)
class Tuple:
    """Named elements; one that is null is there with None."""

    elements: dict[str, Any]

    def __str__(self) -> str:
        return "Tuple { " + ", ".join(f"{name}: {value}" for name, value in self.elements.items()) + " }"


@dataclass(frozen=True, slots=True)
class Ratio:
    """``5 'mg' : 10 'mL'``."""

    numerator: Quantity
    denominator: Quantity

    def __str__(self) -> str:
        return f"{self.numerator}:{self.denominator}"
