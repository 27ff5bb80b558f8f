"""What the codes at the end of a path are bound to."""

from collections.abc import Mapping, Sequence
from functools import cache

from shangyi.fhir import definitions


@cache
def bound_codes(resource_type: str, steps: Sequence[tuple[str, ...]]) -> Mapping[str, frozenset[str]]:
    """The codes by system that a required binding allows the element at the end of a path; none where there is none."""
    parent, bound = resource_type, None
    for step in steps:
        if len(step) > 1:
            continue
        element, parent = definitions.structure(parent).properties[step[0]]
        bound = element.required_value_set
    return (definitions.codes(bound) if bound else None) or {}
