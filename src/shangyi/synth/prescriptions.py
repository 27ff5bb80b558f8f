"""Medicines as MedicationRequest and MedicationDispense resources."""

from collections.abc import Iterator
from typing import Any

from shangyi.synth import build
from shangyi.synth.build import ATC, Resource, iso, reference
from shangyi.synth.tables import table

GRACE_DAYS = 30


def _amount(value: float) -> Any:
    return value if isinstance(value, int) else build.decimal(value, len(f"{value}".split(".")[1]))


def medication(id: str) -> Resource:
    """The CodeableConcept of a medicine."""
    drug = table("medicines")[id]
    return build.concept(ATC, drug["atc"], drug["zh"])


def dosage(id: str) -> Resource:
    """The Dosage element: text as it is written on a prescription, and structured."""
    drug = table("medicines")[id]
    amount, unit = drug["dose"]
    often = {"frequency": drug["times"], "period": 1, "periodUnit": "d"}
    if unit == table("medicines_words")["as_needed"]:
        text = f"{unit}，每日{drug['times']}次，{drug['route']}"
        return {"text": text, "timing": {"repeat": often}, "route": {"text": drug["route"]}}
    return {
        "text": f"每次{amount}{unit}，每日{drug['times']}次，{drug['route']}",
        "timing": {"repeat": often},
        "route": {"text": drug["route"]},
        "doseAndRate": [{"doseQuantity": {"value": _amount(amount), "unit": unit}}],
    }


def prescribe(
    base: Resource, ids: list[str], day: int, until: int, doctor: Resource, reasons: dict[str, Resource]
) -> Iterator[Resource]:
    """A request and its dispense for each medicine. ``base``: id prefix, subject, encounter, time."""
    for id in ids:
        drug = table("medicines")[id]
        name = id.replace("_", "-")
        end = day + drug["days"]
        request: Resource = {
            "resourceType": "MedicationRequest",
            "id": f"{base['id']}-{name}",
            "status": "active" if end + GRACE_DAYS * (drug["days"] > GRACE_DAYS - 1) > until else "completed",
            "intent": "order",
            "medicationCodeableConcept": medication(id),
            "subject": base["subject"],
            "encounter": base["encounter"],
            "authoredOn": base["time"],
            "requester": doctor,
        }
        if id in reasons:
            request["reasonReference"] = [reasons[id]]
        request["dosageInstruction"] = [dosage(id)]
        request["dispenseRequest"] = {
            "validityPeriod": {"start": iso(day), "end": iso(end)},
            "expectedSupplyDuration": build.quantity(drug["days"], 0, "天", "d"),
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
            "daysSupply": build.quantity(drug["days"], 0, "天", "d"),
            "whenHandedOver": base["time"],
            "dosageInstruction": [{"text": dosage(id)["text"]}],
        }
