"""Chains and ``_has`` within an area: only those that stay with the same resident or lead to what has none.

A search is bounded by the area of what it returns. A condition on another resource could ask about a record outside
(``Practitioner?_has:Encounter:practitioner:subject.name=…``) and tell by a match what it must not show.
"""

from shangyi.access import policy
from shangyi.errors import Forbidden
from shangyi.store.model import SearchRequest

SAME_RESIDENT = frozenset({"patient", "subject", "beneficiary", "individual"})
TO_INSTITUTIONS = frozenset(
    "organization service-provider location practitioner general-practitioner managing-entity provider".split()
)
"""Parameters whose targets, as we write them, are institutions and staff."""


def check_chains(request: SearchRequest) -> None:
    """Raises Forbidden for a chain or ``_has`` that could look outside."""
    for name, _ in request.parameters:
        if name.startswith("_has:"):
            allowed = _reverse(request.type, name)
        elif "." in name:
            allowed = _chain(name)
        else:
            continue
        if not allowed:
            raise Forbidden("Within an area, {parameter} cannot be searched by", parameter=name[:64])


def _reverse(type: str | None, name: str) -> bool:
    _, _, rest = name.partition(":")
    parts = rest.split(":")
    return (
        type == "Patient"
        and len(parts) >= 3
        and parts[1] in SAME_RESIDENT
        and not parts[2].startswith("_has")
        and "." not in parts[2]
    )


def _chain(name: str) -> bool:
    hop, _, rest = name.partition(".")
    parameter, _, target = hop.partition(":")
    if "." in rest or rest.startswith("_has"):
        return False
    if target:
        group = policy.group_of(target)
        return group in policy.UNBOUNDED_GROUPS or (target == "Patient" and parameter in SAME_RESIDENT)
    return parameter in SAME_RESIDENT
