"""Worker processes, and this one beside them: chunks in, rows out, in the order of the chunks."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.context import BaseContext

from shangyi.errors import Unavailable
from shangyi.store.codec import Codec
from shangyi.store.load import prepare
from shangyi.store.load.chunk import Chunk
from shangyi.store.load.learning import Learning
from shangyi.store.load.prepare import Prepared, Preparer

AHEAD = 2
"""Chunks for each worker that wait for it or for us: they go on while we learn, write, or read a large file."""


class Workers:
    """``number`` processes, which start in the background; until they are there, the work is done in this one."""

    def __init__(self, number: int, conninfo: str, codec: Codec, learning: Learning) -> None:
        self.number, self.conninfo, self.codec, self.learning = number, conninfo, codec, learning
        self._waiting: deque[tuple[Chunk, Future[Prepared]]] = deque()
        self._starter = ThreadPoolExecutor(1)
        self._started = self._starter.submit(_processes, number)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Raises Unavailable where a worker was ended from outside."""
        self._starter.shutdown()
        if not self._started.exception():
            self._started.result().shutdown(cancel_futures=True)
        if isinstance(error, BrokenProcessPool):
            raise Unavailable(
                "A worker process of the load was ended; load the same input again to go on"
            ) from error

    def prepared(self, chunks: Iterator[Chunk]) -> Iterator[tuple[Chunk, Prepared]]:
        """Each chunk with its rows."""
        preparer = Preparer(self.codec)
        while not self._started.done() and (chunk := next(chunks, None)) is not None:
            preparer.settled = self.learning.settled
            yield chunk, preparer.prepare(chunk.ids, chunk.documents)
        while True:
            self.fill(chunks)
            if not self._waiting:
                break
            chunk, task = self._waiting.popleft()
            yield chunk, task.result()
        self._started.result().shutdown(wait=False)  # they end while the last is written

    def fill(self, chunks: Iterator[Chunk]) -> None:
        """Give the workers as much as they should have before them."""
        if not self._started.done():
            return
        pool = self._started.result()
        while len(self._waiting) <= AHEAD * self.number and (chunk := next(chunks, None)) is not None:
            task = pool.submit(
                prepare.work,
                self.conninfo, self.codec.newest, self.learning.settled, chunk.ids, chunk.documents,
            )  # fmt: skip
            _ = chunk.digest
            self._waiting.append((chunk, task))


def _processes(number: int) -> ProcessPoolExecutor:
    """The pool, when its processes are there."""
    context: BaseContext = get_context("forkserver" if os.name == "posix" else "spawn")
    context.set_forkserver_preload([f"{__package__}.warm"])  # imported once, for all of them
    pool = ProcessPoolExecutor(number, context, initializer=prepare.start_worker)
    wait([pool.submit(prepare.warm) for _ in range(number)])
    return pool
