"""Notifiable cases, and the residents who have one: what an epidemiologist sees."""

import re
from collections.abc import Iterable, Sequence

from shangyi.access import policy
from shangyi.access.placement import relative
from shangyi.store.model import SearchRequest, Version
from shangyi.store.repository import Repository

SYSTEM = "https://shangyi.dev/fhir/CodeSystem/condition-category"
CODE = "notifiable-case"
CATEGORY = f"{SYSTEM}|{CODE}"

SUBJECTS = ("subject", "patient", "beneficiary", "individual", "for")
_QUICK = re.compile(
    rb'"(?:subject|patient|beneficiary|individual|for)":\{"reference":"(Patient/[A-Za-z0-9.\-]+)"'
)
"""How it stands in nearly every body: found without reading the JSON."""


def resident_at_a_glance(version: Version) -> str | None:
    """The same for the audit, by the bytes; what decides reads the element itself."""
    quick = _QUICK.search(version.body)
    return quick[1].decode() if quick else resident_of(version)


def resident_of(version: Version) -> str | None:
    """``Patient/…`` that a resource is about, by its own element; None where it says none."""
    if not version.body or b"Patient/" not in version.body:
        return None
    resource = version.resource
    for name in SUBJECTS:
        value = resource.get(name)
        if isinstance(value, dict) and isinstance(value.get("reference"), str):
            target = relative(value["reference"])
            if target and target.startswith("Patient/"):
                return target
    return None


def is_case(version: Version) -> bool:
    """Whether it is a notifiable case itself."""
    if version.type != "Condition" or CODE.encode() not in version.body:
        return False
    return any(
        coding.get("system") == SYSTEM and coding.get("code") == CODE
        for category in version.resource.get("category") or ()
        for coding in category.get("coding") or ()
    )


def residents(records: Repository, references: Iterable[str]) -> set[str]:
    """Those of these residents who have a notifiable case."""
    wanted = sorted(set(references))
    found: set[str] = set()
    for start in range(0, len(wanted), 50):
        part = wanted[start : start + 50]
        request = SearchRequest(
            "Condition", [("patient", ",".join(part)), ("category", CATEGORY), ("_count", "1000")]
        )
        found |= {r for r in map(resident_of, records.search(request).matches) if r}
    return found & set(wanted)


def visible(records: Repository, versions: Sequence[Version]) -> set[str]:
    """References of those versions that are a case, belong to a resident with one, or to no resident."""
    seen: set[str] = set()
    open_: dict[str, str] = {}
    for version in versions:
        if policy.group_of(version.type) in (*policy.UNBOUNDED_GROUPS, "surveillance") or is_case(version):
            seen.add(version.reference)
        elif resident := (version.reference if version.type == "Patient" else resident_of(version)):
            open_[version.reference] = resident
    having = residents(records, open_.values()) if open_ else set()
    return seen | {reference for reference, resident in open_.items() if resident in having}
