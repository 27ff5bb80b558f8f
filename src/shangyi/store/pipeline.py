"""Reads of many requests over one connection, without a thread: libpq's pipeline mode on the event loop.

What requests ask while an answer is under way, or in one turn of the loop, goes to PostgreSQL together and comes back
together, so that a round trip, the waking of two processes, is shared by all of them. Whatever is out of the ordinary (no connection yet, one that has
ended, a statement that fails, too many that wait) is ``Broken`` at once: ``Reader.rows``, in a thread, can wait, tries
again and knows what to say. https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

import asyncio
import os
import threading
import time
from collections import deque
from contextlib import suppress

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from shangyi.store.questions import Question, Row, as_text, numbered, rows_of

MOST = 512
"""So many questions wait at most."""
CONNECT_S = 10
AGAIN_S = 1.0
"""How long after a connection could not be made the next one is tried."""


class Broken(Exception):
    """No answer came this way; nothing is known of why."""


class Pipeline:
    """One connection for the event loop that asks first; made when it is first asked, and again when it has ended."""

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pg: pq.abc.PGconn | None = None
        self._descriptor = -1
        """A second name of the connection's socket: libpq closes its own where the connection is lost."""
        self._connecting = False
        self._not_before = 0.0
        self._prepared: dict[str, bytes] = {}
        self._waiting: list[tuple[Question, asyncio.Future[list[Row]]]] = []
        self._asked: deque[asyncio.Future[list[Row]] | None] = deque()
        """What is going to be answered, in this order; None for answers that nobody waits for."""

    async def rows(self, question: Question) -> list[Row]:
        """The rows in PostgreSQL's binary format. Raises Broken."""
        loop = asyncio.get_running_loop()
        if self._pg is None or self._loop is not loop:
            self._connect(loop)
            raise Broken
        if len(self._asked) + len(self._waiting) >= MOST:
            raise Broken
        future: asyncio.Future[list[Row]] = loop.create_future()
        self._waiting.append((question, future))
        if len(self._waiting) == 1 and not self._asked:
            loop.call_soon(self._send)
        return await future

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self._pg is not None

    def close(self) -> None:
        """End the connection; who asks later gets a new one."""
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        loop = self._loop
        if loop is not None and loop is not here and loop.is_running():
            loop.call_soon_threadsafe(self._drop)
        else:
            self._drop()

    # -- the connection

    def _connect(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to connect, in a thread, unless that is under way, failed a moment ago, or another loop is served."""
        if self._connecting or time.monotonic() < self._not_before:
            return
        if self._pg is not None:
            if self._loop is not None and not self._loop.is_closed():
                return
            self._drop()
        self._connecting, self._loop = True, loop
        threading.Thread(target=self._open, args=(loop,), name="pipeline", daemon=True).start()

    def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        given = make_conninfo(
            self.conninfo, application_name="shangyi read", connect_timeout=CONNECT_S, client_encoding="utf8"
        )
        pg: pq.abc.PGconn | None
        try:
            pg = pq.PGconn.connect(given.encode())
        except psycopg.Error:
            pg = None
        try:
            loop.call_soon_threadsafe(self._opened, pg)
        except RuntimeError:  # the loop has closed meanwhile
            self._connecting = False
            if pg is not None:
                pg.finish()

    def _opened(self, pg: pq.abc.PGconn | None) -> None:
        self._connecting = False
        self._not_before = time.monotonic() + AGAIN_S
        if pg is None or self._loop is None:
            return
        try:
            if pg.status != pq.ConnStatus.OK:
                raise psycopg.OperationalError
            pg.nonblocking = 1
            pg.enter_pipeline_mode()
            self._descriptor = os.dup(pg.socket)
            self._pg = pg
            self._loop.add_reader(self._descriptor, self._receive)
        except (psycopg.Error, OSError, NotImplementedError):  # the last: Windows' own event loop
            self._drop()
            pg.finish()

    def _drop(self) -> None:
        """End the connection; who waits for it is told."""
        pg, self._pg = self._pg, None
        if pg is not None:
            if self._loop is not None and not self._loop.is_closed():
                with suppress(NotImplementedError):
                    self._loop.remove_reader(self._descriptor)
                    self._loop.remove_writer(self._descriptor)
            os.close(self._descriptor)
            pg.finish()
        left = [*self._asked, *(future for _, future in self._waiting)]
        self._asked.clear()
        self._waiting.clear()
        self._prepared.clear()
        if self._loop is not None and not self._loop.is_closed():
            for future in left:
                if future is not None and not future.done():
                    future.set_exception(Broken())

    # -- questions and answers

    def _send(self) -> None:
        """What has been asked meanwhile, with one mark behind it that makes PostgreSQL answer."""
        pg, waiting = self._pg, self._waiting
        if pg is None or not waiting:
            return
        try:
            for (sql, values), future in waiting:
                name = self._prepared.get(sql)
                if name is None:
                    name = self._prepared[sql] = b"s%d" % len(self._prepared)
                    pg.send_prepare(name, numbered(sql))
                    self._asked.append(None)
                pg.send_query_prepared(name, [as_text(value) for value in values], None, pq.Format.BINARY)
                self._asked.append(future)
            pg.pipeline_sync()
            self._asked.append(None)
            self._waiting = []
            self._flush()
        except psycopg.Error:
            self._drop()

    def _flush(self) -> None:
        pg, loop = self._pg, self._loop
        if pg is None or loop is None:
            return
        try:
            if pg.flush():
                loop.add_writer(self._descriptor, self._flush)
            else:
                loop.remove_writer(self._descriptor)
        except psycopg.Error:
            self._drop()

    def _receive(self) -> None:
        pg = self._pg
        if pg is None:
            return
        try:
            pg.consume_input()
            while self._asked and not pg.is_busy():
                result = pg.get_result()
                if result is None:  # between the answers of two statements
                    continue
                if result.status not in _GOOD:
                    raise psycopg.OperationalError
                future = self._asked.popleft()
                if future is not None and not future.done():  # done: whoever asked has given up
                    future.set_result(rows_of(result))
        except psycopg.Error:
            self._drop()
        if not self._asked:
            self._send()


_GOOD = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.PIPELINE_SYNC)
