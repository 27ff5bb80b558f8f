"""What runs SQL over a lake. Nothing outside this package executes on an engine by another way."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from shangyi.lake.catalog import Lake
    from shangyi.settings import Settings

Parameters = Sequence[Any] | Mapping[str, Any]
"""Values for ``?`` in order, or for ``$name`` by name."""


class Engine(Protocol):
    """Reads the tables of one version of a lake: each resource type under its FHIR name.

    ``dialect``: which SQL it takes, by its name in ``query.sql.DIALECTS``. Both take double quotes around names, ``::``,
    ``group by all``, ``filter (where …)``; ``$name`` and ``?`` for parameters.
    """

    @property
    def dialect(self) -> str:
        """``duckdb`` or ``spark``."""

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


def start(lake: "Lake", settings: "Settings") -> Engine:
    """The engine that the settings name, within their bounds, over an opened lake, which it closes with itself."""
    if settings.engine.startswith("spark:"):
        from shangyi.lake.spark_engine import SparkEngine

        return SparkEngine.of(lake, settings)
    from shangyi.lake.duckdb_engine import DuckDBEngine

    return DuckDBEngine.of(lake, settings)
