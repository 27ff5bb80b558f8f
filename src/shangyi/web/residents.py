"""The line of a resident in a list: name, sex, age, place, masked numbers."""

from dataclasses import dataclass
from typing import Any

from shangyi.access import masking
from shangyi.web import formats
from shangyi.web.resident.reading import person_name

Resource = dict[str, Any]
DIVISION = "https://shangyi.dev/fhir/StructureDefinition/division"
SEXES = {"male": "Male", "female": "Female", "other": "Other sex", "unknown": "Sex unknown"}


@dataclass(frozen=True, slots=True)
class PersonLine:
    """What a list shows of a resident; ids and phones masked."""

    id: str
    name: str
    sex: str
    age: str
    resident_id: str
    phone: str
    place: str
    doctor: str
    deceased: bool
    village: str = ""

    @property
    def house(self) -> str:
        """What of the address is below the village."""
        return self.place.partition(self.village)[2] if self.village else ""

    @property
    def href(self) -> str:
        """The resident's page."""
        return f"/residents/{self.id}"


def home(patient: Resource) -> Resource:
    """The home address, else the first, else nothing."""
    addresses = patient.get("address", [])
    return next((a for a in addresses if a.get("use") == "home"), addresses[0] if addresses else {})


def place(patient: Resource) -> str:
    """Town and village of residence."""
    address = home(patient)
    if "city" not in address and "line" not in address:
        return str(address.get("text", ""))
    return "".join([address.get("city", ""), *address.get("line", ())[:1]])


def village(patient: Resource) -> str:
    """The village or community of residence, by its division's name."""
    for extension in home(patient).get("extension", ()):
        if extension.get("url") == DIVISION:
            return str(extension.get("valueCoding", {}).get("display", ""))
    return ""


def person_line(patient: Resource, doctors: dict[str, Resource], text: Any, language: str) -> PersonLine:
    """The line of ``patient``; ``doctors``: Practitioners by reference."""
    doctor = next((gp.get("reference", "") for gp in patient.get("generalPractitioner", ())), "")
    named = next((gp.get("display", "") for gp in patient.get("generalPractitioner", ())), "")
    return PersonLine(
        id=patient["id"],
        name=person_name(patient) or text("Name unknown"),
        sex=text(SEXES[patient.get("gender", "unknown")]),
        age=formats.age(patient.get("birthDate"), language),
        resident_id=masking.masked(patient, "resident-id") or "",
        phone=masking.masked(patient, "phone") or "",
        place=place(patient),
        doctor=person_name(doctors[doctor]) if doctor in doctors else named,
        deceased=bool(patient.get("deceasedDateTime") or patient.get("deceasedBoolean")),
        village=village(patient),
    )
