"""What goes into the repository and what comes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

Resource = dict[str, Any]


class Method(StrEnum):
    """What made a version."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Version:
    """One version of a resource as it is kept. ``body`` is compact JSON with meta, empty when deleted."""

    type: str
    id: str
    version: int
    updated: datetime
    method: Method
    body: bytes

    @cached_property
    def resource(self) -> Resource:
        """The resource as a dict, decimals exact; an empty dict when this version is a deletion."""
        from shangyi.fhir import json

        return json.loads(self.body) if self.body else {}

    @property
    def etag(self) -> str:
        """The weak entity tag of FHIR: ``W/"3"``."""
        return f'W/"{self.version}"'

    @property
    def reference(self) -> str:
        """``Type/id``."""
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did. ``changed`` is False where nothing had to be written (the same content again)."""

    version: Version
    created: bool
    changed: bool = True


@dataclass(frozen=True, slots=True)
class Scope:
    """What of the population a reader may see; the default is all of it.

    ``area``: first and last 12-digit division code, inclusive. ``panel``: a Practitioner reference; only
    residents whose generalPractitioner it is. ``types``: resource types that may be seen, None for all.
    ``shared``: types of which a reader bounded by area or panel sees what belongs to no resident and to no place
    (value sets, reports); of other types that is seen without bounds only.
    """

    area: tuple[int, int] | None = None
    panel: str | None = None
    types: frozenset[str] | None = None
    shared: frozenset[str] = frozenset()


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search as asked: type (None: all types) and the raw parameters in their order, already URL-decoded.

    ``compartment``: (Patient, id), only what is in it. ``base``: this server's address, which references may have.
    """

    type: str | None
    parameters: Sequence[tuple[str, str]]
    strict: bool = True
    compartment: tuple[str, str] | None = None
    base: str | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page. ``matches`` in order, ``included`` apart. ``next`` is an opaque keyset cursor (``_cursor``)."""

    matches: Sequence[Version]
    included: Sequence[Version] = ()
    total: int | None = None
    next: str | None = None
    applied: Sequence[tuple[str, str]] = ()
    issues: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Versions, newest first, and the cursor of the next page."""

    versions: Sequence[Version]
    next: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the outbox, in commit-safe order."""

    cursor: str
    version: Version
    headers: Mapping[str, str] = field(default_factory=dict)
