"""What a session needs of the repository below it; ``store.repository.Repository`` is one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from shangyi.store.model import HistoryPage, Resource, Scope, SearchRequest, SearchResult, Version, Written

Parameters = Sequence[tuple[str, str]]


class Records(Protocol):
    """Reads, writes and searches without a decision."""

    def read(self, type: str, id: str) -> Version:
        """The current version."""
        ...

    def vread(self, type: str, id: str, version: int) -> Version:
        """One version."""
        ...

    def create(self, resource: Resource, if_none_exist: Parameters | None = None) -> Written:
        """A new resource."""
        ...

    def update(self, resource: Resource, if_match: int | None = None) -> Written:
        """A new version."""
        ...

    def delete(self, type: str, id: str, if_match: int | None = None) -> Any:
        """The end of a resource."""
        ...

    def history(
        self,
        type: str | None = None,
        id: str | None = None,
        *,
        since: datetime | None = None,
        count: int = 50,
        cursor: str | None = None,
        scope: Scope = ...,
    ) -> HistoryPage:
        """Versions, newest first."""
        ...

    def search(self, request: SearchRequest, scope: Scope = ...) -> SearchResult:
        """One page."""
        ...

    def __getattr__(self, name: str) -> Any:
        """What else there is."""
        ...
