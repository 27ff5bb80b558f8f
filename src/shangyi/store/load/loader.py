"""The coordinator: reads and splits, hands chunks to workers, writes what comes back in order."""

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl

from shangyi.errors import Invalid
from shangyi.store import frequency
from shangyi.store.database import Store
from shangyi.store.load import sources
from shangyi.store.load.chunk import CHUNK_ITEMS, Chunk
from shangyi.store.load.copy import ledger_has, write_chunk
from shangyi.store.load.learning import Learning
from shangyi.store.load.prepare import Prepared, Preparer
from shangyi.store.load.report import MOST_REFUSALS, Progress, Refusal, Report
from shangyi.store.load.split import Refused, split
from shangyi.store.load.workers import Workers
from shangyi.store.types import NUMBERS
from shangyi.store.writer import retrying

SMALL = 1500
"""Fewer resources than these are not worth worker processes."""


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
        head = deque(_until(chunks, SMALL))
        todo = self._todo(head, chunks)
        learning = Learning(self.store.pool, self.store.codec)
        if self.workers and sum(len(chunk.documents) for chunk in head) > SMALL:
            with Workers(self.workers, self.store.conninfo, self.store.codec, learning) as workers:
                for chunk, prepared in learning.packed(workers.prepared(todo)):
                    workers.fill(todo)
                    self._write(chunk, prepared)
                self._finish()
        else:
            preparer = Preparer(self.store.codec, learning.settled)
            here = ((chunk, preparer.prepare(chunk.ids, chunk.documents)) for chunk in todo)
            for chunk, prepared in learning.packed(here):
                self._write(chunk, prepared)
            self._finish()
        self.report.seconds = time.monotonic() - self.started
        return self.report

    def _finish(self) -> None:
        """What searches go by, after many changes."""
        if self.report.added + self.report.updated > 1000:
            with self.store.pool.connection() as connection:
                connection.execute("select gin_clean_pending_list('search_tokens')")
                frequency.refresh(connection)

    def _todo(self, head: deque[Chunk], chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Chunks that the ledger does not have."""

        def everything() -> Iterator[Chunk]:
            while head:
                yield head.popleft()  # let go of it: memory
            yield from chunks

        for chunk in everything():
            if self.ledger and chunk.documents and not chunk.refused:
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
                with sources.opened(path, member, self._tested) as stream:
                    self.state.tested = 0
                    for piece in split(member or name, stream, self._resolve):
                        place = f"{name}\n{piece.place}"
                        if isinstance(piece, Refused):
                            chunk.refused.append((place, "", piece.error.issues))
                        else:
                            chunk.add(name, place, piece.id, piece.data)
                        if chunk.full:
                            yield chunk
                            chunk = Chunk()
            except sources.DAMAGED as error:
                text = Invalid("The file is damaged or cut off: {reason}", reason=str(error))
                chunk.refused.append((f"{name}\n", "", text.issues))
            except OSError as error:
                text = Invalid("The file cannot be read: {reason}", reason=error.strerror or str(error))
                chunk.refused.append((f"{name}\n", "", text.issues))
            if len(chunk.documents) > CHUNK_ITEMS // 4:
                yield chunk
                chunk = Chunk()
        if chunk.documents or chunk.refused:
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
        refused = chunk.refused + [
            (chunk.places[position], reference, issues) for position, reference, issues in prepared.refused
        ]
        result: Counter[str] = Counter()

        def work(connection: object) -> None:
            result.clear()
            write_chunk(
                connection,  # type: ignore[arg-type]
                self.store.codec,
                self.repository.indexer,
                chunk.digest,
                prepared,
                len(refused),
                result,
            )

        if prepared.rids:
            retrying(self.repository.transaction_connection, work)
        report = self.report
        report.added += result["added"]
        report.updated += result["updated"]
        report.unchanged += result["unchanged"]
        report.types.update(prepared.types)
        report.refused += len(refused)
        for place, reference, issues in refused:
            source, _, where = place.partition("\n")
            refusal = Refusal(source, where, reference, issues)
            if len(report.refusals) < MOST_REFUSALS:
                report.refusals.append(refusal)
            if self.on_refusal:
                self.on_refusal(refusal)
        self.state.refused = report.refused
        self._tell(chunk, len(prepared.rids))

    def _tested(self, size: int) -> None:
        self.state.tested, self.state.seconds = size, time.monotonic() - self.started
        if self.progress:
            self.progress(self.state)

    def _tell(self, chunk: Chunk, resources: int) -> None:
        self.report.bytes += chunk.size
        self.state.source, self.state.bytes = chunk.source, self.report.bytes
        self.state.resources += resources
        self.state.seconds = time.monotonic() - self.started
        if self.progress:
            self.progress(self.state)


def _until(chunks: Iterator[Chunk], resources: int) -> list[Chunk]:
    """Chunks from the iterator until they hold more than so many resources."""
    taken: list[Chunk] = []
    while resources >= 0 and (chunk := next(chunks, None)) is not None:
        taken.append(chunk)
        resources -= len(chunk.documents)
    return taken
