"""Which resources a retrieve of a profile is about (``[MedicationNotRequested]``, ``["observation-bp"]``).

A resource is of the profiles that it declares (``meta.profile``). One that declares none of its type is told by the
element whose value the profile fixes, since most records declare nothing. Negation profiles (not done, not requested:
https://hl7.org/fhir/us/qicore/STU4.1.1/negation.html) and the profile of the act itself exclude each other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

Resource = Mapping[str, Any]
Test = Callable[[Resource], bool]
BASES = (
    "http://hl7.org/fhir/us/qicore/StructureDefinition/",
    "http://hl7.org/fhir/us/core/StructureDefinition/",
)
FHIR = "http://hl7.org/fhir/StructureDefinition/"


@dataclass(frozen=True, slots=True)
class Sign:
    """The element whose value a profile fixes: a primitive, or a code of a CodeableConcept."""

    element: str
    value: str | bool

    def __call__(self, resource: Resource) -> bool:
        """Whether a resource bears it."""
        found = resource.get(self.element)
        concepts = found if isinstance(found, list) else [found]
        return any(
            concept == self.value
            if not isinstance(concept, dict)
            else any(coding.get("code") == self.value for coding in concept.get("coding") or ())
            for concept in concepts
        )


NEGATIONS: Mapping[str, tuple[str, Sign]] = {
    f"{BASES[0]}qicore-{name}": (type_, Sign(element, value))
    for name, type_, element, value in (
        ("communicationnotdone", "Communication", "status", "not-done"),
        ("immunizationnotdone", "Immunization", "status", "not-done"),
        ("mednotadministered", "MedicationAdministration", "status", "not-done"),
        ("mednotdispensed", "MedicationDispense", "status", "declined"),
        ("mednotrequested", "MedicationRequest", "doNotPerform", True),
        ("servicenotrequested", "ServiceRequest", "doNotPerform", True),
        ("procedurenotdone", "Procedure", "status", "not-done"),
        ("observationnotdone", "Observation", "status", "cancelled"),
        ("observationcancelled", "Observation", "status", "cancelled"),
        ("tasknotdone", "Task", "status", "rejected"),
        ("taskrejected", "Task", "status", "rejected"),
    )
}
"""Profiles of acts that were not done, with the type and what tells it."""

FIXED: Mapping[str, tuple[str, Sign]] = {
    **{
        f"{FHIR}{name}": ("Observation", Sign("code", code))
        for name, code in (
            ("bmi", "39156-5"),
            ("bodyheight", "8302-2"),
            ("bodytemp", "8310-5"),
            ("bodyweight", "29463-7"),
            ("bp", "85354-9"),
            ("headcircum", "9843-4"),
            ("heartrate", "8867-4"),
            ("oxygensat", "2708-6"),
            ("resprate", "9279-1"),
            ("vitalspanel", "85353-1"),
        )
    },
    **{
        f"{BASES[1]}{name}": (type_, Sign(element, value))
        for name, type_, element, value in (
            ("us-core-observation-lab", "Observation", "category", "laboratory"),
            ("us-core-pulse-oximetry", "Observation", "code", "59408-5"),
            ("us-core-smokingstatus", "Observation", "code", "72166-2"),
            ("pediatric-bmi-for-age", "Observation", "code", "59576-9"),
            ("pediatric-weight-for-height", "Observation", "code", "77606-2"),
        )
    },
    f"{BASES[0]}qicore-diagnosticreport-lab": ("DiagnosticReport", Sign("category", "LAB")),
}
"""Profiles that fix a code (http://hl7.org/fhir/R4/observation-vitalsigns.html, US Core 3.1.1, QI-Core 4.1.1)."""


@cache
def of_profile(template: str | None, type_: str) -> Test | None:
    """Whether a resource of ``type_`` is of the profile; None where all are."""
    if template is None or not (template.startswith(BASES) or template in FIXED):
        return None
    negations = frozenset(url for url, (of, _) in NEGATIONS.items() if of == type_)
    if is_general(template, type_):
        if not negations:
            return None
        signs = {NEGATIONS[url][1] for url in negations}
        return lambda resource: not _negated(resource, template, negations, signs)
    sign = (NEGATIONS.get(template) or FIXED.get(template) or (None, None))[1]

    def test(resource: Resource) -> bool:
        declared = {url for url in _declared(resource) if not is_general(url, type_)}
        return template in declared if declared else sign is None or sign(resource)

    return test


def is_general(template: str, type_: str) -> bool:
    """Whether a profile is that of the type itself, which every resource of the type is of, if it is not negated."""
    name = template.rpartition("/")[2]
    return name.removeprefix("qicore-").removeprefix("us-core-") == type_.lower() or name == type_


def _negated(resource: Resource, template: str, negations: frozenset[str], signs: set[Sign]) -> bool:
    declared = _declared(resource)
    if declared:
        return bool(declared & negations) and template not in declared
    return any(sign(resource) for sign in signs)


def _declared(resource: Resource) -> set[str]:
    """The profiles that it declares, of those that models know."""
    urls = (str(url).partition("|")[0] for url in (resource.get("meta") or {}).get("profile") or ())
    return {url for url in urls if url.startswith(BASES) or url in FIXED}
