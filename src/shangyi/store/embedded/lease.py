"""Who uses the server: locks on files in its home that end with the process, however it ends."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, exclusive: bool, wait: bool) -> bool:
        if not exclusive:  # no shared locks here: nobody is ever known to be the last one, the server goes on
            return True
        try:
            msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(descriptor: int, exclusive: bool, wait: bool) -> bool:
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        try:
            fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def exclusively(path: Path) -> Iterator[None]:
    """Hold the lock of ``path`` alone; waits for whoever has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        while not _lock(descriptor, exclusive=True, wait=True):
            pass
        yield
    finally:
        os.close(descriptor)


class Lease:
    """A share in the server. ``last`` says at the end whether nobody else has one."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        _lock(self._descriptor, exclusive=False, wait=True)

    def last(self) -> bool:
        """Whether no other process holds a share. Call under the start lock, then ``release``."""
        return sys.platform != "win32" and _lock(self._descriptor, exclusive=True, wait=False)

    def release(self) -> None:
        """Give the share back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> "Lease":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Claim:
    """The lock of a file held alone until ``release``, or until the process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go of it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def claim(path: Path) -> Claim | None:
    """The lock of ``path``, None where another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    if _lock(descriptor, exclusive=True, wait=False):
        return Claim(descriptor)
    os.close(descriptor)
    return None
