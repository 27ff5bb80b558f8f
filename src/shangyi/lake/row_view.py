"""A view as what it gives of each resource by itself: computed over any of a lake's files, and kept beside them.

Nothing in a ViewDefinition looks at another resource, so that what a file gives stays as it is as long as the file does.
What joins the rows of another view (``finished``) is done when they are read.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from shangyi.lake import added
from shangyi.lake.type_files import ROW
from shangyi.query import views
from shangyi.query.columns import Table

DIVISION = "https://shangyi.dev/fhir/StructureDefinition/division"
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
        reported = ("_gender", "_birth_year", "_division") if self.name == REPORTED else ()
        return (*own, *added.names(self.name), *reported)

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
        return added.columns(text, own, self.name, "duckdb", beside)

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
