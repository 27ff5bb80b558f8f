"""FHIRPath as SQL over the columns of a table: ``compile_tree`` gives a tree, a dialect writes it."""

from shangyi.query.sql.compiler import Around, compile_tree, row
from shangyi.query.sql.dialect import Dialect
from shangyi.query.sql.duckdb import DuckDB
from shangyi.query.sql.errors import CompilationError
from shangyi.query.sql.scope import Scope
from shangyi.query.sql.spark import Spark

DIALECTS: dict[str, Dialect] = {"duckdb": DuckDB(), "spark": Spark()}
"""Every dialect, by its name."""

__all__ = [
    "DIALECTS",
    "Around",
    "CompilationError",
    "Dialect",
    "DuckDB",
    "Scope",
    "Spark",
    "compile_tree",
    "row",
]
