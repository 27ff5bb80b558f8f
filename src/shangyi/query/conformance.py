"""Whether a resource conforms to the base specification of FHIR R4: what store, API and command line ask."""

from typing import Any

from shangyi.errors import Issue
from shangyi.fhir import validation


def validate(resource: dict[str, Any]) -> list[Issue]:
    """All problems: structure, cardinality, formats, required codes, reference targets.

    Not yet the specification's invariants, which are FHIRPath (docs/fhir.md says so to users).
    """
    return validation.validate(resource)
