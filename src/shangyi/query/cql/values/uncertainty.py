"""A value that is only known to lie in a range (https://cql.hl7.org/05-languagesemantics.html#uncertainty)."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """Some value from ``low`` to ``high``, both included; made by ``between``, so that it always has a width."""

    low: Any
    high: Any

    @staticmethod
    def between(low: Any, high: Any) -> Any:
        """The uncertainty, or the value itself where there is only one."""
        return low if low == high else Uncertainty(low, high)


def bounds(value: Any) -> tuple[Any, Any]:
    """The least and the greatest that a value can be."""
    return (value.low, value.high) if type(value) is Uncertainty else (value, value)
