"""What the search tables hold for one current resource: the interface between the writer and ``store.search``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple, cast

from shangyi.store.keys import NO_DATE, NONE

Resource = dict[str, Any]

LAYOUT = 3
"""Which way the rows are computed. Raise it with every change of it: stores are then rebuilt at their next start."""


class DateValue(NamedTuple):
    """A further date: ``keys.parameter``, first and last microsecond since 1970 (inclusive)."""

    parameter: int
    low: int
    high: int


class NumberValue(NamedTuple):
    """A number or quantity: ``keys.parameter``, key of its unit (0: none), bounds."""

    parameter: int
    unit: int
    low: float
    high: float


class StringValue(NamedTuple):
    """A string to sort by or to compare as a prefix: ``keys.parameter``, folded text of at most 64 characters."""

    parameter: int
    value: str


@dataclass(slots=True)
class IndexRow:
    """One row of ``search`` and its narrow rows.

    ``patient``: rid of the resident whose compartment it is in (of itself for a Patient), 0 for none.
    ``area``: the resource's own 12-digit division code, 0 for none; others have their resident's.
    ``code``: ``keys.token`` of the primary code, 0 for none. ``date``, ``date_end``: first and last microsecond
    of the main date. ``tokens``: sorted, without repeats.
    """

    patient: int = NONE
    area: int = 0
    code: int = NONE
    date: int = NO_DATE
    date_end: int = NO_DATE
    tokens: Sequence[int] = ()
    dates: Sequence[DateValue] = ()
    numbers: Sequence[NumberValue] = ()
    strings: Sequence[StringValue] = field(default=())


Indexer = Callable[[Resource], IndexRow]


def indexer() -> Indexer:
    """The function that computes the rows: ``store.search.index.rows``; imported late, it loads the definitions."""
    try:
        module = import_module("shangyi.store.search.index")
    except ModuleNotFoundError:  # until the search package is there
        return lambda resource: IndexRow()
    return cast(Indexer, module.rows)
