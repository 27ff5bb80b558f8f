"""What happened, newest first: visits with what was found, given and paid in them; pages by keyset."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shangyi.web import formats
from shangyi.web.components.tag import Tag
from shangyi.web.components.timeline import Event
from shangyi.web.resident.corrections import Corrections, corrections
from shangyi.web.resident.lists import AMOUNTS
from shangyi.web.resident.reading import codes, href, of_type, when
from shangyi.web.wording import concept, dosage

Resource = dict[str, Any]
PAGE = 12
KINDS = {
    "": "All",
    "visit": "Visits",
    "measurement": "Measurements",
    "medicine": "Medicines",
    "claim": "Claims",
    "immunisation": "Immunisations",
}
TYPES = {
    "visit": ("Encounter",),
    "measurement": ("Observation", "DiagnosticReport"),
    "medicine": ("MedicationRequest",),
    "claim": ("ExplanationOfBenefit",),
    "immunisation": ("Immunization",),
}
ALONE = ("Observation", "Condition", "MedicationRequest", "Procedure")
"""In the whole timeline these stand with their visit, or alone where they have none."""
ABNORMAL = {"H": "↑", "HH": "↑↑", "L": "↓", "LL": "↓↓", "A": "!", "AA": "!!", "POS": "+"}
MOST_FINDINGS = 5


@dataclass(frozen=True, slots=True)
class Page:
    """Events, and the mark after which the older ones begin."""

    events: Sequence[Event]
    next: str = ""


def key(resource: Resource) -> tuple[str, str]:
    """What the timeline is ordered by: main date, then the reference."""
    return when(resource), f"{resource['resourceType']}/{resource['id']}"


def page(resources: Sequence[Resource], kind: str, before: str, text: Any, language: str) -> Page:
    """The events of a kind (all where it is empty) before a mark ``date~reference``."""
    if kind in TYPES:
        listed = of_type(resources, *TYPES[kind])
    else:
        listed = of_type(resources, "Encounter", "Immunization")
        listed += [r for r in of_type(resources, *ALONE) if "encounter" not in r and not listed_problem(r)]
    listed = sorted((r for r in listed if when(r)), key=key, reverse=True)
    if before:
        mark = tuple(before.split("~", 1))
        listed = [r for r in listed if key(r) < mark]
    shown, within, corrected = listed[:PAGE], by_visit(resources), corrections(resources, language)
    events = [event(r, within.get(f"Encounter/{r['id']}", ()), corrected, text, language) for r in shown]
    following = "~".join(key(shown[-1])) if len(listed) > PAGE else ""
    return Page(events, following)


def listed_problem(resource: Resource) -> bool:
    """Whether it stands on the problem list, which has a place of its own."""
    return any("problem-list-item" in codes(category) for category in resource.get("category", ()))


def by_visit(resources: Iterable[Resource]) -> dict[str, list[Resource]]:
    """What belongs to each visit, claims too (by their items)."""
    found: dict[str, list[Resource]] = defaultdict(list)
    claims: dict[str, str] = {}
    listed = list(resources)
    for resource in listed:
        if "encounter" in resource and isinstance(resource["encounter"], dict):
            found[resource["encounter"].get("reference", "")].append(resource)
        if resource["resourceType"] == "Claim":
            for item in resource.get("item", ()):
                for visit in item.get("encounter", ()):
                    claims[f"Claim/{resource['id']}"] = visit.get("reference", "")
    for benefit in of_type(listed, "ExplanationOfBenefit"):
        visit_of = claims.get(benefit.get("claim", {}).get("reference", ""), "")
        if visit_of:
            found[visit_of].append(benefit)
    return found


def event(
    resource: Resource, within: Sequence[Resource], corrected: Corrections, text: Any, language: str
) -> Event:
    """One entry, with what was corrected in it: a visit shows the corrections of what was entered in it too."""
    head, detail, tag = WORDS.get(resource["resourceType"], other)(resource, within, text, language)
    changed = list(corrected.get(key(resource)[1], ()))
    for entry in within:
        name = concept(entry.get("code") or entry.get("medicationCodeableConcept"), language)
        changed += [replace(c, of=name) for c in corrected.get(key(entry)[1], ())]
    return Event(formats.day(when(resource), language), head, detail, href(resource), "", tag, changed)


Words = tuple[str, str, Tag | None]


def visit(encounter: Resource, within: Sequence[Resource], text: Any, language: str) -> Words:
    """Kind and place; then complaint or diagnosis, findings, medicines, cost."""
    kinds = [*encounter.get("type", ()), {"text": encounter.get("class", {}).get("display", "")}]
    kind = next(filter(None, (concept(k, language) for k in kinds)), "") or text("Visit")
    where = encounter.get("serviceProvider", {}).get("display", "")
    diagnoses = [concept(c.get("code"), language) for c in of_type(within, "Condition")]
    if not diagnoses:
        named = [{"text": d.get("condition", {}).get("display", "")} for d in encounter.get("diagnosis", ())]
        diagnoses = [concept(c, language) for c in named or encounter.get("reasonCode", ())]
    medicines = [
        concept(m.get("medicationCodeableConcept"), language) for m in of_type(within, "MedicationRequest")
    ]
    paid = "；".join(
        filter(None, (amounts(b, text, language) for b in of_type(within, "ExplanationOfBenefit")[:1]))
    )
    comma = "、" if language == "zh-CN" else ", "
    parts = [comma.join(filter(None, diagnoses)), findings(within, language), comma.join(medicines), paid]
    stop = "；" if language == "zh-CN" else "; "
    return " · ".join(filter(None, (kind, where))), stop.join(filter(None, parts)), None


def findings(within: Iterable[Resource], language: str) -> str:
    """Blood pressure, and what is outside its range."""
    found = []
    for observation in of_type(within, "Observation"):
        marks = [
            ABNORMAL[c] for i in observation.get("interpretation", ()) for c in codes(i) if c in ABNORMAL
        ]
        if "component" in observation or marks:
            name = concept(observation.get("code"), language)
            found.append(f"{name} {value(observation)}{''.join(marks[:1])}")
    found.sort(key=lambda words: "/" not in words)
    more = " …" if len(found) > MOST_FINDINGS else ""
    return ("，" if language == "zh-CN" else ", ").join(found[:MOST_FINDINGS]) + more


def measurement(observation: Resource, within: Sequence[Resource], text: Any, language: str) -> Words:
    """Name, and value with its mark."""
    marks = [ABNORMAL[c] for i in observation.get("interpretation", ()) for c in codes(i) if c in ABNORMAL]
    tag = Tag(marks[0], "grade-2") if marks else None
    return (
        concept(observation.get("code"), language),
        value(observation) or observation.get("conclusion", ""),
        tag,
    )


def medicine(order: Resource, within: Sequence[Resource], text: Any, language: str) -> Words:
    """Name and dosage."""
    return concept(order.get("medicationCodeableConcept"), language), dosage(order, language), None


def immunisation(shot: Resource, within: Sequence[Resource], text: Any, language: str) -> Words:
    """Vaccine and number of the dose."""
    dose = next((p.get("doseNumberPositiveInt") for p in shot.get("protocolApplied", ())), None)
    return concept(shot.get("vaccineCode"), language), text("Dose {n}", n=dose) if dose else "", None


def claim(benefit: Resource, within: Sequence[Resource], text: Any, language: str) -> Words:
    """Where, and who paid what."""
    where = benefit.get("provider", {}).get("display", "")
    return " · ".join(filter(None, (text("Claim"), where))), amounts(benefit, text, language), None


def other(resource: Resource, within: Sequence[Resource], text: Any, language: str) -> Words:
    """Whatever has a code and perhaps a value."""
    return concept(resource.get("code"), language), value(resource), None


WORDS = {
    "Encounter": visit,
    "Observation": measurement,
    "DiagnosticReport": measurement,
    "MedicationRequest": medicine,
    "Immunization": immunisation,
    "ExplanationOfBenefit": claim,
}


def value(observation: Resource) -> str:
    """The value of an Observation in words, components joined by a stroke."""
    quantity = observation.get("valueQuantity")
    if quantity and "value" in quantity:
        unit = quantity.get("unit") or quantity.get("code") or ""
        return f"{formats.number(quantity['value'])}{formats.THIN_SPACE}{unit}"
    parts = [
        c["valueQuantity"] for c in observation.get("component", ()) if "value" in c.get("valueQuantity", {})
    ]
    if parts:
        unit = parts[0].get("unit", "")
        return f"{'/'.join(formats.number(p['value']) for p in parts)}{formats.THIN_SPACE}{unit}"
    return concept(observation.get("valueCodeableConcept"), "zh-CN") or str(
        observation.get("valueString", "")
    )


def amounts(benefit: Resource, text: Any, language: str) -> str:
    """Total and what the insurance paid."""
    found = {
        code: total["amount"]["value"]
        for total in benefit.get("total", ())
        for code in codes(total.get("category"))
        if code in AMOUNTS and "value" in total.get("amount", {})
    }
    labels = {"submitted": "Total {amount}", "benefit": "Insurance paid {amount}"}
    return ("，" if language == "zh-CN" else ", ").join(
        text(labels[k], amount=f"¥{formats.number(found[k])}") for k in labels if k in found
    )


def of_latest(resources: Iterable[Resource], language: str, most: int = 3) -> list[tuple[str, str, str]]:
    """The latest blood pressures: day, value, and the record."""
    found = [o for o in of_type(resources, "Observation") if "component" in o and when(o)]
    found.sort(key=key, reverse=True)
    return [(formats.day(when(o), language), value(o), href(o)) for o in found[:most]]
