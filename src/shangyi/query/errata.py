"""Where an invariant of R4 (4.0.1), read to the letter, does not say what its sentence says.

Each has the expression that is used instead and the reason; most were corrected so by HL7 in R4B (4.3.0) or R5. An
expression of None is left out: it asks for an element that R4 does not have.
"""

from typing import NamedTuple


class Erratum(NamedTuple):
    """``expression``: what is tested instead, None where nothing can be."""

    expression: str | None
    reason: str


_PRECISION = (
    "Dates of different precision have no order (2014 and 2014-05), so the letter would refuse what the sentence allows;"
    " R5 compares their bounds, as the official FHIRPath suite does (testPeriodInvariantNew)."
)
_LATER = "It came into the tables from R5; R4 has neither the rule nor its elements."

ERRATA: dict[tuple[str, str], Erratum] = {
    ("Period", "per-1"): Erratum(
        "start.hasValue().not() or end.hasValue().not() or (start.lowBoundary() <= end.highBoundary())",
        _PRECISION,
    ),
    ("MedicationDispense", "mdd-1"): Erratum(
        "whenHandedOver.empty() or whenPrepared.empty() or (whenPrepared.lowBoundary() <= whenHandedOver.highBoundary())",
        _PRECISION,
    ),
    ("Task", "inv-1"): Erratum(
        "lastModified.exists().not() or authoredOn.exists().not()"
        " or (authoredOn.lowBoundary() <= lastModified.highBoundary())",
        _PRECISION,
    ),
    ("Range", "rng-2"): Erratum(
        "low.value.empty() or high.value.empty() or low.comparable(high).not() or (low <= high)",
        "Quantities whose units do not go together have no order; R5 asks first whether they are comparable.",
    ),
    ("DomainResource", "dom-3"): Erratum(
        "contained.where((('#'+id in (%resource.descendants().reference | %resource.descendants().ofType(canonical)"
        " | %resource.descendants().ofType(uri) | %resource.descendants().ofType(url)))"
        " or descendants().where(reference = '#').exists() or descendants().where(ofType(canonical) = '#').exists()"
        ").not()).trace('unmatched', id).empty()",
        "as() is an error on more than one item; R5 has ofType().",
    ),
    ("Questionnaire.item.enableWhen", "que-7"): Erratum(
        "operator = 'exists' implies (answer is boolean)",
        "Boolean is a type of FHIRPath itself, which no element of FHIR is of; R4B has FHIR's boolean.",
    ),
    ("ChargeItemDefinition", "cid-0"): Erratum(
        None, "ChargeItemDefinition has no name in R4 (it has a title), so there is nothing to test."
    ),
    ("EvidenceVariable.characteristic", "evv-1"): Erratum(None, _LATER),
}
