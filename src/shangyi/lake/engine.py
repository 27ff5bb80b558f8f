"""What runs SQL over a lake. Nothing outside this package executes on an engine by another way."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

Parameters = Sequence[Any] | Mapping[str, Any]
"""Values for ``?`` in order, or for ``$name`` by name."""


class Engine(Protocol):
    """Reads the tables of one version of a lake: each resource type under its FHIR name."""

    def sql(self, text: str, params: Parameters | None = None) -> "pa.Table":
        """All rows of one query.

        Raises Invalid where it is no query or does not compile, TooLarge where it needs more memory than there is,
        Unavailable where it takes too long.
        """

    def stream(
        self, text: str, params: Parameters | None = None, batch_rows: int = 65_536
    ) -> "AbstractContextManager[pa.RecordBatchReader]":
        """The rows in batches, as they come."""

    def close(self) -> None:
        """Let go of the lake."""
