"""What evaluation found for one subject: kept as JSON, counted together into reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec


@dataclass(frozen=True, slots=True)
class Number:
    """A measure observation; ``unit`` is of UCUM where it is a quantity."""

    value: Decimal
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Coded:
    """A value to divide by or to report: a text, and its codes as (system, code, display)."""

    text: str
    codes: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One group. Items are the subject itself (boolean basis) or what the basis counts, by ``Type/id``.

    ``members``: population key to items, after scoring. ``observations``: key of a measure observation to the value for
    each item. ``strata``: of each stratifier, the value (one for each component) of each item.
    """

    members: Mapping[str, tuple[str, ...]]
    observations: Mapping[str, Mapping[str, Number]] = field(default_factory=dict)
    strata: tuple[Mapping[str, tuple[Coded, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """One subject (``Patient/1``). A group that could not be evaluated is None, and ``faults`` say why."""

    subject: str
    groups: tuple[Outcome | None, ...]
    supplemental: Mapping[str, tuple[Coded, ...]] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


def dumps(result: Result) -> bytes:
    """As JSON."""
    return msgspec.json.encode(result)


def loads(data: bytes | str) -> Result:
    """From JSON."""
    return msgspec.json.decode(data, type=Result)
