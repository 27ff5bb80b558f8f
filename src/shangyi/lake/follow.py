"""What the lake's process does (``process``): the lake a few seconds behind the record, compacted, built where there is none.

One at a time writes, and commands may, too. A fault of the lake (a full disk) is logged once and tried again:
the record does not depend on it, and the last good version goes on answering.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from shangyi.errors import Misconfigured, Unavailable

if TYPE_CHECKING:
    from shangyi.access import Access
    from shangyi.lake.manifest import Manifest
    from shangyi.store.repository import Repository

log = logging.getLogger(__name__)
ACCOUNT = "lake"
"""The system account that reads the record for it."""
LONGEST_S = 30.0
"""Between attempts after a fault."""


class Ended(Exception):
    """The process ends: leave what is under way, which changes nothing."""


class Follower:
    """Keeps one lake current. ``build``: whether it may be built where there is none, or not of this record."""

    def __init__(self, access: "Access", directory: Path, build: bool, ended: threading.Event) -> None:
        self.access, self.directory, self.build, self.ended = access, directory, build, ended
        self._settled = 0

    def run(self, every_s: float, wait_s: float = 0) -> None:
        """Until ``ended``."""
        pause, failing = wait_s, ""
        while not self.ended.wait(pause):
            try:
                pause = 0.0 if self.step() else every_s
            except Ended:
                return
            except Exception as error:  # whatever it is, the server goes on, and the lake when it is mended
                pause = min(LONGEST_S, max(2 * pause, every_s))
                found = (
                    f"{type(error).__name__}: {error}" if isinstance(error, _SAFE) else type(error).__name__
                )
                if found != failing:
                    log.warning("the lake is not kept current: %s", found)
                failing = found
            else:
                if failing:
                    log.warning("the lake is kept current again")
                failing = ""

    def step(self) -> bool:
        """Take in what is new, then compact a little or keep some rows of views; whether there is more to do at once."""
        from shangyi.lake import compaction, materialisation, sync
        from shangyi.lake.manifest import Busy

        current = self._current()
        try:
            if current is None:
                return self.build and self._work(self._built)
            if current.source["kind"] != "store":  # of files: it is whoever made it who keeps it
                return False
            try:
                if sync.pending(self.access.records, current):
                    if self._work(lambda records: sync.sync(self.directory, records).more):
                        return True
                    current = self._current() or current
            except sync.Strange:
                if not self.build:
                    raise
                log.warning(
                    "the lake is of another record, or of an earlier state of this one: it is built anew"
                )
                return self._work(self._built)
            if current.version != self._settled:
                # Also while there is something new every second: else the lake would grow slow, and views not be kept.
                if compaction.compact(self.directory) or materialisation.refresh(self.directory):
                    return True
                self._settled = current.version
        except Busy:
            pass
        return False

    def _current(self) -> "Manifest | None":
        from shangyi.lake import manifest

        try:
            return manifest.read(self.directory)
        except Misconfigured:
            if not self.build:
                raise
            return None

    def _work(self, work: "Callable[[Repository], bool]") -> bool:
        """As the named account, in the audit."""
        return self.access.system_session(ACCOUNT).follow(ACCOUNT, work)

    def _built(self, records: "Repository") -> bool:
        from shangyi.lake import snapshot

        def told(done: int, total: int) -> None:
            if self.ended.is_set():
                raise Ended

        made = snapshot.build(self.directory, records, told)
        log.info("the lake was built: %d resources", sum(kept.rows for kept in made.types.values()))
        return True


_SAFE = (Unavailable, Misconfigured)
"""Errors whose texts name files and reasons, nothing of the record."""
