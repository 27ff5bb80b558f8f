"""Reads by key, the commonest thing that is asked: one prepared statement, one round trip, no cursor, no pool.

A read costs PostgreSQL 30 µs and a psycopg cursor out of a pool, with its adapters and its transaction, 150 µs. So
these few statements go straight to libpq over connections of their own, each statement its own transaction.
"""

import time
from collections import deque
from collections.abc import Sequence
from threading import Semaphore

import psycopg
from psycopg import pq

from shangyi.errors import Unavailable
from shangyi.store.pipeline import Broken, Pipeline
from shangyi.store.questions import Question, Result, Row, Steps, Value, as_text, numbered, rows_of

CONNECTIONS = 4
"""A process answers one request at a time but for what waits, and a read waits for 30 µs."""
WAIT_S = 30.0
CONNECT_S = 10


class Connection:
    """A connection in autocommit and the statements that are prepared on it."""

    def __init__(self, conninfo: str) -> None:
        self._connection = psycopg.connect(
            conninfo, autocommit=True, application_name="shangyi read", connect_timeout=CONNECT_S
        )
        self._pg = self._connection.pgconn
        self._prepared: dict[str, bytes] = {}

    def close(self) -> None:
        """End it."""
        self._connection.close()

    def rows(self, sql: str, values: Sequence[Value]) -> list[Row]:
        """The rows in PostgreSQL's binary format. Raises Broken, psycopg.Error."""
        try:
            name = self._prepared.get(sql) or self._prepare(sql)
            result = self._pg.exec_prepared(
                name, [as_text(value) for value in values], None, pq.Format.BINARY
            )
            self._check(result)
        except psycopg.OperationalError as error:
            raise Broken from error
        return rows_of(result)

    def _prepare(self, sql: str) -> bytes:
        name = f"s{len(self._prepared)}".encode()
        self._check(self._pg.prepare(name, numbered(sql)))
        self._prepared[sql] = name
        return name

    def _check(self, result: pq.abc.PGresult) -> None:
        if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            return
        if self._pg.status != pq.ConnStatus.OK:
            raise Broken
        raise psycopg.errors.error_from_result(result)


class Reader:
    """For all threads of a process: at most ``CONNECTIONS`` connections, opened when they are needed."""

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo
        self.pipeline = Pipeline(conninfo)
        """The same for the event loop of this process."""
        self._free = Semaphore(CONNECTIONS)
        self._idle: deque[Connection] = deque()

    def answer(self, steps: Steps[Result]) -> Result:
        """What a computation comes to, its questions answered in this thread."""
        try:
            question = next(steps)
            while True:
                question = self._next(steps, question)
        except StopIteration as end:
            result: Result = end.value
            return result

    def _next(self, steps: Steps[Result], question: Question) -> Question:
        try:
            rows = self.rows(*question)
        except Exception as error:
            return steps.throw(error)
        return steps.send(rows)

    def rows(self, sql: str, values: Sequence[Value]) -> list[Row]:
        """The rows of a statement in PostgreSQL's binary format; its values are integers or lists of them.

        A connection that the server has ended meanwhile is made anew, and a server that is starting is waited for:
        reading twice does no harm. Raises Unavailable after ``WAIT_S``.
        """
        if not self._free.acquire(timeout=WAIT_S):
            raise Unavailable("The database cannot be reached: {reason}", reason="busy")
        # the last one used is the warmest: its process is in a cache
        try:
            connection: Connection | None = self._idle.pop()
        except IndexError:
            connection = None
        deadline = 0.0
        try:
            while True:
                try:
                    connection = connection or Connection(self.conninfo)
                    return connection.rows(sql, values)
                except (Broken, psycopg.OperationalError) as error:
                    if connection is not None:
                        connection.close()
                        connection = None
                    deadline = deadline or time.monotonic() + WAIT_S
                    if time.monotonic() >= deadline:
                        raise Unavailable(
                            "The database cannot be reached: {reason}", reason=type(error).__name__
                        ) from error
                    time.sleep(0.05)
        finally:
            if connection is not None:
                self._idle.append(connection)
            self._free.release()

    def close(self) -> None:
        """Close what is idle; a read that comes later opens a connection again."""
        self.pipeline.close()
        try:
            while True:
                self._idle.pop().close()
        except IndexError:
            return
