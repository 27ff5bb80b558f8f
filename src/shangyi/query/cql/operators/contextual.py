"""Operators that depend on the evaluation: its instant, its offset from UTC, its terminology, its messages."""

from collections.abc import Callable
from typing import Any, Protocol

from shangyi.query.cql.operators import conversion, temporal, terminology
from shangyi.query.cql.operators.terminology import Terminology
from shangyi.query.cql.values import Date, DateTime, Time, Uncertainty
from shangyi.query.errors import EvaluationError

_FINE = frozenset({"hour", "minute", "second", "millisecond"})


class Context(Protocol):
    """What the operators ask of an evaluation."""

    @property
    def now(self) -> DateTime:
        """Its instant, with milliseconds and offset."""

    @property
    def offset(self) -> int:
        """Minutes from UTC, for dates that are written without."""

    @property
    def terminology(self) -> Terminology:
        """Value sets and code systems."""

    def message(self, severity: str, code: str | None, text: str | None, source: Any) -> None:
        """Take a message, warning or trace."""


def _now(at: Context) -> DateTime:
    return at.now


def _today(at: Context) -> Date:
    return temporal.date_from(at.now)


def _time_of_day(at: Context) -> Time:
    return Time(at.now.parts[3:])


def _make_datetime(at: Context, *components: Any) -> DateTime | None:
    offset = components[7] if len(components) > 7 else None
    return temporal.make_datetime(components[:7], at.offset if offset is None else int(offset * 60))


def _time_from(at: Context, value: Any) -> Time | None:
    return None if value is None else temporal.time_from(value, at.offset)


def _to_datetime(at: Context, value: Any) -> DateTime | None:
    return conversion.to_datetime(value, at.offset)


def _converts_to_datetime(at: Context, value: Any) -> bool | None:
    return None if value is None else conversion.to_datetime(value, at.offset) is not None


def _to_string(at: Context, value: Any) -> str | None:
    return conversion.to_string(value, at.offset)


def _converts_to_string(at: Context, value: Any) -> bool | None:
    return None if value is None else conversion.to_string(value, at.offset) is not None


def _calculate_age(at: Context, birth: Any, precision: str = "year") -> int | Uncertainty | None:
    return _calculate_age_at(at, birth, at.now if precision in _FINE else _today(at), precision)


def _calculate_age_at(
    at: Context, birth: Any, as_of: Any, precision: str = "year"
) -> int | Uncertainty | None:
    if birth is None or as_of is None:
        return None
    if type(birth) is not type(as_of):  # a Date and a DateTime
        birth, as_of = (conversion.to_datetime(value, at.offset) for value in (birth, as_of))
    return temporal.duration(birth, as_of, precision)


def _message(
    at: Context,
    source: Any,
    condition: bool | None = True,
    code: str | None = None,
    severity: str | None = None,
    text: str | None = None,
) -> Any:
    if condition:
        if severity == "Error":
            raise EvaluationError("{message} ({code})", message=text or "", code=code or "")
        at.message(severity or "Message", code, text, source)
    return source


def _with_terminology(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda at, *operands: function(at.terminology, *operands)


CONTEXTUAL: dict[str, Callable[..., Any]] = {
    "Now": _now,
    "Today": _today,
    "TimeOfDay": _time_of_day,
    "DateTime": _make_datetime,
    "TimeFrom": _time_from,
    "ToDateTime": _to_datetime,
    "ConvertsToDateTime": _converts_to_datetime,
    "ToString": _to_string,
    "ConvertsToString": _converts_to_string,
    "CalculateAge": _calculate_age,
    "CalculateAgeAt": _calculate_age_at,
    "Message": _message,
    "InValueSet": _with_terminology(terminology.in_valueset),
    "AnyInValueSet": _with_terminology(terminology.in_valueset),
    "InCodeSystem": _with_terminology(terminology.in_codesystem),
    "AnyInCodeSystem": _with_terminology(terminology.in_codesystem),
    "ExpandValueSet": _with_terminology(terminology.expand_valueset),
    "Subsumes": _with_terminology(terminology.subsumes),
    "SubsumedBy": _with_terminology(terminology.subsumed_by),
}
