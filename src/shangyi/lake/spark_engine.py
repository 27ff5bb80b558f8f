"""Spark over the same Parquet: for what outgrows a machine. Every worker reads the lake's files at the same path.

In this process a driver is started (``spark_context``), which plans and collects; the work is the workers'. Names are
resolved when a query asks for them, so that opening a new version of the lake costs nothing.
"""

import re
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from shangyi.errors import Invalid, ShangyiError, TooLarge, Unavailable
from shangyi.fhir.definitions import resource_types
from shangyi.lake import relations, spark_context, spark_tables
from shangyi.lake.catalog import Lake
from shangyi.lake.engine import Parameters
from shangyi.lake.row_view import REPORTED
from shangyi.lake.spark_statement import Query, Rewritten, located, marked, place
from shangyi.lake.spark_views import statement
from shangyi.settings import Settings

_WHERE = re.compile(r"\(?line (\d+),? pos (\d+)\)?")
_MEMORY = ("OutOfMemoryError", "maxResultSize", "bigger than spark.driver", "ran out of memory")


class SparkEngine:
    """An engine over an opened lake, which it closes with itself. May be used by several threads at once.

    ``unavailable``: views of the library that this lake cannot give.
    """

    dialect = "spark"

    def __init__(
        self,
        lake: Lake,
        url: str,
        *,
        memory_mb: int = 2048,
        threads: int | None = None,
        seconds: float | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        """``url``: as SHANGYI_ENGINE; ``seconds``: how long a query may take; ``options``: of Spark, beside ours."""
        self.lake, self.seconds = lake, seconds
        wanted = spark_context.Wanted(url, memory_mb, threads, tuple(sorted((options or {}).items())))
        try:
            self._session = spark_context.session(wanted)
        except ShangyiError:
            lake.close()
            raise
        self._closed, self._making = False, threading.RLock()
        self._inner = f"shangyi_{secrets.token_hex(8)}"
        """Before the names of what queries must not name themselves."""
        self.unavailable: dict[str, ShangyiError] = {}
        self.library = dict(relations.every(lake, self.unavailable))
        """The views that this lake can give."""
        self._made: set[str] = set()
        self._plain: set[str] = set()

    @classmethod
    def of(cls, lake: Lake, settings: Settings) -> Self:
        """Within the bounds that the settings name."""
        return cls(
            lake,
            settings.engine,
            memory_mb=settings.lake_memory_mb,
            threads=settings.lake_threads or None,
            seconds=settings.lake_seconds,
        )

    @cached_property
    def names(self) -> Mapping[tuple[str, ...], str]:
        """What a query may read, by name in lower case: the type of a table, or a view of the library."""
        found: dict[tuple[str, ...], str] = {(name.lower(),): name for name in resource_types()}
        found |= {("main", name.lower()): name for name in resource_types()}
        return found | {("views", name): name for name in self.library}

    def _relation(self, name: str) -> str:
        """A table or view of the library as our own statements name it: no query can guess it."""
        return f"{self._inner}_{'type' if name[0].isupper() else 'view'}_{name}"

    def _make(self, name: str) -> str:
        """See that there is such a table or view; its relation."""
        made = self._relation(name)
        with self._making:
            if name in self._made:
                return made
            if name[0].isupper():
                spark_tables.table(self._session, self.lake, name).createOrReplaceTempView(made)
            else:
                view = self.library[name]
                source = self._make(view.type)
                patient = self._make("patient") if view.name == REPORTED else ""
                self._session.sql(statement(view, source, patient)).createOrReplaceTempView(made)
            self._made.add(name)
        return made

    def _shown(self, name: tuple[str, ...]) -> None:
        """See that a name of one part is there under it."""
        with self._making:
            if name[0] not in self._plain:
                self._session.table(self._make(self.names[name])).createOrReplaceTempView(name[0])
                self._plain.add(name[0])

    def sql(self, text: str, params: Parameters | None = None) -> pa.Table:
        """All rows of one query; see ``Engine.sql``."""
        with self._running(lambda: self._frame(text, params)) as found:
            table: pa.Table = found.toArrow()
            return table

    @contextmanager
    def stream(
        self, text: str, params: Parameters | None = None, batch_rows: int = 65_536
    ) -> Iterator[pa.RecordBatchReader]:
        """The rows in batches, a partition after the other."""
        with self._running(lambda: self._frame(text, params)) as found:
            yield _reader(found, batch_rows)

    def _frame(self, text: str, params: Parameters | None) -> Any:
        """What a query is, judged, before it runs."""
        query = Query(self._session._jsparkSession.sessionState().sqlParser(), marked(text))
        replaced = []
        for relation in query.relations:
            if relation.name in self.names and len(relation.name) == 1:
                self._shown(relation.name)
            elif relation.name in self.names:
                alias = "" if relation.alias else f" as `{relation.name[-1]}`"
                replaced.append((relation.start, relation.end, self._make(self.names[relation.name]) + alias))
            elif len(relation.name) > 1 or relation.name[0] not in query.named:
                self._unknown(query, relation.name, relation.start)
        rewritten = Rewritten(text, replaced)
        try:
            return self._planned(rewritten.text, params)
        except _faults() as error:
            raise self._error(error, rewritten) from error

    def _planned(self, text: str, params: Parameters | None) -> Any:
        """What a query is that may name everything."""
        args = dict(params) if isinstance(params, Mapping) else list(params) if params else None
        return self._session.sql(marked(text), args)

    def _unknown(self, query: Query, name: tuple[str, ...], start: int) -> None:
        if name[-1] in self.unavailable:
            raise self.unavailable[name[-1]]
        raise located(
            Invalid,
            "There is no view or table {name} that you may read",
            *place(query.text, start),
            name=".".join(name),
        )

    @contextmanager
    def _running(self, plan: Callable[[], Any]) -> Iterator[Any]:
        """A query while it runs. What it needs longer than ``seconds`` for is ended."""
        context, tag = self._session.sparkContext, f"shangyi-{secrets.token_hex(8)}"
        late = threading.Event()

        def end() -> None:
            late.set()
            context.cancelJobsWithTag(tag)

        timer = threading.Timer(self.seconds, end) if self.seconds else None
        context.addJobTag(tag)
        try:
            if timer:
                timer.start()
            yield plan()
        except _faults() as error:
            if late.is_set():
                raise Unavailable(
                    "The query was ended: it took longer than {seconds:g} s", seconds=self.seconds or 0
                ) from error
            raise self._error(error) from error
        finally:
            if timer:
                timer.cancel()
            context.removeJobTag(tag)

    def _error(self, error: Exception, text: Rewritten | None = None) -> ShangyiError:
        from py4j.protocol import Py4JNetworkError

        said = str(error)
        if isinstance(error, Py4JNetworkError):
            return Unavailable("The lake's engine has ended; ask again in a moment")
        if any(word in said for word in _MEMORY):
            return TooLarge(
                "The query needs more memory or disk than the lake's engine has: {reason}",
                reason=_reason(said),
            )
        if "FileNotFoundException" in said or "FAILED_READ_FILE" in said:
            return Unavailable("The lake cannot be read: {reason}", reason=_reason(said))
        sentence, found = "The query cannot be run: {reason}", _WHERE.search(said)
        if found is None:
            return Invalid(sentence, reason=_reason(said))
        where = int(found[1]), int(found[2]) + 1
        return located(Invalid, sentence, *(text.place(*where) if text else where), reason=_reason(said))

    def close(self) -> None:
        """Close the engine and its lake; the last in a process ends Spark."""
        if not self._closed:
            self._closed = True
            for view in (*map(self._relation, self._made), *self._plain):
                self._session.catalog.dropTempView(view)
            spark_context.release()
        self.lake.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _faults() -> tuple[type[Exception], ...]:
    """What goes wrong in Spark, on the way to it, and in what comes from it."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    return PySparkException, Py4JError, pa.ArrowException


def _reason(said: str) -> str:
    """The sentence of an error of Spark's, without its code, its plan and its place."""
    line = next((line for line in said.splitlines() if line.strip()), "").strip()
    line = re.sub(r"^[\w.$]*(?:Exception|Error): ", "", line)
    line = re.sub(r"^\[[A-Z0-9_.]+\] ", "", line)
    return re.sub(r"(?: SQLSTATE: \w+)?(?:;? ?\(?line \d+,? pos \d+\)?;?)?$", "", line)


def _reader(found: Any, batch_rows: int) -> pa.RecordBatchReader:
    """The rows of a DataFrame, fetched a partition at a time: no more than one is held here."""
    from pyspark.sql.pandas.types import to_arrow_schema

    schema = to_arrow_schema(found.schema)

    def batches() -> Iterator[pa.RecordBatch]:
        each = found._jdf.toArrowBatchRdd().toJavaRDD().toLocalIterator()
        while each.hasNext():
            batch = pa.ipc.read_record_batch(pa.py_buffer(bytes(each.next())), schema)
            for start in range(0, batch.num_rows, batch_rows):
                yield batch.slice(start, batch_rows)

    return pa.RecordBatchReader.from_batches(schema, batches())
