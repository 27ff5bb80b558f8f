"""The spool: one append-only file a process. What is in it survives the process, whatever ends that.

``append`` is one ``write`` to a file opened with O_APPEND, done before the answer goes out; the page cache keeps it
when the server is killed. A power failure can take what the drain has not yet committed: at most its interval.
"""

import errno
import os
import secrets
import shutil
import threading
import time
from pathlib import Path

from shangyi.errors import Unavailable

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed, which is the lock
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".spool"
SEGMENT_BYTES = 16 << 20
LEAST_ROOM_BYTES = 1 << 20
ROOM_S = 0.05
"""How long room that was found is counted on."""


class Segment:
    """An open spool file, locked as long as its process lives."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / (secrets.token_hex(12) + SUFFIX)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self.fd = os.open(self.path, flags, 0o600)
        self.size = 0
        if fcntl is not None:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def close(self) -> None:
        """Nothing more comes."""
        os.close(self.fd)


class Spool:
    """Where a process puts its events."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._segment: Segment | None = None
        self._room_until = 0.0
        self._lock = threading.Lock()

    def require_room(self) -> None:
        """Raises Unavailable on a full disk: asked before anything is done that would have to be recorded."""
        now = time.monotonic()
        if now < self._room_until:
            return
        try:
            free = shutil.disk_usage(self.folder if self.folder.exists() else self.folder.parent).free
        except OSError:
            return  # the folder is made, or found wanting, by ``append``
        if free < LEAST_ROOM_BYTES:
            raise Unavailable("The disk is full: the audit cannot be written, so nothing is shown or changed")
        self._room_until = now + ROOM_S

    def append(self, line: bytes) -> None:
        """Keep a line. Raises Unavailable when it cannot be kept: no access without its record."""
        try:
            with self._lock:
                segment = self._segment
                if segment is None:
                    self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                    segment = self._segment = Segment(self.folder)
                written = os.write(segment.fd, line)
                segment.size += written
                if written != len(line):  # a full disk: end the torn line so that the next one stands alone
                    segment.size += os.write(segment.fd, b"\n")
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                if segment.size >= SEGMENT_BYTES:
                    segment.close()
                    self._segment = None
        except OSError as error:
            raise Unavailable("The audit cannot be written, so nothing is shown or changed") from error

    @property
    def current(self) -> Path | None:
        """The file being written."""
        segment = self._segment
        return segment.path if segment else None

    def close(self) -> None:
        """Close the file; what is in it is drained later."""
        with self._lock:
            if self._segment is not None:
                self._segment.close()
                self._segment = None


def files(folder: Path) -> list[Path]:
    """The spool files there are, oldest first."""
    try:
        found = [(entry.stat().st_mtime_ns, Path(entry.path)) for entry in os.scandir(folder)]
    except FileNotFoundError:
        return []
    return [path for _, path in sorted(found) if path.suffix == SUFFIX]


def remove_if_final(path: Path, size: int) -> bool:
    """Remove a file that was drained up to ``size`` unless a living process writes to it, or one has since."""
    try:
        if fcntl is not None:
            fd = os.open(path, os.O_RDWR)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(fd).st_size != size:
                    return False
                path.unlink()
            finally:
                os.close(fd)
        else:
            if path.stat().st_size != size:
                return False
            path.unlink()
    except OSError:
        return False
    return True
