"""Where retrieves find a resident's resources."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from shangyi.query.closures.values import Element, resource


class Data(Protocol):
    """The resources of one resident, and those that they refer to (organisations, medications …)."""

    def of_type(self, name: str) -> Sequence[Element]:
        """All resources of a FHIR type, in any order that stays the same."""


class Resources:
    """Resources in memory, as dicts; each is boxed once."""

    def __init__(self, resources: Iterable[dict[str, Any]]) -> None:
        self._by_type: dict[str, list[Element]] = {}
        for value in resources:
            found = resource(value)
            self._by_type.setdefault(found.type, []).append(found)

    def of_type(self, name: str) -> Sequence[Element]:
        """All of a type."""
        return self._by_type.get(name, ())
