"""Observations as charts and small trends: one series a code and unit, state from the record itself."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shangyi.web.components.tag import Tag, Tone
from shangyi.web.resident.reading import codes, when

Resource = dict[str, Any]

INTERPRETATIONS: dict[str, tuple[str, Tone]] = {
    "HH": ("Critically high", "grade-1"),
    "LL": ("Critically low", "grade-1"),
    "AA": ("Critical", "grade-1"),
    "H": ("High", "grade-2"),
    "L": ("Low", "grade-2"),
    "A": ("Abnormal", "grade-2"),
    "POS": ("Positive", "grade-2"),
    "N": ("Normal", "good"),
    "NEG": ("Negative", "good"),
}
"""http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation; the English word is the key of its text."""


@dataclass(frozen=True, slots=True)
class Point:
    """One measured value: ``value`` in ``unit`` (as written), at ``date`` (as written)."""

    date: str
    value: Decimal
    unit: str
    resource: Resource
    low: Decimal | None = None
    high: Decimal | None = None


def points(observations: Iterable[Resource]) -> dict[str, list[Point]]:
    """Numeric values by code (of the observation or its component), oldest first; cancelled ones left out."""
    found: dict[str, list[Point]] = defaultdict(list)
    for observation in observations:
        if observation.get("status") in ("entered-in-error", "cancelled"):
            continue
        for part in (observation, *observation.get("component", ())):
            quantity = part.get("valueQuantity")
            if not quantity or "value" not in quantity or not when(observation):
                continue
            low, high = reference_range(part)
            unit = quantity.get("unit") or quantity.get("code") or ""
            for code in codes(part.get("code"))[:1]:
                found[code].append(
                    Point(when(observation), Decimal(quantity["value"]), unit, observation, low, high)
                )
    for series in found.values():
        series.sort(key=lambda point: point.date)
    return found


def reference_range(part: Resource) -> tuple[Decimal | None, Decimal | None]:
    """Low and high of the first reference range of an Observation or component, None where open."""
    for reference in part.get("referenceRange", ()):
        low, high = reference.get("low", {}).get("value"), reference.get("high", {}).get("value")
        return (None if low is None else Decimal(low), None if high is None else Decimal(high))
    return None, None


def state(resource: Resource, language: str, translate: Any) -> Tag | None:
    """The interpretation as a tag, as the laboratory gave it; None where it gave none."""
    for concept in resource.get("interpretation", ()):
        for code in codes(concept):
            if code in INTERPRETATIONS:
                text, tone = INTERPRETATIONS[code]
                return Tag(translate(text, language), tone)
    return None
