"""A resident's record arranged for the page: alerts, problems, medicines, measurements, cover, family, timeline."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shangyi.web import formats
from shangyi.web.components.chart import Series, TimeChart
from shangyi.web.components.tag import Tag
from shangyi.web.components.timeline import Event
from shangyi.web.components.trend import Trend
from shangyi.web.resident.observations import Point, label, points, trend
from shangyi.web.resident.reading import codes, href, newest_first, of_type, when, words

Resource = dict[str, Any]
Text = Callable[..., str]

BLOOD_PRESSURE = ("8480-6", "8462-4")
"""LOINC systolic and diastolic: drawn together in one chart."""
ENDED = ("stopped", "completed", "cancelled", "entered-in-error", "draft")


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a list: what, since when, how it stands, and the record behind it."""

    title: str
    end: str = ""
    detail: str = ""
    tag: Tag | None = None
    href: str = ""


def alerts(resources: Iterable[Resource], text: Text, language: str) -> list[Tag]:
    """Allergies and active flags, for the banner."""
    found = []
    for allergy in of_type(resources, "AllergyIntolerance"):
        if "resolved" not in codes(allergy.get("clinicalStatus")) and "entered-in-error" not in codes(
            allergy.get("verificationStatus")
        ):
            substance = words(allergy.get("code"), language)
            found.append(Tag(text("Allergy: {substance}", substance=substance), "grade-1"))
    active = (flag for flag in of_type(resources, "Flag") if flag.get("status") == "active")
    return found + [Tag(words(flag.get("code"), language), "grade-2") for flag in active]


def problems(resources: Iterable[Resource], text: Text, language: str) -> list[Fact]:
    """The problem list: active first, each with its year of onset."""
    listed = [
        condition
        for condition in of_type(resources, "Condition")
        if any("problem-list-item" in codes(category) for category in condition.get("category", ()))
        and "entered-in-error" not in codes(condition.get("verificationStatus"))
    ]
    facts = []
    for condition in sorted(
        newest_first(listed), key=lambda c: "active" not in codes(c.get("clinicalStatus"))
    ):
        active = bool({"active", "recurrence", "relapse"} & set(codes(condition.get("clinicalStatus"))))
        stages = [stage["summary"] for stage in condition.get("stage", ()) if "summary" in stage]
        severity = words(condition.get("severity") or next(iter(stages), None), language)
        facts.append(
            Fact(
                words(condition.get("code"), language),
                when(condition)[:4],
                severity,
                None if active else Tag(text("Resolved")),
                href(condition),
            )
        )
    return facts


def medicines(resources: Iterable[Resource], text: Text, language: str) -> list[Fact]:
    """What is prescribed: the newest order of each medicine, current ones first."""
    newest: dict[str, Resource] = {}
    for order in newest_first(of_type(resources, "MedicationRequest")):
        newest.setdefault(words(order.get("medicationCodeableConcept"), language), order)
    facts = []
    for name, order in newest.items():
        dosage = next((d.get("text", "") for d in order.get("dosageInstruction", ())), "")
        current = order.get("status") == "active"
        tag = Tag(text("In use"), "good") if current else Tag(text("Ended"))
        facts.append(Fact(name, formats.day(when(order), language), dosage, tag, href(order)))
    return sorted(facts, key=lambda fact: fact.tag is None or fact.tag.tone != "good")


def blood_pressure(
    series: dict[str, list[Point]], since: str, text: Text, orders: Sequence[Resource], language: str
) -> TimeChart | None:
    """Systolic and diastolic over time from ``since`` (ISO date), the upper limits as the reference band."""
    systolic, diastolic = ([p for p in series.get(code, ()) if p.date >= since] for code in BLOOD_PRESSURE)
    if not systolic:
        return None
    other = {p.date: p for p in diastolic}
    high = next((p.high for p in reversed(systolic) if p.high is not None), None)
    low = next((p.high for p in reversed(diastolic) if p.high is not None), None)
    band = (float(low) if low is not None else None, float(high)) if high is not None else None
    hollow = tuple(i for i, p in enumerate(systolic) if "HH" in codes_of_method(p.resource))
    return TimeChart(
        label=text("Blood pressure"),
        x=[p.date[:10] for p in systolic],
        series=[
            Series(text("Systolic"), [float(p.value) for p in systolic], hollow=hollow),
            Series(
                text("Diastolic"),
                [float(other[p.date].value) if p.date in other else None for p in systolic],
                colour="brand-2",
                symbols=False,
            ),
        ],
        unit="mmHg",
        band=band,
    )


def codes_of_method(observation: Resource) -> list[str]:
    """Codes of how it was measured (HH: at home, v3-ActCode as in Encounter.class)."""
    return codes(observation.get("method"))


def trends(series: dict[str, list[Point]], language: str, text: Text, limit: int = 9) -> list[Trend]:
    """Small trends of the values measured most recently and most often, blood pressure left out."""
    ranked = sorted(
        (item for item in series.items() if item[0] not in BLOOD_PRESSURE),
        key=lambda item: (len(item[1]) > 1, item[1][-1].date[:4], len(item[1])),
        reverse=True,
    )

    def translate(message: str, _language: str) -> str:
        return text(message)

    return [trend(label(ps[-1], code, language), ps, language, translate) for code, ps in ranked[:limit]]


def coverage(resources: Iterable[Resource], language: str) -> list[Tag]:
    """Insurance, for the banner."""
    return [
        Tag(words(c.get("type"), language))
        for c in of_type(resources, "Coverage")
        if c.get("status") == "active"
    ]


KINDS = {
    "Encounter": "visit",
    "Observation": "measurement",
    "DiagnosticReport": "measurement",
    "MedicationRequest": "medicine",
    "Immunization": "immunisation",
    "ExplanationOfBenefit": "claim",
    "Condition": "diagnosis",
    "AllergyIntolerance": "diagnosis",
    "Procedure": "visit",
}
KIND_NAMES = {
    "visit": "Visits",
    "measurement": "Measurements",
    "diagnosis": "Diagnoses",
    "medicine": "Medicines",
    "immunisation": "Immunisations",
    "claim": "Claims",
}


def title(resource: Resource, text: Text, language: str) -> tuple[str, str]:
    """Title and detail of a resource in the timeline."""
    match resource["resourceType"]:
        case "Encounter":
            kind = words(next(iter(resource.get("type", ())), None), language) or resource.get(
                "class", {}
            ).get("display", "")
            where = resource.get("serviceProvider", {}).get("display", "")
            reasons = "、".join(filter(None, (words(r, language) for r in resource.get("reasonCode", ()))))
            return " · ".join(filter(None, (kind or text("Visit"), where))), reasons
        case "MedicationRequest":
            dosage = next((d.get("text", "") for d in resource.get("dosageInstruction", ())), "")
            return words(resource.get("medicationCodeableConcept"), language), dosage
        case "Immunization":
            dose = next((p.get("doseNumberPositiveInt") for p in resource.get("protocolApplied", ())), None)
            return words(resource.get("vaccineCode"), language), text("Dose {n}", n=dose) if dose else ""
        case "ExplanationOfBenefit":
            return text("Claim"), amounts(resource, text)
        case _:
            return words(resource.get("code"), language), value(resource)


def value(observation: Resource) -> str:
    """The value of an Observation in words, components joined by a stroke."""
    quantity = observation.get("valueQuantity")
    if quantity and "value" in quantity:
        unit = quantity.get("unit") or quantity.get("code") or ""
        return f"{formats.number(quantity['value'])}{formats.THIN_SPACE}{unit}"
    if "component" in observation:
        parts = [
            c["valueQuantity"] for c in observation["component"] if "value" in c.get("valueQuantity", {})
        ]
        unit = parts[0].get("unit", "") if parts else ""
        return "/".join(formats.number(p["value"]) for p in parts) + (
            f"{formats.THIN_SPACE}{unit}" if unit else ""
        )
    return words(observation.get("valueCodeableConcept")) or str(observation.get("valueString", ""))


def amounts(benefit: Resource, text: Text) -> str:
    """Total and what the insurance paid."""
    found = {
        c: t["amount"] for t in benefit.get("total", ()) for c in codes(t.get("category")) if "amount" in t
    }
    labels = {"submitted": "Total {amount}", "benefit": "Insurance paid {amount}"}
    return "，".join(
        text(labels[key], amount=f"¥{formats.number(found[key]['value'])}") for key in labels if key in found
    )


def timeline(
    resources: Iterable[Resource], kind: str, text: Text, language: str, limit: int = 40
) -> list[Event]:
    """What happened, newest first, of one kind or all; measurements taken within a visit are folded into it."""
    listed = [r for r in resources if r["resourceType"] in KINDS and when(r)]
    if kind:
        listed = [r for r in listed if KINDS[r["resourceType"]] == kind]
    else:
        listed = [
            r
            for r in listed
            if not (
                "encounter" in r and r["resourceType"] in ("Observation", "Condition", "MedicationRequest")
            )
        ]
    events = []
    for resource in newest_first(listed)[:limit]:
        head, detail = title(resource, text, language)
        events.append(
            Event(
                formats.day(when(resource), language),
                head,
                detail,
                href(resource),
                KINDS[resource["resourceType"]],
            )
        )
    return events


def measurements(resources: Iterable[Resource]) -> dict[str, list[Point]]:
    """Numeric observations by code."""
    return points(of_type(resources, "Observation"))
