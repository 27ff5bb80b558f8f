"""A small bounded set of threads for the synchronous repository, leaner than the event loop's own executor.

A hand-over costs one queue put and one ``call_soon_threadsafe``. What waits is bounded: when every thread is busy and
the queue is full, a request is refused at once (503) instead of piling up.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeVar

from shangyi.errors import Unavailable

Result = TypeVar("Result")
_Job = tuple[Callable[[], object], "asyncio.Future[object]", asyncio.AbstractEventLoop]


class Workers:
    """``threads`` workers, started on first use; at most ``waiting`` jobs beyond those that run."""

    def __init__(self, threads: int = 16, waiting: int = 512) -> None:
        self.threads = threads
        self.bound = threads + waiting
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._started: list[threading.Thread] = []
        self._pending = 0
        self._lock = threading.Lock()

    async def run(self, job: Callable[[], Result]) -> Result:
        """The result of ``job()``, run in a worker; Unavailable when too much waits already."""
        if self._pending >= self.bound:
            raise Unavailable("Too many requests are waiting; try again in a moment")
        if len(self._started) < self.threads and self._pending >= len(self._started):
            self._start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._pending += 1
        self._queue.put((job, future, loop))  # type: ignore[arg-type]
        return await future

    def _start(self) -> None:
        with self._lock:
            thread = threading.Thread(target=self._work, name=f"api-{len(self._started)}", daemon=True)
            self._started.append(thread)
        thread.start()

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            job, future, loop = item
            result: object = None
            error: BaseException | None = None
            try:
                result = job()
            except BaseException as raised:
                error = raised
            try:
                loop.call_soon_threadsafe(self._finish, future, result, error)
            except RuntimeError:  # the loop closed while this ran: nobody waits for the answer any more
                self._pending -= 1
            del item, job, future, result, error  # keep nothing of one request while waiting for the next

    def _finish(self, future: "asyncio.Future[object]", result: object, error: BaseException | None) -> None:
        self._pending -= 1
        if future.done():  # the client went away
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    def close(self) -> None:
        """Let the threads end once they have nothing left to do."""
        for _ in self._started:
            self._queue.put(None)
