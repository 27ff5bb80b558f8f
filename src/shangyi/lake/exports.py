"""Views written to files in the background: one at a time in a process, the rest wait their turn.

An export that is begun ends with its process; what a restart leaves says so (``export_job``). It is done by an engine of
its own over one version of the lake, so that all its files are of one instant.
"""

import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from shangyi.access.audit.event import EXPORT
from shangyi.errors import Issue, ShangyiError, Unavailable
from shangyi.lake.answer import write
from shangyi.lake.asked import Reach
from shangyi.lake.export_job import COMPLETED, FAILED, IN_PROGRESS, ExportJobs, Output, Request, State, now
from shangyi.store.embedded.lease import Claim

if TYPE_CHECKING:
    import pyarrow as pa

    from shangyi.access import Session
    from shangyi.lake.analyst_engine import AnalystEngine
    from shangyi.lake.engines import Engines

log = logging.getLogger(__name__)
MOST_WAITING = 8
"""Exports that wait or run in a process."""
SECONDS = 6 * 3600
"""That one view may take."""
ROOM_BYTES = 512 * 1024 * 1024
"""Of the disk, that an export leaves to the record."""
KEEP_S, SWEEP_S = 1.0, 600.0
SUBTYPE = "viewdefinition-export"


class Stopped(ShangyiError):
    """Nobody wants it any more, or the server ends."""

    status, code = 410, "incomplete"


class _Task(NamedTuple):
    request: Request
    session: "Session"
    mine: Claim


class Exports:
    """Of a server process. ``engines``: over the lake; ``directory``: where exports are kept."""

    def __init__(self, directory: Path, engines: "Engines") -> None:
        self.jobs, self._engines = ExportJobs(directory), engines
        self._queue: SimpleQueue[_Task | None] = SimpleQueue()
        self._waiting, self._lock, self._ended = 0, threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="exports", daemon=True)
        self._thread.start()

    def begin(self, request: Request, session: "Session") -> None:
        """Keep a request and see that it is done. Unavailable where too many wait."""
        with self._lock:
            if self._waiting >= MOST_WAITING:
                raise Unavailable("As many exports wait as this server takes; try again later")
            self._waiting += 1
        self._queue.put(_Task(request, session, self.jobs.create(request)))

    def close(self) -> None:
        """End what runs; it has to be begun again."""
        self._ended.set()
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        self.jobs.sweep()
        while not self._ended.is_set():
            try:
                task = self._queue.get(timeout=SWEEP_S)
            except Empty:
                self.jobs.sweep()
                continue
            if task is None:
                return
            try:
                self._export(task)
            except Exception as error:  # a full disk, where not even the state can be kept
                if self.jobs.exists(task.request.id):
                    log.warning("an export came to an end: %s", type(error).__name__)
            finally:
                task.mine.release()
                if not self.jobs.exists(task.request.id):
                    self.jobs.remove(task.request.id)
                with self._lock:
                    self._waiting -= 1

    def _export(self, task: _Task) -> None:
        """One export, whose end is in the audit and in its state."""
        request, state = task.request, State(IN_PROGRESS, now().isoformat())
        if not self.jobs.exists(request.id):
            return
        self.jobs.keep(request.id, state)
        try:
            with task.session.recording(SUBTYPE, "R", type=EXPORT, query=request.id) as recording:
                recording.event.detail["outputs"] = len(request.outputs)
                task.session.require_use("export")
                with self._engines.apart(Reach.of(task.session.principal), SECONDS) as engine:
                    for output in request.outputs:
                        self._write(engine, request, state, output)
                        recording.event.detail["rows"] = sum(state.rows)
        except Stopped:
            self.jobs.discard_files(request.id)
            return
        except ShangyiError as error:
            self._failed(request, state, list(error.issues))
        except OSError:
            self._failed(request, state, [Issue("error", "no-store", "The disk has no room for this export")])
        except Exception:
            self._failed(
                request, state, [Issue("error", "exception", "The export failed by a fault of ours")]
            )
            raise
        else:
            state.status, state.share, state.ended = COMPLETED, 1.0, now().isoformat()
            self.jobs.keep(request.id, state)

    def _failed(self, request: Request, state: State, issues: list[Issue]) -> None:
        self.jobs.discard_files(request.id)
        state.status, state.ended, state.issues = FAILED, now().isoformat(), issues
        self.jobs.keep(request.id, state)

    def _write(self, engine: "AnalystEngine", request: Request, state: State, output: Output) -> None:
        planned = engine.planned(output.view, request.narrowing)
        expected = max(1, engine.lake.rows(output.type))
        files = self.jobs.place(request.id) / "files"
        files.mkdir(mode=0o700, exist_ok=True)
        state.rows.append(0)
        with (
            engine.stream(planned.text, planned.params) as reader,
            open(files / output.file, "xb", opener=_private) as file,
        ):
            batches = self._counted(reader, request, state, expected)
            write(request.format, reader.schema, batches, file)

    def _counted(
        self, reader: "pa.RecordBatchReader", request: Request, state: State, expected: int
    ) -> Iterator["pa.RecordBatch"]:
        """The batches as they come, while somebody wants them and the disk has room. ``expected``: rows, about."""
        kept = 0.0
        for batch in reader:
            if self._ended.is_set() or not self.jobs.exists(request.id):
                raise Stopped("The export was stopped")
            if time.monotonic() - kept > KEEP_S:
                if shutil.disk_usage(self.jobs.directory).free < ROOM_BYTES:
                    raise OSError
                self.jobs.keep(request.id, state)
                kept = time.monotonic()
            yield batch
            state.rows[-1] += batch.num_rows
            within = min(state.rows[-1] / expected, 0.99)
            state.share = (len(state.rows) - 1 + within) / len(request.outputs)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
