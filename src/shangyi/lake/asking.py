"""The analysts of a server process: the interface and the console ask the same lake by the same engines.

Nothing of an engine is imported before the first question: most processes are never asked one.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shangyi.errors import Unavailable
from shangyi.settings import Settings

if TYPE_CHECKING:
    from shangyi.access import Session
    from shangyi.lake.analysis import Analyst
    from shangyi.lake.engines import Engines
    from shangyi.lake.exports import Exports

KEEP_S = 4.0
"""How far an answer may be behind the lake, in seconds."""
MOST_AT_ONCE = 4
"""Questions that take a turn at the same time: minutes of these must not take every worker from the record."""


class Analysts:
    """Whoever asks the lake in ``directory``, each bounded by their session."""

    def __init__(self, directory: Path, settings: Settings) -> None:
        self.directory, self.settings = directory, settings
        self._engines: Engines | None = None
        self._exports: Exports | None = None
        self._starting = threading.Lock()
        self._turns = threading.BoundedSemaphore(MOST_AT_ONCE)

    def of(self, session: "Session") -> "Analyst":
        """Somebody in a session, asking. Forbidden where the role asks nothing of the population."""
        from shangyi.lake.analysis import Analyst

        session.require_use("aggregate")
        return Analyst.of(self._started(), session)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One of ``MOST_AT_ONCE``; Unavailable, at once, where all are taken."""
        if not self._turns.acquire(blocking=False):
            raise Unavailable("The lake is answering as many questions as it may; try again in a moment")
        try:
            yield
        finally:
            self._turns.release()

    @property
    def exports(self) -> "Exports":
        """What writes views to files in the background, beside the lake in its home."""
        engines = self._started()
        with self._starting:
            if self._exports is None:
                from shangyi.lake.exports import Exports

                self._exports = Exports(self.directory.parent / "exports", engines)
            return self._exports

    def tidy(self) -> None:
        """Remove exports whose time is over, where there are any, without starting anything."""
        if (self.directory.parent / "exports").is_dir():
            self.exports.jobs.sweep()

    def _started(self) -> "Engines":
        with self._starting:
            if self._engines is None:
                from shangyi.lake.engines import Engines

                self._engines = Engines(self.directory, self.settings, KEEP_S)
            return self._engines

    def close(self) -> None:
        """Let go of the lake."""
        if self._exports is not None:
            self._exports.close()
        if self._engines is not None:
            self._engines.close()
