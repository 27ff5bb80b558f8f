"""Columns of the library's views that no ViewDefinition can give: values in the unit to compare in, by the table of units,
and the local day and time. The same on both engines, to the last bit.
"""

from collections.abc import Sequence

from shangyi.store.search.date import ZONE
from shangyi.terminology.analytes import LOINC, analytes
from shangyi.terminology.common_units import conversions

MEASURED = frozenset({"observation", "laboratory"})
"""Views of the library with a value and its unit, which are given in the unit to compare in too."""
CANONICAL = ("canonical_value", "canonical_unit", "analyte")
PRESSURES, MMHG = "blood_pressure", ("systolic_mmhg", "diastolic_mmhg")
TIMED = {
    "blood_pressure": "effective",
    "claim": "created",
    "condition": "recorded",
    "encounter": "started",
    "immunization": "occurrence",
    "laboratory": "effective",
    "medication_dispense": "dispensed",
    "medication_request": "authored",
    "observation": "effective",
}
"""Views of the library with an instant, of which the local day and time of day are given too."""
CLOCK = ("local_date", "local_time")


def names(view: str) -> tuple[str, ...]:
    """Those of a view of the library, in order."""
    measured = CANONICAL if view in MEASURED else ()
    pressures = MMHG if view == PRESSURES else ()
    return (*measured, *pressures, *(CLOCK if view in TIMED else ()))


def columns(text: str, own: Sequence[str], view: str, dialect: str, beside: Sequence[str] = ()) -> str:
    """The query ``text``, of the columns ``own`` and ``beside``, with these in between."""
    if view in MEASURED:
        text, own = _measured(text, own, beside), [*own, *CANONICAL]
    if view == PRESSURES:
        text, own = _in_mmhg(text, own, beside), [*own, *MMHG]
    return _timed(text, own, TIMED[view], dialect, beside) if view in TIMED else text


def _units() -> str:
    rows = ", ".join(
        f"({_text(c.unit)}, {_text(c.canonical)}, {_double(c.factor)}, {_double(c.offset)})"
        for c in conversions()
    )
    return f"(values {rows}) u(unit, kind, factor, ahead)"


def _analytes() -> str:
    """By code: the unit to compare in, and from which kinds of unit it is come to, at most two."""
    nothing = ("null", "null::double", "null::double")
    rows = []
    for analyte in analytes():
        ways = [(_text(way.unit), _double(way.factor), _double(way.offset)) for way in analyte.ways]
        first, second = (*ways, nothing)[:2]
        rows.append(
            f"({', '.join([*map(_text, (analyte.code, analyte.name, analyte.unit)), *first, *second])})"
        )
    return f"(values {', '.join(rows)}) a(code, analyte, unit, kind, factor, ahead, other, other_factor, other_ahead)"


def _measured(text: str, columns: Sequence[str], beside: Sequence[str]) -> str:
    """With the value in the unit that its analyte, else its kind of unit, is compared in."""
    own = [f"v.{_name(name)}" for name in columns]
    base = "(v.value * u.factor + u.ahead)"
    unit = "case when u.kind = a.kind or u.kind = a.other then a.unit else u.kind end"
    return (
        f"select {', '.join(own)}, case when v.unit = {unit} then v.value"
        f" when u.kind = a.kind then {base} * a.factor + a.ahead"
        f" when u.kind = a.other then {base} * a.other_factor + a.other_ahead"
        f" else {base} end canonical_value,"
        f" {unit} canonical_unit, a.analyte"
        f"{''.join(f', v.{name}' for name in beside)}"
        f" from ({text}) v left join {_units()} on v.unit = u.unit"
        f" left join {_analytes()} on v.system = {_text(LOINC)} and v.code = a.code"
    )


def _in_mmhg(text: str, columns: Sequence[str], beside: Sequence[str]) -> str:
    own = [f"v.{_name(name)}" for name in columns]
    made = [f"v.{name} * u.factor + u.ahead {name}_mmhg" for name in ("systolic", "diastolic")]
    return (
        f"select {', '.join([*own, *made, *(f'v.{name}' for name in beside)])} from ({text}) v"
        f" left join {_units()} on v.unit = u.unit and u.kind = 'mm[Hg]'"
    )


def _timed(text: str, columns: Sequence[str], of: str, dialect: str, beside: Sequence[str]) -> str:
    """With the day and the time of day where the platform is; neither where ``of`` is less precise."""
    zone = _text(ZONE.tzname(None))
    if dialect == "spark":
        here = f"from_utc_timestamp(try_cast({of} as timestamp), {zone})"
        clock = f"make_time(hour({here}), minute({here}), extract(second from {here}))"
    else:
        here = f"timezone({zone}, try_cast({of} as timestamptz))"
        clock = f"{here}::time"
    day = f"case when length({of}) = 10 then try_cast({of} as date) when length({of}) > 10 then {here}::date end"
    time = f"case when length({of}) > 10 then {clock} end"
    chosen = [*map(_name, columns), f"{day} {CLOCK[0]}", f"{time} {CLOCK[1]}", *beside]
    return f"select {', '.join(chosen)} from ({text})"


def _double(value: float) -> str:
    """Of its text: an engine that made a decimal of it first could come to its neighbour."""
    return f"cast({_text(repr(value))} as double)"


def _name(name: str) -> str:
    return f'"{name}"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
