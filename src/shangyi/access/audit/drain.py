"""From the spool into PostgreSQL, in batches, each event exactly once.

The offset of a file moves in the transaction that inserts its events, under a row lock, so that neither a crash nor
two processes draining one file lose or double any. Files left by a killed process are taken over by the next start.
"""

import logging
import threading
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool

from shangyi.access.audit import spool
from shangyi.access.audit.event import COLUMNS
from shangyi.errors import ShangyiError

log = logging.getLogger(__name__)

INTERVAL_S = 0.25
CHUNK_BYTES = 1 << 20
ADOPT_EVERY = 40
"""Intervals between looks for files that other, dead processes left."""


class Piece(NamedTuple):
    """Of a file: how many bytes of whole lines were taken over, up to where it was read, whether it went on there."""

    moved: int
    end: int
    more: bool


class Drain:
    """Takes spool files over; a thread when started, or by ``flush``."""

    def __init__(self, pool: ConnectionPool[Connection[Any]], own: spool.Spool) -> None:
        self.pool = pool
        self.spool = own
        self._busy = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._mine: set[Path] = set()

    def start(self) -> None:
        """Drain in the background from now on."""
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="audit-drain", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop, after taking over what is there."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=30)
            self._thread = None
        self.spool.close()
        try:
            self.flush(adopt=True)
        except (psycopg.Error, ShangyiError):
            log.warning("audit events stay in the spool until the next start")

    def _run(self) -> None:
        turn, wait = 0, 0.0
        while not self._stop.wait(INTERVAL_S + wait):
            try:
                self.flush(adopt=turn % ADOPT_EVERY == 0)
                wait = 0.0
            except (psycopg.Error, ShangyiError, OSError) as error:
                wait = min(30.0, wait * 2 or 1.0)
                log.warning("audit events wait in the spool: %s", type(error).__name__)
            turn += 1

    def flush(self, adopt: bool = False) -> int:
        """Take over what this process has written (``adopt``: what anyone has); returns how many bytes."""
        with self._busy:
            current = self.spool.current
            if current is not None:
                self._mine.add(current)
            total = 0
            paths = spool.files(self.spool.folder) if adopt else sorted(self._mine)
            for path in paths:
                # Up to where the file ends now: under steady load there would always be an event more, and each
                # would have a transaction of its own.
                piece = self._chunk(path)
                total += piece.moved
                while piece.more:
                    piece = self._chunk(path)
                    total += piece.moved
                if path != self.spool.current and spool.remove_if_final(path, piece.end):
                    self._mine.discard(path)
                    self._forget(path.name)
            return total

    def _chunk(self, path: Path) -> Piece:
        """Take over the next whole lines of a file."""
        with self.pool.connection() as connection, connection.transaction():
            connection.execute(
                "insert into audit_spool (name) values (%s) on conflict do nothing", (path.name,)
            )
            row = connection.execute(
                "select drained from audit_spool where name = %s for update", (path.name,)
            ).fetchone()
            start: int = row[0] if row else 0
            try:
                with path.open("rb") as file:
                    file.seek(start)
                    chunk = file.read(CHUNK_BYTES)
                    more = len(chunk) == CHUNK_BYTES
                    if more and b"\n" not in chunk:
                        chunk += file.readline()
            except FileNotFoundError:
                return Piece(0, start, False)
            end = start + len(chunk)
            chunk = chunk[: chunk.rfind(b"\n") + 1]
            if not chunk:
                return Piece(0, end, False)
            self._insert(connection, path.name, start, chunk)
            connection.execute(
                "update audit_spool set drained = %s where name = %s", (start + len(chunk), path.name)
            )
            return Piece(len(chunk), end, more)

    def _insert(self, connection: Connection[Any], name: str, start: int, chunk: bytes) -> None:
        try:
            with connection.transaction():
                _copy(connection, chunk)
        except (psycopg.DataError, psycopg.IntegrityError):
            self._insert_each(connection, name, start, chunk)

    def _insert_each(self, connection: Connection[Any], name: str, start: int, chunk: bytes) -> None:
        """Line by line, keeping aside what cannot be read."""
        position = start
        for line in chunk.split(b"\n")[:-1]:
            try:
                with connection.transaction():
                    _copy(connection, line + b"\n")
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                connection.execute(
                    "insert into audit_rejected (name, position, line, error) values (%s, %s, %s, %s)",
                    (name, position, line, type(error).__name__),
                )
            position += len(line) + 1

    def _forget(self, name: str) -> None:
        with self.pool.connection() as connection:
            connection.execute("delete from audit_spool where name = %s", (name,))


def _copy(connection: Connection[Any], chunk: bytes) -> None:
    with connection.cursor().copy(f"copy audit_event ({COLUMNS}) from stdin") as copy:
        copy.write(chunk)
