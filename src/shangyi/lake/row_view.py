"""A view as what it gives of each resource by itself: computed over any of a lake's files, and kept beside them.

Nothing in a ViewDefinition looks at another resource, so that what a file gives stays as it is as long as the file does.
What joins the rows of another view (``finished``) is done when they are read.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from shangyi.lake.type_files import ROW
from shangyi.query import views
from shangyi.query.columns import Table
from shangyi.store.search.date import ZONE
from shangyi.terminology.analytes import LOINC, analytes
from shangyi.terminology.common_units import conversions

DIVISION = "https://shangyi.dev/fhir/StructureDefinition/division"
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
REPORTED = "notifiable_report"
"""The view of the library that looks into the person within a report."""
PATIENT, HOME = "_lake_patient", "_lake_home"
"""Beside the columns of rows that are kept: whose the resource is; the division of the person within it."""
BESIDE = (ROW, PATIENT, HOME)
_PERSON = "_lake_person"


class RowView:
    """A ViewDefinition over a table. ``name``: in the library, where it is of it. ViewError where it is wrong."""

    def __init__(self, definition: Mapping[str, Any], table: Table, name: str = "") -> None:
        self.definition, self.table, self.name = definition, table, name
        self.plan = views.compile(definition, table)

    @property
    def type(self) -> str:
        """The resource type that it is of."""
        return self.plan.view.resource

    @property
    def columns(self) -> tuple[str, ...]:
        """What ``sql`` gives; names that begin with ``_`` are for ``finished`` only."""
        own = tuple(column.name for column in self.plan.columns)
        measured = CANONICAL if self.name in MEASURED else ()
        pressures = MMHG if self.name == PRESSURES else ()
        reported = ("_gender", "_birth_year", "_division") if self.name == REPORTED else ()
        return (*own, *measured, *pressures, *(CLOCK if self.name in TIMED else ()), *reported)

    @cached_property
    def key(self) -> str:
        """Changes when what it gives of a row may: with the definition, the columns of the table, the release."""
        text = self.sql("source", BESIDE) + repr(self.plan.columns)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def sql(self, source: str, beside: Sequence[str] = ()) -> str:
        """The query over the relation ``source``, of which ``beside`` are columns that go along."""
        if not self.name:
            return self.plan.sql("duckdb", source, beside=beside)
        if self.name == REPORTED:
            person = _person("contained") if self.table.column("contained") else "null::json"
            source = f"(select *, {person} {_PERSON} from {source})"
            text = self._doubles(source, (*beside, _PERSON))
            return (
                f"select {', '.join(_name(c.name) for c in self.plan.columns)},"
                f" {_PERSON} ->> '$.gender' _gender,"
                f" try_cast(left({_PERSON} ->> '$.birthDate', 4) as integer) _birth_year,"
                f" {_division(_PERSON)} _division{''.join(f', {name}' for name in beside)} from ({text})"
            )
        text = self._doubles(source, beside)
        own = [column.name for column in self.plan.columns]
        if self.name in MEASURED:
            text, own = _measured(text, own, beside), [*own, *CANONICAL]
        if self.name == PRESSURES:
            text, own = _in_mmhg(text, own, beside), [*own, *MMHG]
        return _timed(text, own, TIMED[self.name], beside) if self.name in TIMED else text

    def _doubles(self, source: str, beside: Sequence[str]) -> str:
        """Decimals as DOUBLE: what is averaged need not be exact to 18 digits."""
        chosen = [
            f"cast({_name(c.name)} as DOUBLE) {_name(c.name)}"
            if c.sql_type.name.startswith("DECIMAL")
            else _name(c.name)
            for c in self.plan.columns
        ]
        return (
            f"select {', '.join([*chosen, *beside])} from ({self.plan.sql('duckdb', source, beside=beside)})"
        )

    def beside(self, source: str) -> str:
        """A relation of the type that has ``ROW``, with the other columns of ``BESIDE``."""
        home = contained_division("contained") if self.table.column("contained") else "null::varchar"
        return f"(select *, patient_key {PATIENT}, {home} {HOME} from ({source}))"

    def finished(self, rows: str, here: str) -> str:
        """What is asked for, of the rows of ``sql``. ``here``: the schema of the other views of the library."""
        if self.name != REPORTED:
            return rows
        return (
            "select v.* exclude (_gender, _birth_year, _division), coalesce(p.gender, v._gender) gender,"
            " coalesce(p.birth_year, v._birth_year) birth_year, coalesce(p.division, v._division) division"
            f" from ({rows}) v left join {here}.patient p on p.patient_id = v.patient_id"
        )


def _units() -> str:
    rows = ", ".join(
        f"({_text(c.unit)}, {_text(c.canonical)}, {c.factor!r}::double, {c.offset!r}::double)"
        for c in conversions()
    )
    return f"(values {rows}) u(unit, kind, factor, ahead)"


def _analytes() -> str:
    """By code: the unit to compare in, and from which kinds of unit it is come to, at most two."""
    nothing = ("null", "null::double", "null::double")
    rows = []
    for analyte in analytes():
        ways = [
            (_text(way.unit), f"{way.factor!r}::double", f"{way.offset!r}::double") for way in analyte.ways
        ]
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


def _timed(text: str, columns: Sequence[str], of: str, beside: Sequence[str]) -> str:
    """With the day and the time of day where the platform is; neither where ``of`` is less precise."""
    here = f"timezone('{ZONE.tzname(None)}', try_cast({of} as timestamptz))"
    day = f"case when length({of}) = 10 then try_cast({of} as date) when length({of}) > 10 then {here}::date end"
    time = f"case when length({of}) > 10 then {here}::time end"
    chosen = [*map(_name, columns), f"{day} {CLOCK[0]}", f"{time} {CLOCK[1]}", *beside]
    return f"select {', '.join(chosen)} from ({text})"


def _person(contained: str) -> str:
    """The Patient among contained resources, as JSON."""
    return f"[c::json for c in {contained} if c::json ->> '$.resourceType' = 'Patient'][1]"


def contained_division(contained: str) -> str:
    """The division of the Patient among contained resources; null for none."""
    return _division(_person(contained))


def _division(person: str) -> str:
    return (
        f"[e ->> '$.valueCoding.code' for e in cast({person} -> '$.address[*].extension[*]' as json[])"
        f" if e ->> '$.url' = {_text(DIVISION)}][1]"
    )


def _name(name: str) -> str:
    return f'"{name}"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
