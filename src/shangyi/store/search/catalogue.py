"""The search parameters of a type, each with the paths that its expression stands for."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from shangyi.errors import NotSupported
from shangyi.fhir import definitions
from shangyi.store.search.path import Path, paths

KINDS = frozenset({"token", "string", "reference", "date", "number", "quantity", "uri"})
CONTROL = frozenset({"_id", "_lastUpdated"})
"""Answered from columns, not from extracted values."""

COMPUTED = {("Patient", "deceased"): ("deceasedBoolean", "deceasedDateTime")}
"""``Patient.deceased.exists() and Patient.deceased != false``: no path, a truth."""

MAIN_DATES = (
    "date effective recorded-date onset-date authoredon whenhandedover created period occurrence performed issued sent"
    " birthdate authored effective-time collected started"
).split()
"""The main date of a type is its first parameter in this order."""

OTHER_MAIN_DATES = {"MedicationRequest": "authoredon"}
"""Where the rule would choose wrongly: its ``date`` is when doses are to be given, hardly ever stated."""

PRIMARY_CODES = {"Encounter": "type", "Immunization": "vaccine-code", "Claim": "use", "Coverage": "type"}
"""The parameter of the scalar code column where it is not ``code``."""


class Parameter(NamedTuple):
    """``targets``: the types a reference may point to."""

    code: str
    kind: str
    paths: tuple[Path, ...]
    targets: tuple[str, ...] = ()


@cache
def catalogue(resource_type: str) -> Mapping[str, Parameter]:
    """By code, those of the seven kinds whose expression is a union of paths."""
    found: dict[str, Parameter] = {}
    for code, definition in definitions.search_parameters(resource_type).items():
        if definition.type not in KINDS or code in CONTROL:
            continue
        if (resource_type, code) in COMPUTED:
            found[code] = Parameter(code, "token", ())
            continue
        expression = definition.expression_for(resource_type)
        if expression is None:
            continue
        try:
            resolved = tuple(paths(resource_type, expression))
        except NotSupported:
            continue
        found[code] = Parameter(code, definition.type, resolved, tuple(definition.target))
    return found


@cache
def main_date(resource_type: str) -> str | None:
    """The parameter behind ``search.date``."""
    if resource_type in OTHER_MAIN_DATES:
        return OTHER_MAIN_DATES[resource_type]
    known = catalogue(resource_type)
    return next((code for code in MAIN_DATES if code in known and known[code].kind == "date"), None)


@cache
def primary_code(resource_type: str) -> str:
    """The parameter behind ``search.code``."""
    return PRIMARY_CODES.get(resource_type, "code")
