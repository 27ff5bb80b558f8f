"""The engines that a process keeps open over a lake: one for each reach, renewed in the background as the lake changes.

To open one takes half a second of processor (every view is bound), so nobody who asks should wait for that; and an
engine holds one whole version of the lake, so what an answer says is a version or another, never between them.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from shangyi.errors import NotFound, ShangyiError
from shangyi.lake import catalog, spark_analyst
from shangyi.lake.analyst_engine import AnalystEngine
from shangyi.lake.asked import Asked, Reach
from shangyi.lake.manifest import NAME
from shangyi.settings import Settings

MOST_ENGINES = 4
"""Reaches that are kept open, each with its share of the memory of the settings."""
LEAST_MB = 128
LOOK_S = 0.25
"""Between looks at the manifest."""
IDLE_S = 120.0
"""After so long without a question an engine is not renewed any more; after ``GONE_S`` it is closed."""
GONE_S = 1800.0
SHARE = 1 / 4
"""Of a processor's time for renewing, where the lake changes all the time."""

Token = tuple[int, int]
"""What tells one version of the manifest from another without reading it."""


class _Held:
    def __init__(self, engine: Asked, token: Token) -> None:
        self.engine, self.token = engine, token
        self.asked = time.monotonic()
        self.behind: float | None = None
        """Since when there is a newer version."""
        self.users, self.retired = 0, False


class Engines:
    """Over the lake in a directory. ``keep_seconds``: how far an answer may be behind the lake; with 0, not at all."""

    def __init__(self, directory: Path, settings: Settings | None = None, keep_seconds: float = 0) -> None:
        self.directory, self.settings, self.keep_seconds = (
            directory,
            settings or Settings.load(),
            keep_seconds,
        )
        share = max(LEAST_MB, self.settings.lake_memory_mb // MOST_ENGINES)
        self._bounds = replace(self.settings, lake_memory_mb=share) if keep_seconds else self.settings
        self._held: dict[Reach, _Held] = {}
        self._opening: dict[Reach, threading.Lock] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._renewing: threading.Thread | None = None

    def token(self) -> Token:
        """Of the present version. NotFound where there is no lake."""
        try:
            found = (self.directory / NAME).stat()
        except OSError:
            raise NotFound(
                "There is no lake yet: the server builds it of the record when it starts, or shangyi lake build"
            ) from None
        return found.st_mtime_ns, found.st_ino

    @contextmanager
    def engine(self, reach: Reach) -> Iterator[Asked]:
        """The engine for a reach; it stays as long as this block."""
        held = self._taken(reach)
        try:
            yield held.engine
        finally:
            with self._lock:
                held.users -= 1
                self._close_if_free(held)

    def _taken(self, reach: Reach) -> _Held:
        token = self.token()
        with self._lock:
            opening = self._opening.setdefault(reach, threading.Lock())
            held = self._good(reach, token)
        if held is None:
            with opening:  # others of this reach wait for the same one; other reaches do not
                with self._lock:
                    held = self._good(reach, token)
                if held is None:
                    held = self._open(reach, taken=True)
        self._watch()
        return held

    def _good(self, reach: Reach, token: Token) -> _Held | None:
        """The one that is there, taken, if it is not too far behind."""
        held = self._held.get(reach)
        if held is None or (held.token != token and self._behind(held) >= self.keep_seconds):
            return None
        held.asked = time.monotonic()
        held.users += 1
        return held

    def _behind(self, held: _Held) -> float:
        """For how long there has been a newer version, as far as was seen."""
        if held.behind is None:
            held.behind = time.monotonic()
        return time.monotonic() - held.behind

    def _started(self, reach: Reach) -> Asked:
        lake = catalog.open(self.directory)
        if spark_analyst.serves(reach, self.settings):
            return spark_analyst.SparkAnalystEngine.reaching(reach).of(lake, self.settings)
        return AnalystEngine.reaching(reach).of(lake, self._bounds)

    def _open(self, reach: Reach, taken: bool) -> _Held:
        """Open one over the present version and put it in place of the former."""
        token = self.token()
        held = _Held(self._started(reach), token)
        held.users += taken
        with self._lock:
            former = self._held.get(reach)
            if former is not None:
                held.asked = held.asked if taken else former.asked
                self._retire(reach)
            while len(self._held) >= MOST_ENGINES:
                self._retire(min(self._held, key=lambda other: self._held[other].asked))
            self._held[reach] = held
            if self._ended.is_set():
                self._retire(reach)
        return held

    @contextmanager
    def apart(self, reach: Reach, seconds: int) -> Iterator[AnalystEngine]:
        """One of its own on one processor, by DuckDB whatever the settings name: for work that takes up to ``seconds``."""
        self.token()
        bounds = replace(self._bounds, lake_seconds=seconds, lake_threads=1)
        engine = AnalystEngine.reaching(reach).of(catalog.open(self.directory), bounds)
        try:
            yield engine
        finally:
            engine.close()

    # In the background

    def _watch(self) -> None:
        if not self.keep_seconds:
            return
        with self._lock:
            if self._renewing is None:
                self._renewing = threading.Thread(target=self._renew, name="engines", daemon=True)
                self._renewing.start()

    def _renew(self) -> None:
        pause = LOOK_S
        while not self._ended.wait(pause):
            pause = LOOK_S
            reach = self._due()
            if reach is None:
                continue
            begun = time.thread_time(), time.monotonic()
            try:
                with self._lock:
                    opening = self._opening.setdefault(reach, threading.Lock())
                with opening:
                    self._open(reach, taken=False)
            except ShangyiError:  # whoever asks next is told
                pause = self.keep_seconds
            else:
                pause = max(LOOK_S, (time.thread_time() - begun[0]) / SHARE - (time.monotonic() - begun[1]))

    def _due(self) -> Reach | None:
        """The engine in use that is behind the longest; those that nobody uses are closed."""
        try:
            token = self.token()
        except NotFound:
            return None
        now = time.monotonic()
        with self._lock:
            for reach in [reach for reach, held in self._held.items() if now - held.asked > GONE_S]:
                self._retire(reach)
            behind = {reach: self._behind(held) for reach, held in self._held.items() if held.token != token}
            waiting = [reach for reach in behind if now - self._held[reach].asked < IDLE_S]
        return max(waiting, key=behind.__getitem__, default=None)

    def _retire(self, reach: Reach) -> None:
        held = self._held.pop(reach, None)
        if held is not None:
            held.retired = True
            self._close_if_free(held)

    def _close_if_free(self, held: _Held) -> None:
        if held.retired and not held.users:
            held.engine.close()

    def close(self) -> None:
        """Close each as soon as nobody uses it."""
        self._ended.set()
        if self._renewing is not None:
            self._renewing.join()
        with self._lock:
            for reach in list(self._held):
                self._retire(reach)
