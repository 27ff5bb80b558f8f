"""The arrays of a population as they lie on the disk, mapped: every process of a server reads the same pages of memory.

Residents are sorted by place, so that a village, a town, a county is a run of rows; the figures of each place are kept
beside them, so that those of any area are a sum over its places.
"""

import datetime as dt
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from shangyi.store.model import Scope

FORMAT = 1
BAND_YEARS, BANDS = 5, 18
"""Ages by five years, the last from 85."""
VISIT_DAYS, YEAR_DAYS, REPORT_WEEKS = 90, 364, 8
SEXES = "mfou"
KINDS = ("", "urgent", "chronic", "due", "screening")
"""What somebody may be due for; the first is anything."""
ORDERS = ("name", "age", "visit")
Array = npt.NDArray[Any]


class Diagnosis(msgspec.Struct, frozen=True):
    """A state ``problem:<code>`` or ``illness:<code>``, and its coding."""

    state: str
    coding: dict[str, str]


class About(msgspec.Struct, frozen=True):
    """What a population is of. ``rules``: ids in the order of their bits; ``digest``: of all of them.

    ``as_of``: the instant of the lake; ``source``: of which state of which record that lake was. ``visits_from``: the first
    of the ``VISIT_DAYS`` days. ``reports``: coding of each reported disease.
    """

    format: int
    digest: str
    today: dt.date
    as_of: dt.datetime
    source: dict[str, str]
    rules: list[str]
    visits_from: dt.date
    diagnoses: list[Diagnosis]
    reports: list[dict[str, str]]


class Population:
    """One population, opened. The arrays of residents have a row for each, those of places one for each place."""

    def __init__(self, directory: Path) -> None:
        """Raises OSError or msgspec.DecodeError where it is not whole."""
        self.directory = directory
        self.about = msgspec.json.decode((directory / "about.json").read_bytes(), type=About)
        if self.about.format != FORMAT:
            raise msgspec.ValidationError(f"format {self.about.format}")

    def array(self, name: str) -> Array:
        """One of the arrays that ``build`` wrote."""
        found: Array | None = self._arrays.get(name)
        if found is None:
            found = self._arrays[name] = np.load(self.directory / f"{name}.npy", mmap_mode="r")
        return found

    @cached_property
    def _arrays(self) -> dict[str, Array]:
        return {}

    @cached_property
    def bit(self) -> dict[str, int]:
        """The place of each rule among the bits."""
        return {rule: number for number, rule in enumerate(self.about.rules)}

    @cached_property
    def diagnosis(self) -> dict[str, int]:
        """The number of each diagnosis."""
        return {found.state: number for number, found in enumerate(self.about.diagnoses)}

    def places(self, scope: Scope) -> slice:
        """The places within a scope's area; all for none. A panel is not a matter of places."""
        return self.between(*scope.area) if scope.area is not None else slice(0, len(self.array("places")))

    def between(self, first: int, last: int) -> slice:
        """The places from one division to another, both included."""
        low, high = np.searchsorted(self.array("places"), [first, last + 1])
        return slice(int(low), int(high))

    def rows(self, places: slice) -> slice:
        """The residents of these places."""
        starts = self.array("starts")
        return slice(int(starts[places.start]), int(starts[max(places.stop, places.start)]))

    def residents(self, scope: Scope) -> int:
        """How many residents within a scope's area."""
        rows = self.rows(self.places(scope))
        return int(rows.stop - rows.start)
