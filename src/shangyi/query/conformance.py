"""Whether a resource conforms to the base specification of FHIR R4: what store, API and command line ask."""

from typing import Any

from shangyi.errors import Issue
from shangyi.fhir import validation
from shangyi.query import invariants


def validate(resource: dict[str, Any]) -> list[Issue]:
    """All that is wrong: structure, cardinality, formats, required codes, reference targets, invariants.

    Invariants that only advise (``dom-6``: a resource should have narrative) are left to ``advise``.
    """
    return validation.validate(resource, invariants.errors)


def advise(resource: dict[str, Any]) -> list[Issue]:
    """The same with warnings: for a person who asks what could be better."""
    return validation.validate(resource, invariants.every)
