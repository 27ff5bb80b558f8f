"""Elements by name against the definitions: JSON names and types, choices spelled out."""

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
