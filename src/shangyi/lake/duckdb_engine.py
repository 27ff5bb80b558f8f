"""DuckDB in this process: bounded memory, spills to the disk, reads the files of its version and nothing else."""

import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from shangyi.errors import Invalid, Misconfigured, ShangyiError, TooLarge, Unavailable
from shangyi.fhir.definitions import resource_types
from shangyi.lake import materialised, relations
from shangyi.lake.catalog import Lake
from shangyi.lake.engine import Parameters
from shangyi.lake.row_view import RowView
from shangyi.lake.type_files import SUPERSEDED, TypeFiles, listed
from shangyi.settings import Settings

_READING_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_WRITING = re.compile(r"\b(?:copy|insert|update|delete|merge|truncate)\b", re.IGNORECASE)
"""Words without which nothing is written, though they may as well be a name or stand in a text."""
_NO_COLUMNS = (
    "null::varchar id, null::varchar resource_key, null::varchar patient_key, []::varchar[] codes,"
    " null::varchar primary_code, null::timestamp date_low, null::timestamp date_high, null::varchar version_id,"
    " null::timestamp last_updated, null::varchar rest_json where false"
)


class DuckDBEngine:
    """An engine over an opened lake, which it closes with itself. May be used by several threads at once.

    ``tables_in``: the schema of the types' tables. ``unavailable``: views of the library that this lake cannot give.
    """

    dialect = "duckdb"
    tables_in = "main"

    def __init__(
        self,
        lake: Lake,
        *,
        memory_mb: int = 2048,
        threads: int | None = None,
        seconds: float | None = None,
    ) -> None:
        """``seconds``: how long a query may take."""
        self.lake, self.seconds = lake, seconds
        self.unavailable: dict[str, ShangyiError] = {}
        self._spill = Path(tempfile.mkdtemp(prefix="shangyi-spill-"))
        config: dict[str, Any] = {
            "memory_limit": f"{memory_mb}MiB",
            "threads": threads or os.cpu_count() or 1,
            "temp_directory": str(self._spill),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
            "python_enable_replacements": False,
        }
        try:
            self._database = duckdb.connect(config=config)
            for statement in self._setup():
                self._database.execute(statement).fetchall()
        except duckdb.Error as error:
            self.close()
            raise Misconfigured(
                "The lake's engine does not start: {reason}", reason=_first_line(error)
            ) from error

    @classmethod
    def of(cls, lake: Lake, settings: Settings) -> Self:
        """Within the bounds that the settings name."""
        return cls(
            lake,
            memory_mb=settings.lake_memory_mb,
            threads=settings.lake_threads or None,
            seconds=settings.lake_seconds,
        )

    def _setup(self) -> Iterator[str]:
        held = self.lake.tables()
        schema = self.tables_in
        self._files = {name: TypeFiles(self.lake, name, self._spill) for name in held}
        paths = [path for files in self._files.values() for path in files.paths]
        yield f"set allowed_paths = {listed([*paths, *materialised.paths(self.lake)])}"
        yield f"create schema {SUPERSEDED}"
        yield f"create schema if not exists {schema}"
        for name, files in self._files.items():
            yield from files.setup()
            yield f'create view {schema}."{name}" as {files.relation()}'
        yield ";".join(
            f'create view {schema}."{name}" as select {_NO_COLUMNS}'
            for name in resource_types()
            if name not in held
        )
        yield from self._library()
        yield "set global TimeZone = 'UTC'"
        yield "set global parquet_metadata_cache = true"
        yield "set enable_external_access = false"
        yield "set lock_configuration = true"

    def _library(self) -> Iterator[str]:
        """The views, in a schema of their own: ``patient`` and ``Patient`` are one name in SQL."""
        yield "create schema views"
        for name, view in relations.every(self.lake, self.unavailable):
            rows = self.rows(view, f'{self.tables_in}."{view.type}"')
            yield f'create view views."{name}" as {view.finished(rows, "views")}'

    def rows(self, view: RowView, source: str, within: materialised.Within | None = None) -> str:
        """What a view gives of each resource, kept or computed; ``source``: the relation of its type."""
        found = materialised.found(self.lake, view)
        if not found:
            return view.sql(source)
        return materialised.rows(view, found, self._files[view.type], within)

    def sql(self, text: str, params: Parameters | None = None) -> pa.Table:
        """All rows of one query; see ``Engine.sql``."""
        with self._running(text, params) as found:
            return found.to_arrow_table()

    @contextmanager
    def stream(
        self, text: str, params: Parameters | None = None, batch_rows: int = 65_536
    ) -> Iterator[pa.RecordBatchReader]:
        """The rows in batches, as they come."""
        with self._running(text, params) as found:
            yield found.to_arrow_reader(batch_rows)

    @contextmanager
    def _running(self, text: str, params: Parameters | None) -> Iterator[duckdb.DuckDBPyRelation]:
        connection = self._database.cursor()
        timer = threading.Timer(self.seconds, connection.interrupt) if self.seconds else None
        try:
            if not _reads_only(connection, text):
                raise Invalid("Only one query that reads is run here: select … or with … select …")
            if timer:
                timer.start()
            found = connection.sql(text, params=params)
            if found is None:
                raise Invalid("Only one query that reads is run here: select … or with … select …")
            yield found
        except duckdb.Error as error:
            raise self._error(error) from error
        except pa.ArrowException as error:  # what went wrong while a stream was read
            raise self._error(error) from error
        finally:
            if timer:
                timer.cancel()
            connection.close()

    def _error(self, error: Exception) -> ShangyiError:
        reason = _first_line(error)
        if isinstance(error, duckdb.InterruptException) or "INTERRUPT" in reason.upper():
            return Unavailable(
                "The query was ended: it took longer than {seconds:g} s", seconds=self.seconds or 0
            )
        if isinstance(error, duckdb.OutOfMemoryException):
            return TooLarge(
                "The query needs more memory or disk than the lake's engine has: {reason}", reason=reason
            )
        if isinstance(error, duckdb.IOException):
            return Unavailable("The lake cannot be read: {reason}", reason=reason)
        return Invalid("The query cannot be run: {reason}", reason=str(error).strip())

    def close(self) -> None:
        """Close the engine and its lake."""
        if hasattr(self, "_database"):
            self._database.close()
        shutil.rmtree(self._spill, ignore_errors=True)
        self.lake.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _reads_only(connection: duckdb.DuckDBPyConnection, text: str) -> bool:
    """Whether this is one query that reads. EXPLAIN is none: with ANALYZE it carries out what it explains."""
    statements = connection.extract_statements(text)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        return False
    if not _WRITING.search(text):
        return True
    # A query may have a COPY or INSERT within a WITH: the engine's own parser tells.
    [(tree,)] = connection.execute("select json_serialize_sql(?::varchar)", [text]).fetchall()
    parsed = json.loads(tree)
    return not parsed["error"] and _nodes(parsed["statements"]) <= _READING_NODES


def _nodes(tree: Any) -> set[str]:
    """The kinds of query nodes in a serialised query."""
    if isinstance(tree, list):
        return set().union(*map(_nodes, tree))
    if not isinstance(tree, dict):
        return set()
    kind = tree.get("type")
    own = {kind} if isinstance(kind, str) and kind.endswith("_NODE") else set()
    return own.union(*(_nodes(inner) for inner in tree.values()))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
