"""The library of views: ViewDefinitions of SQL on FHIR v2, one a file, that every population question reads from."""

import json
from functools import cache
from importlib import resources
from typing import Any

PERSONS = frozenset({"patient_identity"})
"""Views that name persons; the others say who only by a key."""
PLACES = frozenset({"division", "institution"})
"""Views without residents."""


@cache
def names() -> tuple[str, ...]:
    """Every view of the library."""
    found = (file.name for file in resources.files("shangyi.lake.library").iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in found if name.endswith(".json")))


@cache
def definition(name: str) -> dict[str, Any]:
    """The ViewDefinition of that name; not to be changed. KeyError where there is none."""
    if name not in names():
        raise KeyError(name)
    text = resources.files("shangyi.lake.library").joinpath(f"{name}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
