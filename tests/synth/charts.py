"""A county of full records for the tests, made once: by resident and type, as they would be read back."""

from collections import defaultdict
from datetime import date
from functools import cache
from typing import Any

from shangyi.synth import stream

UNTIL = date(2026, 11, 22)
FIRST = date(2016, 11, 22)
Record = dict[str, list[dict[str, Any]]]


def owner(resource: dict[str, Any]) -> str:
    """The reference to the resident whom a resource is about, else an empty text."""
    if resource["resourceType"] == "Patient":
        return f"Patient/{resource['id']}"
    subject = resource.get("subject") or resource.get("patient") or resource.get("beneficiary") or {}
    return str(subject.get("reference", ""))


@cache
def county(residents: int = 1000, seed: int = 7, dispenses: bool = False) -> tuple[Record, ...]:
    """Every full record of a county, by resource type; dispenses only if wanted, the thin streams never."""
    asked = stream.request(residents, seed, UNTIL)
    found: dict[str, Record] = defaultdict(lambda: defaultdict(list))
    for part in stream.parts(asked):
        if part[0] == "block":
            for resource in stream.make(asked, part):
                wanted = dispenses or resource["resourceType"] != "MedicationDispense"
                if wanted and owner(resource).startswith("Patient/"):
                    found[owner(resource)][resource["resourceType"]].append(resource)
    return tuple(found.values())


def day(text: str) -> date:
    """The date of a date, dateTime or instant."""
    return date.fromisoformat(text[:10])


def code(concept: dict[str, Any]) -> str:
    """The first code of a CodeableConcept."""
    return str(concept["coding"][0]["code"])


def living(record: Record) -> bool:
    """Whether the resident lives on the last day."""
    return "deceasedDateTime" not in record["Patient"][0]


def years(record: Record, at: date) -> float:
    """Age on a day."""
    return (at - day(record["Patient"][0]["birthDate"])).days / 365.2425
