"""Shangyi 上医: one FHIR R4 record for a population, and what can be learnt from it."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shangyi.lake.analysis import Population

__version__ = "0.1.0"


def open(place: str | Path) -> "Population":
    """Open a lake to ask it: ``shangyi.open("/data/lake").sql("select …").polars()``. See docs/analysis.md.

    ``place``: the directory of a lake, a SHANGYI_HOME that holds one, or a ``file:`` URL of either.
    """
    from shangyi.lake.analysis import (
        open as opened,
    )  # duckdb and pyarrow, which nobody else needs to wait for

    return opened(place)
