"""What a reader may see, as a condition in SQL: by type, by area and panel of the resident."""

from typing import Any

from shangyi.store import keys
from shangyi.store.model import Scope
from shangyi.store.types import NUMBERS

PUBLIC = (
    "Organization",
    "OrganizationAffiliation",
    "Location",
    "HealthcareService",
    "Endpoint",
    "Practitioner",
    "PractitionerRole",
)
"""Institutions and staff: they have a place, and are seen from every area (a village's referral hospital)."""


def condition(
    scope: Scope, row: str = "s", many: bool = False, resident: tuple[str, list[Any]] | None = None
) -> tuple[str, list[Any]]:
    """A condition on a row of ``search`` (its alias), ``true`` for everything, and its parameters.

    ``many``: it is going to be held against many rows, so that the residents of one village are gathered once instead
    of being looked up for each. ``resident``: how the caller asks of a resident's rid (``{}``) whether they are seen.

    A resource of a resident is bounded by that resident's row; another by its own area (institutions
    are not bounded by theirs); one with neither is seen where its type is shared.
    """
    parts: list[str] = []
    parameters: list[Any] = []
    if scope.types is not None:
        parts.append(f"{row}.type = any(%s)")
        parameters.append([NUMBERS[name] for name in scope.types if name in NUMBERS])
    bounds: list[str] = []
    bound_values: list[Any] = []
    if scope.area is not None:
        bounds.append("p.area between %s and %s")
        bound_values += scope.area
    if scope.panel is not None:
        bounds.append("p.tokens @> array[%s::bigint]")
        bound_values.append(keys.token("Patient", "general-practitioner", scope.panel))
    if bounds:
        own = f"({row}.type = any(%s) or {row}.area = 0 and {row}.type = any(%s))"
        own_values: list[Any] = [[NUMBERS[n] for n in PUBLIC], [NUMBERS[n] for n in sorted(scope.shared)]]
        if scope.area is not None:
            own = f"({own} or {row}.area between %s and %s)"
            own_values += scope.area
        village = scope.area is not None and scope.area[0] == scope.area[1]
        if resident is None and many and village and scope.panel is None:
            resident = f"{{}} in (select p.rid from search p where {bounds[0]})", bound_values
        elif resident is None:
            resident = (
                f"exists (select from search p where p.rid = {{}} and {' and '.join(bounds)})",
                bound_values,
            )
        theirs = resident[0].format(f"{row}.patient")
        parts.append(f"case when {row}.patient = 0 then {own} else {theirs} end")
        parameters += own_values + resident[1]
    return " and ".join(parts) or "true", parameters
