"""The views that a lake has, and what the columns of the library's are."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from shangyi.errors import ShangyiError
from shangyi.lake import library
from shangyi.lake.added import MEASURED, PRESSURES, TIMED
from shangyi.lake.catalog import Lake
from shangyi.lake.row_view import REPORTED, RowView
from shangyi.query import views
from shangyi.query.columns import Table
from shangyi.query.views import ViewError


class Described(NamedTuple):
    """A column for people: its name, its SQL type, what it holds."""

    name: str
    type: str
    description: str


_MEASURED = (
    Described("canonical_value", "DOUBLE", "Value in canonical_unit; null where the unit has none"),
    Described(
        "canonical_unit", "VARCHAR", "UCUM code of the unit that its analyte, else its kind, is compared in"
    ),
    Described(
        "analyte", "VARCHAR", "glucose, creatinine, hba1c …: one name for codes by mass and by substance"
    ),
)
_PRESSURES = (
    Described("systolic_mmhg", "DOUBLE", "Systolic pressure in mmHg; null where the unit is no pressure"),
    Described("diastolic_mmhg", "DOUBLE", "Diastolic pressure in mmHg"),
)
_REPORTED = (
    Described("gender", "VARCHAR", "Gender of the resident, else of the person in the report"),
    Described("birth_year", "INTEGER", "Year of birth, likewise"),
    Described("division", "VARCHAR", "12-digit division of the home, likewise"),
)


def added(name: str) -> tuple[Described, ...]:
    """Columns that no ViewDefinition can give: by the units' table, by the clock, out of the resource within a report."""
    found = _MEASURED if name in MEASURED else _PRESSURES if name == PRESSURES else ()
    if name in TIMED:
        day = Described(
            "local_date", "DATE", f"Local day of {TIMED[name]}; null where only the month or year is known"
        )
        time = Described("local_time", "TIME", f"Local time of {TIMED[name]}; null where it is not known")
        found = (*found, day, time)
    return _REPORTED if name == REPORTED else found


@cache
def columns(name: str) -> tuple[Described, ...]:
    """The columns of a view of the library, in order."""
    texts = {column["name"]: column["description"] for column in _columns(library.definition(name)["select"])}
    plan = views.compile(library.definition(name), Table(library.definition(name)["resource"], ()))
    own = (Described(c.name, _public(c.sql_type.name), texts[c.name]) for c in plan.columns)
    return (*own, *added(name))


def _columns(selects: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for select in selects:
        found += select.get("column", ())
        found += _columns(select.get("select", ()))
        found += _columns(select.get("unionAll", ())[:1])
    return found


def _public(sql_type: str) -> str:
    """Decimals are DOUBLE in the views: what is averaged need not be exact to 18 digits."""
    return "DOUBLE" if sql_type.startswith("DECIMAL") else sql_type


def every(lake: Lake, unavailable: dict[str, ShangyiError]) -> Iterator[tuple[str, RowView]]:
    """Each view that a lake has: those of the library, first the one that others read from, then those kept beside it.

    What this lake cannot give (something that the view asks for has no column) goes to ``unavailable``.
    """
    for name in (*sorted(library.names(), key=lambda name: (name != "patient", name)), *own(lake)):
        try:
            yield name, of(lake, name)
        except ViewError as error:
            unavailable[name] = error


def own(lake: Lake) -> tuple[str, ...]:
    """The names of the views that are kept beside a lake and not of the library."""
    return tuple(name for name in sorted(lake.manifest.views) if name not in library.names())


def of(lake: Lake, name: str) -> RowView:
    """A view of the library, or one that is kept beside a lake; ViewError where the lake cannot give it."""
    definition = {} if name in library.names() else lake.manifest.views[name].definition
    return compiled(name, definition, lake.table((definition or library.definition(name))["resource"]))


def compiled(name: str, definition: Mapping[str, Any], table: Table) -> RowView:
    """A view over a table; an empty definition is that of the library."""
    return _of(json.dumps(definition), table) if definition else of_library(name, table)


@lru_cache(maxsize=256)
def of_library(name: str, table: Table) -> RowView:
    """A view of the library. ``table``: what the lake holds of its type.

    ViewError where the lake has something beyond its columns that the view asks for.
    """
    return RowView(library.definition(name), table, name)


@lru_cache(maxsize=64)
def _of(definition: str, table: Table) -> RowView:
    return RowView(json.loads(definition), table)


def definition(lake: Lake, name: str) -> Mapping[str, Any]:
    """The ViewDefinition of a view of the library, or of one that is kept beside a lake."""
    return library.definition(name) if name in library.names() else lake.manifest.views[name].definition


def columns_of(lake: Lake, name: str) -> tuple[Described, ...]:
    """The columns of a view that this lake has, in order."""
    if name in library.names():
        return columns(name)
    texts = {c.get("name"): str(c.get("description", "")) for c in _columns(definition(lake, name)["select"])}
    return tuple(
        Described(c.name, c.sql_type.name, texts.get(c.name, "")) for c in of(lake, name).plan.columns
    )


def title(view: Mapping[str, Any], language: str = "en") -> str:
    """The title of a ViewDefinition, in another language where it has that; else its name."""
    for translation in view.get("_title", {}).get("extension", ()) if language != "en" else ():
        parts = {part["url"]: part for part in translation["extension"]}
        if parts["lang"]["valueCode"] == language:
            return str(parts["content"]["valueString"])
    return str(view.get("title") or view.get("name") or "")
