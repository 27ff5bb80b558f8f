"""FHIR XML, loaded when it is first asked for: most servers never see any."""

from importlib import import_module
from typing import Any

Resource = dict[str, Any]


def read_xml(data: bytes) -> Resource:
    """The resource in FHIR XML."""
    found: Resource = import_module("shangyi.fhir.xml").loads(data)
    return found


def write_xml(resource: Resource) -> bytes:
    """A resource as FHIR XML."""
    data: bytes = import_module("shangyi.fhir.xml").dumps(resource)
    return data
