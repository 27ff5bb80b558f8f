"""The lake: the whole population as typed, nested Parquet, for every question that is not about one resident.

In: resources as NDJSON, Bundles or dicts, or a store as of one instant. Out: a directory of Parquet files under a
manifest that names them, read by an ``Engine`` as one table a resource type (``query.columns`` says in which columns).
Nothing is lost on the way: what the columns cannot hold stands in ``rest_json``, and ``rebuild`` gives each resource
back with the same meaning. Only this package imports pyarrow, duckdb and pyspark. See docs/lake.md and
docs/decisions/0008-lake-layout.md.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shangyi.lake.catalog import Lake, open
    from shangyi.lake.duckdb_engine import DuckDBEngine
    from shangyi.lake.engine import Engine, start
    from shangyi.lake.spark_engine import SparkEngine
    from shangyi.lake.writer import write

__all__ = ["DuckDBEngine", "Engine", "Lake", "SparkEngine", "open", "start", "write"]

_HOMES = {
    "DuckDBEngine": "duckdb_engine",
    "Engine": "engine",
    "Lake": "catalog",
    "SparkEngine": "spark_engine",
    "start": "engine",
    "open": "catalog",
    "write": "writer",
}


def __getattr__(name: str) -> Any:
    """Imported at first use: the command line must not wait for pyarrow and duckdb."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"shangyi.lake.{_HOMES[name]}"), name)
    raise AttributeError(name)
