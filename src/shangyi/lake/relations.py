"""The views of the library as SQL over what a lake holds."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from shangyi.errors import ShangyiError
from shangyi.lake import library
from shangyi.lake.catalog import Lake
from shangyi.query import views
from shangyi.query.columns import Table
from shangyi.query.views import ViewError
from shangyi.terminology.common_units import conversions

DIVISION = "https://shangyi.dev/fhir/StructureDefinition/division"
MEASURED = frozenset({"observation", "laboratory"})
"""Views with a value and its unit, which are given in the canonical unit too."""


class Described(NamedTuple):
    """A column for people: its name, its SQL type, what it holds."""

    name: str
    type: str
    description: str


ADDED: Mapping[str, tuple[Described, ...]] = {
    **{
        name: (
            Described("canonical_value", "DOUBLE", "Value in canonical_unit; null where the unit has none"),
            Described(
                "canonical_unit", "VARCHAR", "UCUM code of the unit that values of its kind are compared in"
            ),
        )
        for name in MEASURED
    },
    "notifiable_report": (
        Described("gender", "VARCHAR", "Gender of the resident, else of the person in the report"),
        Described("birth_year", "INTEGER", "Year of birth, likewise"),
        Described("division", "VARCHAR", "12-digit division of the home, likewise"),
    ),
}
"""Columns that no ViewDefinition can give: by the units' table, and out of the resource within a report."""


@cache
def columns(name: str) -> tuple[Described, ...]:
    """The columns of a view of the library, in order."""
    texts = {column["name"]: column["description"] for column in _columns(library.definition(name)["select"])}
    plan = views.compile(library.definition(name), Table(library.definition(name)["resource"], ()))
    own = (Described(c.name, _public(c.sql_type.name), texts[c.name]) for c in plan.columns)
    return (*own, *ADDED.get(name, ()))


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


def statements(
    lake: Lake, schema: str, here: str, unavailable: dict[str, ShangyiError]
) -> Iterator[tuple[str, str]]:
    """Each view of the library with its query, those that others read from first.

    What this lake cannot give (something that the view asks for has no column) goes to ``unavailable``.
    """
    for name in sorted(library.names(), key=lambda name: (name != "patient", name)):
        try:
            yield name, statement(name, lake.table(library.definition(name)["resource"]), schema, here)
        except ViewError as error:
            unavailable[name] = error


@lru_cache(maxsize=256)
def statement(name: str, table: Table, schema: str = "main", here: str = "views") -> str:
    """The query that a view of the library is.

    ``table``: what the lake holds of its type; ``schema``: where the tables of the types stand; ``here``: where the
    other views do. ViewError where the lake has something beyond its columns that the view asks for.
    """
    definition = library.definition(name)
    source = f'{schema}."{definition["resource"]}"'
    plan = views.compile(definition, table)
    chosen = ", ".join(
        f'cast("{c.name}" as {_public(c.sql_type.name)}) "{c.name}"'
        if c.sql_type.name.startswith("DECIMAL")
        else f'"{c.name}"'
        for c in plan.columns
    )
    text = f"select {chosen} from ({plan.sql('duckdb', source)})"
    if name in MEASURED:
        return _measured(text)
    return _reported(text, source, table, here) if name == "notifiable_report" else text


def _measured(text: str) -> str:
    units = ", ".join(
        f"({_text(c.unit)}, {_text(c.canonical)}, {c.factor!r}::double, {c.offset!r}::double)"
        for c in conversions()
    )
    return (
        "select v.*, v.value * u.factor + u.ahead canonical_value, u.canonical canonical_unit"
        f" from ({text}) v left join (values {units}) u(unit, canonical, factor, ahead) on v.unit = u.unit"
    )


def _reported(text: str, source: str, table: Table, here: str) -> str:
    """With the person: the resident, else the Patient within the report."""
    within = (
        f"select resource_key, contained, {_person('contained')} person"
        f" from {source} where contained is not null"
        if table.column("contained")
        else "select null::varchar resource_key, null::varchar[] contained, null::json person where false"
    )
    return (
        "select v.*, coalesce(p.gender, c.person ->> '$.gender') gender,"
        " coalesce(p.birth_year, try_cast(left(c.person ->> '$.birthDate', 4) as integer)) birth_year,"
        f" coalesce(p.division, {contained_division('c.contained')}) division from ({text}) v"
        f" left join ({within}) c on c.resource_key = v.id"
        f" left join {here}.patient p on p.patient_id = v.patient_id"
    )


def _person(contained: str) -> str:
    """The Patient among contained resources, as JSON."""
    return f"[c::json for c in {contained} if c::json ->> '$.resourceType' = 'Patient'][1]"


def contained_division(contained: str) -> str:
    """The division of the Patient among contained resources; null for none."""
    return (
        f"[e ->> '$.valueCoding.code' for e in cast({_person(contained)} -> '$.address[*].extension[*]' as json[])"
        f" if e ->> '$.url' = {_text(DIVISION)}][1]"
    )


def title_zh(name: str) -> str:
    """The Chinese title of a view."""
    for translation in library.definition(name)["_title"]["extension"]:
        parts = {part["url"]: part for part in translation["extension"]}
        if parts["lang"]["valueCode"] == "zh-CN":
            return str(parts["content"]["valueString"])
    raise KeyError(name)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
