"""Keeping the population of a lake current, and finding it: ``Keeper`` in the lake's process, ``Populations`` in servers."""

import datetime as dt
import logging
import shutil
import time
from pathlib import Path

import msgspec
import psycopg

from shangyi.care.population.columns import Population
from shangyi.care.standing.facts import ZONE
from shangyi.care.standing.rules import digest
from shangyi.errors import Misconfigured, ShangyiError
from shangyi.lake import instant
from shangyi.settings import Settings

log = logging.getLogger(__name__)
CURRENT = "current"
"""The file that names the directory of the current population; replaced as a whole."""
LEAST_S, SHARE = 15.0, 20
"""Between two: so many seconds at least, and so many times as long as the last one took (a twentieth of one core)."""


class Keeper:
    """Makes the population in ``home`` anew when its lake, the rules or the day have changed, though not all the time."""

    def __init__(self, home: Path, settings: Settings | None = None) -> None:
        self.lake, self.directory = home / "lake", home / "population"
        self.settings = settings or Settings.load()
        self._next, self._failed = 0.0, ""

    def __call__(self) -> None:
        """What there is to do now. What fails is logged once, and the last population goes on answering."""
        if time.monotonic() < self._next:
            return
        began = time.monotonic()
        try:
            self.refresh()
            self._failed = ""
        except (ShangyiError, OSError) as error:
            reason = (
                f"{type(error).__name__}: {error}"
                if isinstance(error, Misconfigured)
                else type(error).__name__
            )
            if reason != self._failed:
                log.warning("the figures of the population are not kept current: %s", reason)
            self._failed = reason
        self._next = time.monotonic() + max(LEAST_S, SHARE * (time.monotonic() - began))

    def refresh(self, today: dt.date | None = None) -> bool:
        """Make it anew if need be; whether there was need."""
        from shangyi.lake import DuckDBEngine, manifest
        from shangyi.lake import open as open_lake

        today = today or dt.datetime.now(ZONE).date()
        current = manifest.read(self.lake)
        if current is None:
            return False
        found = _open(self.directory)
        if found and found.about.source == current.source and found.about.today == today:
            return False
        from shangyi.care.population.build import build

        # without the limit of time that holds for people's questions: this one is asked once for all of theirs
        memory, threads = self.settings.lake_memory_mb, self.settings.lake_threads or None
        with DuckDBEngine(open_lake(self.lake), memory_mb=memory, threads=threads) as engine:
            taken = dt.datetime.fromisoformat(engine.lake.manifest.created)
            name = f"{today:%Y%m%d}-{engine.lake.version}"
            build(engine, self.directory / name, today, taken)
        part = self.directory / f"{CURRENT}.part"
        part.write_text(name, encoding="utf-8")
        part.replace(self.directory / CURRENT)
        for other in self.directory.iterdir():
            if other.is_dir() and other.name not in (name, found.directory.name if found else ""):
                shutil.rmtree(other, ignore_errors=True)
        return True


class Populations:
    """The current population of a home, opened when it is another one than before."""

    def __init__(self, home: Path) -> None:
        self.directory = home / "population"
        self._found: Population | None = None
        self._token: tuple[int, int] | None = None

    def current(self) -> Population | None:
        """None where there is none yet, or only one of other rules."""
        try:
            found = (self.directory / CURRENT).stat()
        except OSError:
            return None
        token = found.st_mtime_ns, found.st_ino
        if token != self._token:
            opened = _open(self.directory)
            if opened is None:
                return None
            self._found, self._token = opened, token
        return self._found

    def as_of(self, connection: psycopg.Connection, population: Population) -> dt.datetime:
        """The instant of a population; now, where nothing was written to the record since."""
        source = population.about.source
        if source.get("kind") == "store":
            [(newer,)] = connection.execute(
                "select exists (select from resource where xid >= %s::xid8 and xid < pg_snapshot_xmin(pg_current_snapshot()))",
                [instant.transaction(source)],
            ).fetchall()
            if not newer:
                return dt.datetime.now(dt.UTC)
        return population.about.as_of


def _open(directory: Path) -> Population | None:
    try:
        found = Population(directory / (directory / CURRENT).read_text(encoding="utf-8"))
    except (OSError, msgspec.DecodeError):
        return None
    return found if found.about.digest == digest() else None
