"""Small pieces of FHIR resources, shared by everything that writes them."""

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

Resource = dict[str, Any]
BASE = "https://shangyi.dev/fhir"
ZONE = "+08:00"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
ATC = "http://www.whocc.no/atc"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
V3 = "http://terminology.hl7.org/CodeSystem/v3-"
HL7 = "http://terminology.hl7.org/CodeSystem/"


@lru_cache(50_000)
def iso(day: int) -> str:
    """A proleptic ordinal as a FHIR date."""
    return date.fromordinal(day).isoformat()


def instant(day: int, minute: int) -> str:
    """``minute`` minutes after midnight of ``day``, in China's time."""
    day, minute = day + minute // 1440, minute % 1440
    return f"{iso(day)}T{minute // 60:02d}:{minute % 60:02d}:00{ZONE}"


def coding(system: str, code: str, display: str | None = None) -> Resource:
    """A Coding."""
    return (
        {"system": system, "code": code, "display": display} if display else {"system": system, "code": code}
    )


def concept(system: str, code: str, display: str, text: str | None = None) -> Resource:
    """A CodeableConcept of one coding; its text is the display unless given."""
    return {"coding": [coding(system, code, display)], "text": text or display}


def own(system: str, code: str, display: str) -> Resource:
    """A CodeableConcept of one of the platform's own code systems."""
    return concept(f"{BASE}/CodeSystem/{system}", code, display)


def reference(type: str, id: str, display: str | None = None) -> Resource:
    """A literal reference."""
    target = f"{type}/{id}"
    return {"reference": target, "display": display} if display else {"reference": target}


def extension(name: str, **value: Any) -> Resource:
    """One of the platform's own extensions: ``extension("reported", valueInstant=…)``."""
    return {"url": f"{BASE}/StructureDefinition/{name}", **value}


def division(code: str, name: str) -> Resource:
    """The extension that says which division an address lies in."""
    return extension("division", valueCoding=coding(f"{BASE}/CodeSystem/division", code, name))


def identifier(kind: str, value: str) -> Resource:
    """An identifier of one of the platform's own systems."""
    return {"system": f"{BASE}/sid/{kind}", "value": value}


def decimal(value: float, places: int) -> Decimal | int:
    """``value`` with that many decimals; an int for none."""
    return round(value) if places == 0 else Decimal(f"{value:.{places}f}")


def quantity(value: float, places: int, unit: str, code: str | None = None) -> Resource:
    """A UCUM quantity; ``unit`` is how people write it, ``code`` how UCUM does."""
    return {"value": decimal(value, places), "unit": unit, "system": UCUM, "code": code or unit}


def money(value: float) -> Resource:
    """An amount in yuan."""
    return {"value": decimal(value, 2), "currency": "CNY"}


def years_before(day: int, years: int) -> int:
    """The same day of the year, ``years`` earlier (28 February for a 29th that does not exist)."""
    here = date.fromordinal(day)
    try:
        return here.replace(year=here.year - years).toordinal()
    except ValueError:
        return here.replace(year=here.year - years, day=28).toordinal()
