"""What a measurement can be, and what is asked about: ``web/data/limits.yaml``."""

from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

import yaml  # type: ignore[import-untyped]


@cache
def limits() -> dict[str, Any]:
    """The file."""
    text = resources.files("shangyi.web").joinpath("data", "limits.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def possible(name: str, value: Decimal) -> bool:
    """Whether anybody can have this value, or it is in another unit, which ``usual`` asks about."""
    low, high = limits()[name]["possible"]
    return low <= value <= high or other_unit(name, value) is not None


def usual(name: str, value: Decimal) -> bool:
    """Whether nobody has to be asked about it."""
    low, high = limits()[name]["usual"]
    return bool(low <= value <= high)


def other_unit(name: str, value: Decimal) -> tuple[str, Decimal] | None:
    """The unit that this value may have been written in, and what it is in ours; None where that would not fit."""
    hint = limits()[name].get("hint")
    if not hint:
        return None
    outside = value < hint["below"] if "below" in hint else value > hint["above"]
    meant = (value * Decimal(str(hint["factor"]))).quantize(
        Decimal("0.1") if hint["factor"] < 1 else Decimal(1)
    )
    return (hint["unit"], meant) if outside and usual(name, meant) else None
