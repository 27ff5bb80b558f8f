"""Medicines as MedicationRequest and MedicationDispense resources."""

from collections.abc import Iterator
from typing import Any

from shangyi.synth import build
from shangyi.synth.build import ATC, BASE, Resource, iso, reference
from shangyi.synth.tables import table

GRACE_DAYS = 30
DISPENSED_MINUTES = 15
TCM = f"{BASE}/CodeSystem/tcm-medicine"


def _amount(value: float) -> Any:
    return value if isinstance(value, int) else build.decimal(value, len(f"{value}".split(".")[1]))


def code_of(drug: dict[str, Any]) -> tuple[str, str]:
    """System and code of a medicine: ATC, or our own for patent medicines of Chinese medicine."""
    return (ATC, drug["atc"]) if "atc" in drug else (TCM, drug["tcm"])


def medicines() -> dict[str, dict[str, Any]]:
    """The products of the data file by id."""
    return {id: drug for id, drug in table("medicines").items() if id != "substances"}


def substance(drug: dict[str, Any]) -> tuple[str, str]:
    """What a code means, Chinese and English: the substance of an ATC code, else the product itself."""
    zh, en = table("medicines")["substances"].get(drug.get("atc"), (drug["zh"], drug["en"]))
    return zh, en


def medication(id: str) -> Resource:
    """The CodeableConcept of a medicine: the code says the substance, the text the product."""
    drug = table("medicines")[id]
    return build.concept(*code_of(drug), substance(drug)[0], drug["zh"])


def _dose(drug: dict[str, Any], age: float) -> tuple[Any, str]:
    amount, unit = drug["dose"]
    for from_age, at_age in drug.get("by_age", ()):
        if age >= from_age:
            amount = at_age
    return amount, unit


def dosage_text(amount: Any, unit: str, times: int, route: str) -> str:
    """As it is written on a prescription."""
    each = unit if unit == table("words")["as_needed"] else f"每次{amount}{unit}"
    return f"{each}，每日{times}次，{route}"


def dosage(id: str, age: float) -> Resource:
    """The Dosage element for somebody of ``age`` years: text as it is written on a prescription, and structured."""
    drug = table("medicines")[id]
    amount, unit = _dose(drug, age)
    words = table("words")
    often = {"frequency": drug["times"], "period": 1, "periodUnit": "d"}
    text = dosage_text(amount, unit, drug["times"], drug["route"])
    if unit == words["as_needed"]:
        return {"text": text, "timing": {"repeat": often}, "route": {"text": drug["route"]}}
    dose = {"value": _amount(amount), "unit": unit}
    if unit in words["ucum"]:
        dose |= {"system": build.UCUM, "code": words["ucum"][unit]}
    return {
        "text": text,
        "timing": {"repeat": often},
        "route": {"text": drug["route"]},
        "doseAndRate": [{"doseQuantity": dose}],
    }


def supply(id: str) -> Resource:
    """What is handed over: tablets for all doses of all days, or packs."""
    drug = table("medicines")[id]
    if "unit" in drug:
        return {"value": round(drug.get("per", 1) * drug["times"] * drug["days"]), "unit": drug["unit"]}
    count, unit = drug["pack"]
    return {"value": count, "unit": unit}


def prescribe(
    base: Resource,
    ids: list[str],
    age: float,
    day: int,
    minute: int,
    until: int,
    reasons: dict[str, Resource],
) -> Iterator[Resource]:
    """A request and its dispense for each medicine, written at ``minute`` of ``day``.

    ``base``: id prefix, subject, encounter, requester.
    """
    for id in ids:
        drug = table("medicines")[id]
        name = id.replace("_", "-")
        end = day + drug["days"]
        takes = dosage(id, age)
        days = build.quantity(drug["days"], 0, "天", "d")
        request: Resource = {
            "resourceType": "MedicationRequest",
            "id": f"{base['id']}-{name}",
            "status": "active" if end + GRACE_DAYS * (drug["days"] > GRACE_DAYS - 1) > until else "completed",
            "intent": "order",
            "medicationCodeableConcept": medication(id),
            "subject": base["subject"],
            "encounter": base["encounter"],
            "authoredOn": build.instant(day, minute),
            "requester": base["requester"],
        }
        if id in reasons:
            request["reasonReference"] = [reasons[id]]
        request["dosageInstruction"] = [takes]
        request["dispenseRequest"] = {
            "validityPeriod": {"start": iso(day), "end": iso(end)},
            "quantity": supply(id),
            "expectedSupplyDuration": days,
        }
        yield request
        yield {
            "resourceType": "MedicationDispense",
            "id": f"{base['id']}-{name}-d",
            "status": "completed",
            "medicationCodeableConcept": medication(id),
            "subject": base["subject"],
            "context": base["encounter"],
            "authorizingPrescription": [reference("MedicationRequest", request["id"])],
            "quantity": supply(id),
            "daysSupply": days,
            "whenHandedOver": build.instant(day, minute + DISPENSED_MINUTES),
            "dosageInstruction": [{"text": takes["text"]}],
        }
