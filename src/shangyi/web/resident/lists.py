"""What stands in lists on a resident's page: alerts, problems, medicines, immunisations, cover, household."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shangyi.web import formats
from shangyi.web.components.tag import Tag
from shangyi.web.resident.reading import codes, href, newest_first, of_type, when
from shangyi.web.wording import concept, dosage

Resource = dict[str, Any]
ACTIVE = frozenset({"active", "recurrence", "relapse"})


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a list: what, since when, how it stands, and the record behind it."""

    title: str
    end: str = ""
    detail: str = ""
    tag: Tag | None = None
    href: str = ""


def alerts(resources: Iterable[Resource], text: Any, language: str) -> list[Tag]:
    """Allergies and active flags, for the banner."""
    found = []
    for allergy in of_type(resources, "AllergyIntolerance"):
        if not {"resolved", "inactive"} & set(codes(allergy.get("clinicalStatus"))):
            substance = concept(allergy.get("code"), language)
            found.append(Tag(text("Allergy: {substance}", substance=substance), "grade-1"))
    active = (flag for flag in of_type(resources, "Flag") if flag.get("status") == "active")
    return found + [Tag(concept(flag.get("code"), language), "grade-2") for flag in active]


def problems(resources: Iterable[Resource], text: Any, language: str) -> tuple[list[Fact], list[Fact]]:
    """The problem list: what is there now, and what is over; each with its year."""
    now: list[Fact] = []
    over: list[Fact] = []
    for condition in newest_first(of_type(resources, "Condition")):
        categories = {code for category in condition.get("category", ()) for code in codes(category)}
        if "problem-list-item" not in categories:
            continue
        stages = [stage["summary"] for stage in condition.get("stage", ()) if "summary" in stage]
        detail = concept(condition.get("severity") or next(iter(stages), None), language)
        active = bool(ACTIVE & set(codes(condition.get("clinicalStatus"))))
        since = when(condition) if not condition.get("onsetDateTime") else condition["onsetDateTime"]
        line = Fact(concept(condition.get("code"), language), since[:4], detail, None, href(condition))
        (now if active else over).append(line)
    return now, over


def medicines(resources: Iterable[Resource], text: Any, language: str) -> tuple[list[Fact], list[Fact]]:
    """The newest order of each medicine: in use, and ended."""
    newest: dict[str, Resource] = {}
    began: dict[str, str] = {}
    for order in newest_first(of_type(resources, "MedicationRequest")):
        name = concept(order.get("medicationCodeableConcept"), language)
        newest.setdefault(name, order)
        began[name] = when(order)
    now: list[Fact] = []
    over: list[Fact] = []
    for name, order in newest.items():
        taken = dosage(order, language)
        if order.get("status") == "active":
            since = text("since {date}", date=formats.day(began[name], language))
            now.append(Fact(name, since, taken, Tag(text("In use"), "good"), href(order)))
        else:
            over.append(Fact(name, formats.day(when(order), language), taken, None, href(order)))
    return now, over


def immunisations(resources: Iterable[Resource], text: Any, language: str) -> list[Fact]:
    """Each vaccine once: doses given and the day of the last."""
    given: dict[str, list[Resource]] = defaultdict(list)
    for shot in newest_first(of_type(resources, "Immunization")):
        if shot.get("status") == "completed":
            given[concept(shot.get("vaccineCode"), language)].append(shot)
    return [
        Fact(
            name,
            formats.date(when(shots[0]), language),
            text("{n} doses", n=len(shots)),
            None,
            href(shots[0]),
        )
        for name, shots in given.items()
    ]


@dataclass(frozen=True, slots=True)
class Cover:
    """Insurance and what it paid: by year (year, claims, total, paid by the insurance, by the resident), CNY."""

    kinds: Sequence[Fact]
    years: Sequence[tuple[str, int, float, float, float]]


def cover(resources: Sequence[Resource], text: Any, language: str) -> Cover:
    """Active insurance, and claims of the last three years that have any."""
    kinds = [
        Fact(
            concept(c.get("type"), language),
            text("since {date}", date=c.get("period", {}).get("start", "")[:4]),
            c.get("payor", [{}])[0].get("display", ""),
            None,
            href(c),
        )
        for c in of_type(resources, "Coverage")
        if c.get("status") == "active"
    ]
    totals: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0, 0.0])
    for benefit in of_type(resources, "ExplanationOfBenefit"):
        row = totals[when(benefit)[:4]]
        row[0] += 1
        for total in benefit.get("total", ()):
            value = float(total.get("amount", {}).get("value", 0))
            for code in codes(total.get("category")):
                if code in AMOUNTS:
                    row[AMOUNTS[code]] += value
    years = [(y, int(n), a, b, c) for y, (n, a, b, c) in sorted(totals.items(), reverse=True)]
    return Cover(kinds, years[:3])


AMOUNTS = {"submitted": 1, "benefit": 2, "self-pay": 3}


@dataclass(frozen=True, slots=True)
class Relative:
    """Another of the household, and the relation to its head."""

    name: str
    relation: str
    href: str


def household(groups: Iterable[Resource], id: str, language: str) -> list[Relative]:
    """The others in the household's Group."""
    found = []
    for group in groups:
        if "household" not in codes(group.get("code")):
            continue
        for member in group.get("member", ()):
            reference = member.get("entity", {}).get("reference", "")
            if (
                reference.startswith("Patient/")
                and reference != f"Patient/{id}"
                and not member.get("inactive")
            ):
                relation = next(
                    (
                        e["valueCodeableConcept"]
                        for e in member.get("extension", ())
                        if "valueCodeableConcept" in e
                    ),
                    None,
                )
                found.append(
                    Relative(
                        member["entity"].get("display", ""),
                        concept(relation, language),
                        f"/residents/{reference.removeprefix('Patient/')}",
                    )
                )
    return found
