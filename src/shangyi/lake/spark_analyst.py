"""Spark for who may read everything: the owner, without an area. Whoever may less stays with DuckDB.

Areas, masked numbers, and groups of at least five residents are guards in DuckDB's engine, and are not on Spark.
"""

from collections.abc import Mapping
from functools import cached_property

from shangyi.lake.answer import Answer
from shangyi.lake.asked import Asked, Reach, limited
from shangyi.lake.engine import Parameters
from shangyi.lake.spark_engine import SparkEngine
from shangyi.settings import Settings


def serves(reach: Reach, settings: Settings) -> bool:
    """Whether Spark is asked for, and may answer."""
    return settings.engine.startswith("spark:") and reach.whole and reach.persons and not reach.area


class SparkAnalystEngine(Asked, SparkEngine):
    """``reach`` is given before the engine starts: ``SparkAnalystEngine.of`` a lake ``reaching`` so far."""

    @classmethod
    def reaching(cls, reach: Reach) -> type["SparkAnalystEngine"]:
        """The engine for a reach."""
        return type("SparkAnalystEngine", (cls,), {"reach": reach})

    @cached_property
    def names(self) -> Mapping[tuple[str, ...], str]:
        """The views of the library under their names, the tables of the types in ``fhir``."""
        within = list(self.views)
        found: dict[tuple[str, ...], str] = {(name,): name for name in within}
        found |= {("main", name): name for name in within}
        return found | {("fhir", name.lower()): name for name in self.reach.types}

    def ask(self, text: str, params: Parameters | None = None, limit: int | None = None) -> Answer:
        """The rows of one query within reach; at most ``limit`` of them."""
        with self._running(lambda: self._frame(text, params)) as found:
            return limited((found if limit is None else found.limit(limit + 1)).toArrow(), limit)

    def _source(self, resource_type: str) -> str:
        return self._make(resource_type)

    def _shown_as(self, name: str) -> str:
        return self._make(name)

    def _first(self, text: str, params: Parameters | None, limit: int | None) -> Answer:
        with self._running(lambda: self._planned(text, params)) as found:
            return limited((found if limit is None else found.limit(limit + 1)).toArrow(), limit)
