"""The measurement period: two dates of FHIR, inclusive, as the interval that CQL asks for."""

import re
from dataclasses import dataclass
from typing import Any

from shangyi.errors import Invalid
from shangyi.query.cql.library import ParameterDef, Program
from shangyi.query.cql.operators.temporal import to_milliseconds
from shangyi.query.cql.types import DATE, IntervalOf
from shangyi.query.cql.values import Date, DateTime, Interval
from shangyi.query.temporal import Temporal, highest, lowest

PARAMETER = "Measurement Period"
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")


@dataclass(frozen=True, slots=True)
class Period:
    """From the first moment of ``start`` to the last of ``end``: days, months or years as FHIR writes them."""

    start: str
    end: str

    @classmethod
    def parse(cls, start: str, end: str | None = None) -> "Period":
        """Invalid unless both are dates and in order; without an end the period is ``start`` itself."""
        end = end or start
        for text in (start, end):
            if not _DATE.fullmatch(text) or Date.parse(text) is None:
                raise Invalid("{text} is no date: write 2025, 2025-07 or 2025-07-01", text=text[:40])
        if _days(start)[0] > _days(end)[1]:
            raise Invalid("The period ends before it begins: {start}, {end}", start=start, end=end)
        return cls(start, end)

    @property
    def days(self) -> tuple[str, str]:
        """The first and the last day, as a MeasureReport has them."""
        return _days(self.start)[0], _days(self.end)[1]

    def parameters(self, program: Program, offset: int) -> dict[str, Any]:
        """The parameter of a library: of DateTime, ``offset`` minutes from UTC, or of Date where it declares that."""
        declared = program.main.named.get(PARAMETER)
        first, last = _date(self.days[0]), _date(self.days[1])
        if isinstance(declared, ParameterDef) and declared.type == IntervalOf(DATE):
            return {PARAMETER: Interval(first, last, True, True, "Date")}
        low = to_milliseconds(DateTime(lowest(DateTime(first.parts)), offset))
        high = to_milliseconds(DateTime(highest(DateTime(last.parts)), offset))
        return {PARAMETER: Interval(low, high, True, True, "DateTime")}


def _date(text: str) -> Temporal:
    found = Date.parse(text)
    assert found is not None
    return found


def _days(text: str) -> tuple[str, str]:
    value = _date(text)
    return str(Date(lowest(value)[:3])), str(Date(highest(value)[:3]))
