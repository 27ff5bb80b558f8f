"""The columns that FHIR is kept in: the contract between what writes them (``lake``) and what compiles to them.

A resource type is one table. A top-level column is a FHIR JSON key (``birthDate``, ``_birthDate``,
``valueQuantity``); below stand STRUCT and LIST exactly as objects and arrays stand in JSON, and the nulls of an
array of primitives stay nulls. Kinds go by the R4 tables, never by the look of a value:

| FHIR type | kind | column |
|---|---|---|
| boolean | ``boolean`` | BOOLEAN |
| integer, positiveInt, unsignedInt | ``integer`` | INTEGER |
| every other primitive, decimal too | ``text`` | VARCHAR, as written |
| Resource (``contained``, ``Bundle.entry.resource`` …) | ``json`` | VARCHAR with the JSON text |
| anything with elements, and ``_birthDate`` | ``struct`` | STRUCT of the fields that occur |

Only columns that the data hold exist. What a table has no column for is empty: the compiler writes a typed NULL.

Beside them every table has flat columns in snake_case, which no FHIR key is and ``Table.columns`` does not list:

| column | kind | what |
|---|---|---|
| ``resource_key`` | text | ``Patient/1``: what ``getResourceKey()`` gives |
| ``patient_key`` | text | the patient it is about, ``Patient/1`` |
| ``codes`` | text, many | ``system|code`` of each coding of the type's main code; ``|code`` where there is no system |
| ``primary_code`` | text | the first of them |
| ``date_low``, ``date_high`` | TIMESTAMP | first and last instant (UTC) of its main date |
| ``rest_json`` | text | what lay outside the bounds of the schema, as JSON; NULL where nothing did |

``Table.beyond`` names the elements of which something stands in ``rest_json`` only, by their JSON keys
(``extension.extension.extension``, ``item.item.item.item``). An expression that asks for such an element, or for one
below it, is an error of the compiler, because its answer would be silently incomplete.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Self, cast, get_args

from shangyi.errors import Invalid
from shangyi.fhir import definitions

Kind = Literal["text", "boolean", "integer", "json", "struct"]
_KINDS = frozenset(get_args(Kind))
_INTEGERS = frozenset({"integer", "positiveInt", "unsignedInt"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column, or a field of a STRUCT. ``many``: a LIST of it. ``fields``: of kind ``struct`` only."""

    name: str
    kind: Kind
    many: bool = False
    fields: tuple["Column", ...] = ()

    def field(self, name: str) -> "Column | None":
        """The field of that name."""
        return next((field for field in self.fields if field.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON, for a manifest."""
        plain: dict[str, Any] = {"name": self.name, "kind": self.kind}
        if self.many:
            plain["many"] = True
        if self.fields:
            plain["fields"] = [field.to_json() for field in self.fields]
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """What ``to_json`` gave; Invalid where it is something else."""
        kind = plain.get("kind")
        if kind not in _KINDS or not isinstance(plain.get("name"), str):
            raise Invalid("This is not the description of a column: {text}", text=str(dict(plain))[:200])
        fields = tuple(cls.from_json(field) for field in plain.get("fields", ()))
        return cls(plain["name"], cast(Kind, kind), bool(plain.get("many", False)), fields)


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of one resource type, and what stands in its residual only (``beyond``)."""

    resource_type: str
    columns: tuple[Column, ...]
    beyond: frozenset[str] = frozenset()

    def column(self, name: str) -> Column | None:
        """The column of that name."""
        return next((column for column in self.columns if column.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON, for a manifest."""
        return {
            "resource_type": self.resource_type,
            "columns": [column.to_json() for column in self.columns],
            "beyond": sorted(self.beyond),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """What ``to_json`` gave."""
        columns: Iterable[Mapping[str, Any]] = plain["columns"]
        return cls(
            plain["resource_type"],
            tuple(Column.from_json(column) for column in columns),
            frozenset(plain.get("beyond", ())),
        )


FLAT = ("resource_key", "patient_key", "codes", "primary_code", "date_low", "date_high", "rest_json")
"""The flat columns that expressions may rely on."""


@cache
def kind_of(type_name: str) -> Kind:
    """The kind of column for a FHIR type by its name or backbone path."""
    if type_name == "boolean":
        return "boolean"
    if type_name in _INTEGERS:
        return "integer"
    if definitions.is_primitive(type_name) or type_name.startswith("http://hl7.org/fhirpath/"):
        return "text"
    return "json" if definitions.is_subtype(type_name, "Resource") else "struct"
