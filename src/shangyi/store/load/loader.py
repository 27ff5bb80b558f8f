"""The coordinator: reads and splits, hands chunks to workers, writes what comes back in order."""

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import parse_qsl

from shangyi.errors import Invalid, Issue, Unavailable
from shangyi.store import dictionary, frequency
from shangyi.store.codec import Codec
from shangyi.store.database import Store
from shangyi.store.load import prepare, sources
from shangyi.store.load.copy import ledger_has, write_chunk
from shangyi.store.load.prepare import Prepared, Preparer
from shangyi.store.load.report import MOST_REFUSALS, Progress, Refusal, Report
from shangyi.store.load.split import Item, Refused, split
from shangyi.store.types import NAMES, NUMBERS
from shangyi.store.writer import retrying

CHUNK_ITEMS, CHUNK_BYTES = 1000, 4 << 20
SMALL = 1500
"""Fewer resources than these are not worth worker processes."""


@dataclass(slots=True)
class Chunk:
    """Some resources of one source (or of several small ones)."""

    source: str = ""
    items: list[Item] = field(default_factory=list)
    refused: list[tuple[str, str, tuple[Issue, ...]]] = field(default_factory=list)
    size: int = 0

    @property
    def digest(self) -> bytes:
        """What the ledger knows the chunk by: its content."""
        state = sha256()
        for item in self.items:
            state.update(f"{item.id}\0{len(item.data)}\0".encode())
            state.update(item.data)
        return state.digest()


def load(
    store: Store,
    paths: Iterable[str | Path],
    *,
    workers: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    on_refusal: Callable[[Refusal], None] | None = None,
    ledger: bool = True,
) -> Report:
    """Load everything below ``paths`` (``-``: standard input). ``workers`` None: one a core; 0: in this process.

    ``ledger`` False reads chunks again that were loaded before. Raises Unavailable when the database goes away;
    what was committed until then stays, and the same call goes on from there.
    """
    return _Load(store, workers, progress, on_refusal, ledger).run(paths)


class _Load:
    def __init__(
        self,
        store: Store,
        workers: int | None,
        progress: Callable[[Progress], None] | None,
        on_refusal: Callable[[Refusal], None] | None,
        ledger: bool,
    ) -> None:
        self.store, self.repository = store, store.repository
        self.workers = (os.cpu_count() or 1) if workers is None else workers
        self.progress, self.on_refusal, self.ledger = progress, on_refusal, ledger
        self.report, self.state = Report(), Progress()
        self.started = time.monotonic()
        self.references: dict[str, str] = {}

    def run(self, paths: Iterable[str | Path]) -> Report:
        chunks = self.chunks(paths)
        head = self._train(chunks)
        many = sum(len(chunk.items) for chunk in head) > SMALL
        if self.workers and many:
            context = get_context("forkserver" if os.name == "posix" else "spawn")
            with ProcessPoolExecutor(
                self.workers,
                mp_context=context,
                initializer=prepare.start_worker,
                initargs=(self.store.codec,),
            ) as pool:
                self._parallel(pool, head, chunks)
        else:
            preparer = Preparer(self.store.codec)
            for chunk in self._todo(head, chunks):
                self._write(chunk, preparer.prepare(chunk.items))
        if self.report.added + self.report.updated > 1000:
            with self.store.pool.connection() as connection:
                frequency.refresh(connection)
        self.report.seconds = time.monotonic() - self.started
        return self.report

    def _train(self, chunks: Iterator[Chunk]) -> list[Chunk]:
        """The first chunks; a database without dictionaries gets them trained on these."""
        head: list[Chunk] = []
        wanted = SMALL if self.store.codec.trained else dictionary.SAMPLES
        for chunk in chunks:
            head.append(chunk)
            if sum(len(c.items) for c in head) > wanted:
                break
        if not self.store.codec.trained and sum(len(c.items) for c in head) >= dictionary.FEWEST:
            with self.store.pool.connection() as connection:
                dictionary.train(connection, (item.data for chunk in head for item in chunk.items))
                self.store.codec.load(connection)
        return head

    def _parallel(self, pool: ProcessPoolExecutor, head: list[Chunk], chunks: Iterator[Chunk]) -> None:
        waiting: deque[tuple[Chunk, Future[Prepared]]] = deque()
        try:
            for chunk in self._todo(head, chunks):
                waiting.append((chunk, pool.submit(prepare.work, chunk.items)))
                if len(waiting) > self.workers + 1:
                    first, future = waiting.popleft()
                    self._write(first, future.result())
            while waiting:
                first, future = waiting.popleft()
                self._write(first, future.result())
        except BrokenProcessPool as error:
            raise Unavailable(
                "A worker process of the load was ended; load the same input again to go on"
            ) from error

    def _todo(self, head: list[Chunk], chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Chunks that the ledger does not have."""
        head.reverse()

        def everything() -> Iterator[Chunk]:
            while head:
                yield head.pop()  # let go of it: memory
            yield from chunks

        for chunk in everything():
            if self.ledger and chunk.items and not chunk.refused:
                with self.store.pool.connection() as connection:
                    known = ledger_has(connection, chunk.digest)
                if known is not None:
                    self.report.skipped += known
                    self._tell(chunk, known)
                    continue
            yield chunk

    def chunks(self, paths: Iterable[str | Path]) -> Iterator[Chunk]:
        """Resources in chunks; a chunk ends with its source unless it is still small."""
        chunk = Chunk()
        for name, path, member in sources.walk(paths):
            try:
                with sources.opened(path, member) as stream:
                    for piece in split(member or name, stream, self._resolve):
                        place = f"{name}\n{piece.place}"
                        if isinstance(piece, Refused):
                            chunk.refused.append((place, "", piece.error.issues))
                        else:
                            chunk.source = name
                            chunk.items.append(piece._replace(place=place))
                            chunk.size += len(piece.data)
                        if len(chunk.items) + len(chunk.refused) >= CHUNK_ITEMS or chunk.size >= CHUNK_BYTES:
                            yield chunk
                            chunk = Chunk()
            except sources.DAMAGED as error:
                text = Invalid("The file is damaged or cut off: {reason}", reason=str(error))
                chunk.refused.append((f"{name}\n", "", text.issues))
            except OSError as error:
                text = Invalid("The file cannot be read: {reason}", reason=error.strerror or str(error))
                chunk.refused.append((f"{name}\n", "", text.issues))
            if len(chunk.items) > CHUNK_ITEMS // 4:
                yield chunk
                chunk = Chunk()
        if chunk.items or chunk.refused:
            yield chunk

    def _resolve(self, reference: str) -> str:
        if reference not in self.references:
            type_, _, query = reference.partition("?")
            if type_ not in NUMBERS:
                return reference
            with self.store.pool.connection() as connection:
                found = self.repository.matching(connection, type_, parse_qsl(query))
            if found is None:
                raise Invalid("Nothing matches the reference {reference}", reference=f"{type_}?…")
            if len(self.references) > 100_000:
                self.references.clear()
            self.references[reference] = found.reference
        return self.references[reference]

    def _write(self, chunk: Chunk, prepared: Prepared) -> None:
        refused = chunk.refused + prepared.refused
        result: Counter[str] = Counter()

        def work(connection: object) -> None:
            result.clear()
            write_chunk(
                connection,  # type: ignore[arg-type]
                self.store.codec,
                self.repository.indexer,
                chunk.digest,
                prepared.rows,
                len(refused),
                result,
            )

        if prepared.rows:
            retrying(self.repository.transaction_connection, work)
        report = self.report
        report.added += result["added"]
        report.updated += result["updated"]
        report.unchanged += result["unchanged"]
        report.types.update(NAMES[row.type] for row in prepared.rows)
        report.refused += len(refused)
        for place, reference, issues in refused:
            source, _, where = place.partition("\n")
            refusal = Refusal(source, where, reference, issues)
            if len(report.refusals) < MOST_REFUSALS:
                report.refusals.append(refusal)
            if self.on_refusal:
                self.on_refusal(refusal)
        self.state.refused = report.refused
        self._tell(chunk, len(prepared.rows))

    def _tell(self, chunk: Chunk, resources: int) -> None:
        self.report.bytes += chunk.size
        self.state.source, self.state.bytes = chunk.source, self.report.bytes
        self.state.resources += resources
        self.state.seconds = time.monotonic() - self.started
        if self.progress:
            self.progress(self.state)


__all__ = ["Codec", "load"]
