"""Resident ids and phone numbers as lists show them; the whole is shown on request, which is audited."""

from collections.abc import Callable
from typing import Any

RESIDENT_ID = "https://shangyi.dev/fhir/sid/resident-id"
INSURANCE_NUMBER = "https://shangyi.dev/fhir/sid/insurance-number"

HIDDEN = "·"


def mask(text: str, first: int, last: int, hidden: int) -> str:
    """The first and last characters, dots between; all dots where there is too little to hide.

    The number of dots is fixed, so that it does not tell the length.
    """
    if len(text) < first + last + 3:
        return HIDDEN * hidden
    return text[:first] + HIDDEN * hidden + text[len(text) - last :]


def mask_resident_id(text: str) -> str:
    """``9913··········17``: the county's region and the last two digits."""
    return mask(text, 4, 2, 10)


def mask_phone(text: str) -> str:
    """``138····0921``."""
    return mask("".join(c for c in text if c.isalnum() or c == "+"), 3, 4, 4)


def resident_id(patient: dict[str, Any]) -> str | None:
    """The resident id of a Patient, whole."""
    return _identifier(patient, RESIDENT_ID)


def insurance_number(patient: dict[str, Any]) -> str | None:
    """The medical-insurance number of a Patient, whole."""
    return _identifier(patient, INSURANCE_NUMBER)


def phone(patient: dict[str, Any]) -> str | None:
    """The first phone number of a Patient, whole."""
    for point in patient.get("telecom") or ():
        if point.get("system") == "phone" and point.get("value"):
            return str(point["value"])
    return None


def _identifier(patient: dict[str, Any], system: str) -> str | None:
    for identifier in patient.get("identifier") or ():
        if identifier.get("system") == system and identifier.get("value"):
            return str(identifier["value"])
    return None


FIELDS = {
    "resident-id": (resident_id, mask_resident_id),
    "insurance-number": (insurance_number, mask_resident_id),
    "phone": (phone, mask_phone),
}
"""What is masked: name → (how to find it, how to mask it)."""


def masked(patient: dict[str, Any], field: str) -> str | None:
    """A field of ``FIELDS`` of a Patient as lists show it, None where the record has none."""
    find, hide = FIELDS[field]
    value = find(patient)
    return None if value is None else hide(value)


PERSONS = frozenset({"Patient", "RelatedPerson", "Person"})
"""Whose phone numbers are masked; those of institutions and their staff are public."""
CALLED = frozenset({"phone", "sms", "fax", "pager"})


def hidden(resource: dict[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """A copy of any resource with the numbers of residents masked wherever they stand, and which fields were."""
    found: set[str] = set()

    def hide(field: str, value: Any, how: Callable[[str], str]) -> Any:
        if not isinstance(value, str):
            return value
        found.add(field)
        return how(value)

    def walk(value: Any, person: bool) -> Any:
        if isinstance(value, list):
            return [walk(item, person) for item in value]
        if not isinstance(value, dict):
            return value
        person = value["resourceType"] in PERSONS if "resourceType" in value else person
        copy = {name: walk(part, person) for name, part in value.items()}
        system = value.get("system")
        if "subscriberId" in copy:
            copy["subscriberId"] = hide("insurance-number", copy["subscriberId"], mask_resident_id)
        if "value" in copy and system in (RESIDENT_ID, INSURANCE_NUMBER):
            field = "resident-id" if system == RESIDENT_ID else "insurance-number"
            copy["value"] = hide(field, copy["value"], mask_resident_id)
        elif "value" in copy and person and system in CALLED:
            copy["value"] = hide("phone", copy["value"], mask_phone)
        return copy

    return walk(resource, False), frozenset(found)
