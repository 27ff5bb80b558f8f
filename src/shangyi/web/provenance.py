"""Who wrote, when and why: the Provenance that goes with each entry, correction, registration and merge."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from shangyi.access import Principal

Resource = dict[str, Any]
OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
"""CREATE, UPDATE, NULLIFY (made void as entered in error)."""
ACCOUNT = "https://shangyi.dev/fhir/sid/account"


def agent(principal: Principal) -> Resource:
    """Who acts: the Practitioner of the account where it has one, and the account itself."""
    who: Resource = {
        "identifier": {"system": ACCOUNT, "value": principal.id},
        "display": principal.display,
    }
    if principal.practitioner:
        who["reference"] = principal.practitioner
    return {"who": who}


def statement(principal: Principal, reason: str, recorded: dt.datetime) -> Resource:
    """What every Provenance of the console says: when, who, why."""
    found: Resource = {"recorded": recorded.isoformat(timespec="seconds"), "agent": [agent(principal)]}
    return found | ({"reason": [{"text": reason}]} if reason else {})


def provenance(
    principal: Principal,
    targets: Sequence[str],
    operation: str,
    reason: str,
    recorded: dt.datetime,
    before: Sequence[str] = (),
) -> Resource:
    """A Provenance of ``targets`` (references; the resident among them, so that it is in their record).

    ``before``: versioned references of what was there, ``Observation/1/_history/2``.
    """
    found: Resource = {
        "resourceType": "Provenance",
        "target": [{"reference": target} for target in targets],
        **statement(principal, reason, recorded),
        "activity": {"coding": [{"system": OPERATION, "code": operation}]},
    }
    if before:
        found["entity"] = [{"role": "revision", "what": {"reference": reference}} for reference in before]
    return found
