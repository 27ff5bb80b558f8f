"""The server's process as other commands see it: who it is, whether it lives, how it is stopped.

``serve.lock`` is held by the serving process and let go of by the system when it ends, however it ends, so that a
stale ``serve.json`` (pid, address) is never believed.
"""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from shangyi.errors import Misconfigured, Unavailable


@dataclass(frozen=True, slots=True)
class Serving:
    """The process that serves a home: its id, the address it listens on, when it began (ISO, UTC)."""

    pid: int
    address: str
    since: str
    version: str


def _try_lock(path: Path) -> int | None:
    """A descriptor that holds the lock, None when another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def prepare_home(home: Path) -> Path:
    """Make the home where it is missing, readable by its owner only. Misconfigured when that cannot be done."""
    try:
        if not home.exists():
            home.mkdir(parents=True, mode=0o700)
        if not os.access(home, os.W_OK):
            raise PermissionError(13, "not writable")
    except OSError as error:
        raise Misconfigured(
            "The directory {path} cannot be used: {reason}. Set SHANGYI_HOME to a directory that you can write to.",
            path=str(home),
            reason=error.strerror or str(error),
        ) from None
    return home


def current(home: Path) -> Serving | None:
    """The process that serves this home now, None when there is none."""
    if not (home / "serve.lock").exists():
        return None
    descriptor = _try_lock(home / "serve.lock")
    if descriptor is not None:
        os.close(descriptor)
        return None
    try:
        return Serving(**json.loads((home / "serve.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # it holds the lock and has not yet written who it is


@contextmanager
def serving(home: Path, me: Serving) -> Iterator[None]:
    """Be the one process that serves this home. Unavailable when another one does."""
    descriptor = _try_lock(home / "serve.lock")
    if descriptor is None:
        other = current(home)
        raise Unavailable(
            "Shangyi is already running for {home} at {address}; `shangyi stop` ends it.",
            home=str(home),
            address=other.address if other else "?",
        )
    part = home / "serve.json.part"
    part.write_text(json.dumps(asdict(me)), encoding="utf-8")
    part.replace(home / "serve.json")
    try:
        yield
    finally:
        (home / "serve.json").unlink(missing_ok=True)
        os.close(descriptor)


@contextmanager
def turn(lock: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold what one process has at a time; ``waiting`` is called once where another has it now."""
    descriptor = _try_lock(lock)
    if descriptor is None:
        waiting()
    while descriptor is None:
        time.sleep(0.2)
        descriptor = _try_lock(lock)
    try:
        yield
    finally:
        os.close(descriptor)


def stop(home: Path, wait_s: float = 30) -> Serving | None:
    """Ask the serving process to end and wait for it; who it was, None when nothing ran. Unavailable if it stays."""
    found = current(home)
    if found is None:
        return None
    try:
        os.kill(found.pid, signal.SIGTERM)
    except ProcessLookupError:
        return found
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        if current(home) is None:
            return found
        time.sleep(0.1)
    raise Unavailable(
        "The server (process {pid}) did not end within {seconds:.0f} s.", pid=found.pid, seconds=wait_s
    )


def listening_socket(host: str, port: int, tries: int) -> socket.socket:
    """A listening socket on the first free of ``tries`` ports from ``port`` on. Unavailable when none is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    reason = ""
    for candidate in range(port, min(port + tries, 65536)):
        found = socket.socket(family, socket.SOCK_STREAM)
        if sys.platform != "win32":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, candidate))
            found.listen(1024)
        except OSError as error:
            found.close()
            reason = error.strerror or str(error)
            continue
        found.set_inheritable(True)
        return found
    raise Unavailable(
        "Nothing can listen on {host}:{port}: {reason}. Choose another port with --port or SHANGYI_PORT.",
        host=host,
        port=port,
        reason=reason,
    )


def address_of(found: socket.socket) -> str:
    """The address to open in a browser."""
    host, port = found.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
