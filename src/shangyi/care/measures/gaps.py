"""Gaps in care (http://hl7.org/fhir/us/davinci-deqm/OperationDefinition/care-gaps): where a measure asks for something.

Of proportion measures only. Who is in the denominator, neither excluded nor an exception, has an open gap while the
numerator is not met, or, where a lower score is better, while it is.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shangyi.care.measures.definition import (
    DENOMINATOR,
    DENOMINATOR_EXCEPTION,
    DENOMINATOR_EXCLUSION,
    NUMERATOR,
    NUMERATOR_EXCLUSION,
    Definition,
    Group,
)
from shangyi.care.measures.report import INDIVIDUAL, report
from shangyi.care.measures.results import Outcome, Result
from shangyi.care.measures.tally import tally

Resource = dict[str, Any]
OPEN, CLOSED, NONE = "open-gap", "closed-gap", "not-applicable"
STATUS = "http://hl7.org/fhir/us/davinci-deqm/CodeSystem/care-gap-status"
GAP_STATUS = "http://hl7.org/fhir/us/davinci-deqm/StructureDefinition/extension-gapStatus"


def status(group: Group, outcome: Outcome) -> str:
    """Of one group of a measure."""

    def within(code: str) -> set[str]:
        population = group.coded(code)
        return set() if population is None else set(outcome.members[population.key])

    asked = within(DENOMINATOR) - within(DENOMINATOR_EXCLUSION) - within(DENOMINATOR_EXCEPTION)
    if not asked:
        return NONE
    met = within(NUMERATOR) - within(NUMERATOR_EXCLUSION)
    codings = (group.improvement or {}).get("coding") or ()
    lower = any(coding.get("code") == "decrease" for coding in codings)
    return OPEN if (asked & met if lower else asked - met) else CLOSED


def gaps(definition: Definition, found: Result) -> str:
    """Of the whole measure: open where one group is, closed where none is and one applies."""
    statuses = {
        status(group, outcome)
        for group, outcome in zip(definition.groups, found.groups, strict=True)
        if group.scoring == "proportion" and outcome is not None
    }
    return next((one for one in (OPEN, CLOSED) if one in statuses), NONE)


def bundle(
    subject: str,
    measured: Sequence[tuple[Definition, Result, str]],
    period: tuple[str, str],
    made: datetime,
) -> Resource:
    """A document: a section for each measure, with its DetectedIssue and its MeasureReport."""
    sections, entries = [], []
    for definition, found, gap in measured:
        made_report = report(tally(definition, [found]), INDIVIDUAL, period, made, subject)
        report_id, issue_id = (f"urn:uuid:{uuid.uuid4()}" for _ in range(2))
        title = str(
            definition.resource.get("title") or definition.resource.get("name") or definition.canonical
        )
        issue = {
            "resourceType": "DetectedIssue",
            "modifierExtension": [
                {"url": GAP_STATUS, "valueCodeableConcept": {"coding": [{"system": STATUS, "code": gap}]}}
            ],
            "status": "final",
            "code": {
                "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "CAREGAP"}]
            },
            "patient": {"reference": subject},
            "identifiedDateTime": made.isoformat(timespec="seconds"),
            "evidence": [{"detail": [{"reference": report_id}]}],
        }
        sections.append(
            {"title": title, "focus": {"reference": report_id}, "entry": [{"reference": issue_id}]}
        )
        entries += [{"fullUrl": issue_id, "resource": issue}, {"fullUrl": report_id, "resource": made_report}]
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": {
            "coding": [{"system": "http://loinc.org", "code": "96315-7", "display": "Gaps in care report"}]
        },
        "subject": {"reference": subject},
        "date": made.isoformat(timespec="seconds"),
        "author": [{"display": "Shangyi"}],
        "title": "Gaps in care",
        "section": sections,
    }
    first = {"fullUrl": f"urn:uuid:{uuid.uuid4()}", "resource": composition}
    return {
        "resourceType": "Bundle",
        "type": "document",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{uuid.uuid4()}"},
        "timestamp": made.isoformat(timespec="seconds"),
        "entry": [first, *entries],
    }
