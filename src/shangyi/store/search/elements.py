"""Elements by name against the definitions: JSON names and types, choices spelled out, and what codes are bound to."""

from collections.abc import Mapping, Sequence
from functools import cache

from shangyi.errors import NotSupported
from shangyi.fhir import definitions


@cache
def fields(parent: str, name: str) -> tuple[tuple[str, str], ...]:
    """JSON name and type of each form of an element: ``value`` of Observation is ``valueQuantity`` …; () if none."""
    try:
        structure = definitions.structure(parent)
    except NotSupported:
        return ()
    element = structure.by_name.get(name)
    if element is not None:
        return element.properties
    found = structure.properties.get(name)
    return ((name, found[1]),) if found else ()


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
