"""The search parameters of a type, each with the paths that its expression stands for, and where its values stand."""

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
    """``targets``: the types a reference may point to. ``homes``: under which codes its values stand (``homes``).

    ``bit``: its place in the presence key (``keys.present``).
    """

    code: str
    kind: str
    paths: tuple[Path, ...]
    targets: tuple[str, ...] = ()
    homes: tuple[str, ...] = ()
    bit: int = 0


class Home(NamedTuple):
    """Values that are kept once, for all ``parameters`` that look at them, under ``code``."""

    code: str
    kind: str
    steps: tuple[tuple[str, ...], ...]
    type: str
    parameters: tuple[tuple[Parameter, str | None], ...]
    """With the only type of target that the parameter sees here."""


@cache
def catalogue(resource_type: str) -> Mapping[str, Parameter]:
    """By code, those of the seven kinds whose expression is a union of paths."""
    found: dict[str, Parameter] = {}
    for code, definition in definitions.search_parameters(resource_type).items():
        if definition.type not in KINDS or code in CONTROL:
            continue
        if (resource_type, code) in COMPUTED:
            found[code] = Parameter(code, "token", (), homes=(code,), bit=len(found))
            continue
        expression = definition.expression_for(resource_type)
        if expression is None:
            continue
        try:
            resolved = tuple(paths(resource_type, expression))
        except NotSupported:
            continue
        found[code] = Parameter(code, definition.type, resolved, tuple(definition.target), bit=len(found))
    for home, codes in _homes(resource_type, found).values():
        for code in codes:
            known = found[code]
            found[code] = known._replace(homes=tuple(dict.fromkeys([*known.homes, home])))
    return found


Element = tuple[str, tuple[tuple[str, ...], ...], str, str]
"""How it is kept, its steps, its type, and for dates whose it is: those are not shared, the main one is a column."""


def _element(parameter: Parameter, path: Path) -> Element:
    way = "number" if parameter.kind == "quantity" else parameter.kind
    return (way, path.steps, path.type, parameter.code if way == "date" else "")


def _homes(
    resource_type: str, found: Mapping[str, Parameter]
) -> Mapping[Element, tuple[str, tuple[str, ...]]]:
    """Where each element stands, and the codes of the parameters that look at it.

    Elements that exactly the same parameters look at share a home: ``code`` and half of ``combo-code``, ``subject``
    and ``patient``, ``name`` and ``phonetic``. So each value is kept once.
    """
    users: dict[Element, dict[str, None]] = {}
    for code, parameter in found.items():
        for path in parameter.paths:
            users.setdefault(_element(parameter, path), {})[code] = None
    return {
        element: (_home(resource_type, tuple(codes), found, users), tuple(codes))
        for element, codes in users.items()
    }


def _home(
    resource_type: str,
    codes: tuple[str, ...],
    found: Mapping[str, Parameter],
    users: Mapping[Element, Mapping[str, None]],
) -> str:
    """The one of these that looks at nothing else; the primary code, and one to any type of target, before others."""
    alone = [
        code
        for code in codes
        if all(tuple(users[_element(found[code], path)]) == codes for path in found[code].paths)
    ]
    if not alone:
        return "+".join(codes)
    first = primary_code(resource_type)
    return min(alone, key=lambda code: (code != first, any(p.target for p in found[code].paths), len(code)))


@cache
def homes(resource_type: str) -> tuple[Home, ...]:
    """What is kept for a type: each element that some parameter looks at, once for each way of keeping it."""
    known = catalogue(resource_type)
    kept: list[Home] = []
    for element, (code, codes) in _homes(resource_type, known).items():
        seen = [
            (known[c], p.target) for c in codes for p in known[c].paths if _element(known[c], p) == element
        ]
        kept.append(Home(code, known[codes[0]].kind, element[1], element[2], tuple(seen)))
    return tuple(kept)


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
