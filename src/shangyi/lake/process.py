"""The process that keeps a lake current: ``python -m shangyi.lake.process``, started by a server (``supervision``).

A line of JSON on stdin says what to keep (``Task``); it holds the database's password, so it is no argument. Stdin then
stays open for as long as the server wants it: at its end, also when the server was killed, this process ends.
"""

import logging
import os
import signal
import sys
import threading
import time
from importlib import import_module
from io import FileIO
from pathlib import Path

import msgspec

from shangyi.access import Access
from shangyi.errors import Misconfigured, Unavailable
from shangyi.lake.follow import Follower
from shangyi.logs import configure
from shangyi.store.database import Store
from shangyi.store.embedded.lease import Claim, claim

log = logging.getLogger(__name__)
LOCK = "lake-follower.lock"
"""In the home; held by the one process that keeps its lake, and let go of by the system however that ends."""
NICE = 10
"""Requests go first."""
LAST_S = 5.0
"""How long a step may go on after the end was asked for. To break it off changes nothing."""
CONNECTIONS = 3
TAKEN, FAILED = 75, 1
"""Exit codes: another process keeps this lake; the record could not be opened."""


class Task(msgspec.Struct, frozen=True):
    """What to keep: the lake of ``home``, of the record at ``conninfo``, asked every ``every_s``; see ``Follower``.

    ``also``: what else is made of the lake, by packages that this one does not know: ``module:name`` of what is given the
    home and then called every ``every_s`` in a thread of its own.
    """

    conninfo: str
    home: str
    every_s: float
    build: bool
    log: str = "info"
    also: tuple[str, ...] = ()


def alive(home: Path) -> bool:
    """Whether a process keeps the lake of this home now."""
    if not (home / LOCK).exists():
        return False
    held = claim(home / LOCK)
    if held is not None:
        held.release()
    return held is None


def run(task: Task, ended: threading.Event) -> int:
    """Until ``ended``; the exit code."""
    home = Path(task.home)
    held = _claimed(home / LOCK)
    if held is None:
        return TAKEN
    try:
        with (
            Store(task.conninfo, connections=CONNECTIONS) as store,
            Access(store.repository, store.pool, home) as access,
        ):
            access.start()
            others = [_other(name, home, task.every_s, ended) for name in task.also]
            Follower(access, home / "lake", task.build, ended).run(task.every_s, wait_s=0)
            for other in others:
                other.join(LAST_S)
    except (Unavailable, Misconfigured) as error:
        log.warning("the lake's process cannot open the record: %s", type(error).__name__)
        return FAILED
    finally:
        held.release()
    return 0


def _other(name: str, home: Path, every_s: float, ended: threading.Event) -> threading.Thread:
    """The thread that does what ``name`` says until ``ended``."""
    module, _, factory = name.partition(":")
    call = getattr(import_module(module), factory)(home)

    def run() -> None:
        while not ended.wait(every_s):
            call()

    thread = threading.Thread(target=run, name=module, daemon=True)
    thread.start()
    return thread


def _claimed(lock: Path) -> Claim | None:
    """The lock, None where another process has it: not for the instant only in which ``alive`` looks."""
    for _ in range(10):
        held = claim(lock)
        if held is not None:
            return held
        time.sleep(0.05)
    return None


def _watch(server: FileIO, ended: threading.Event) -> None:
    """Wait for the end of what the server writes, which is nothing more."""
    while server.read(4096):
        pass
    ended.set()
    threading.Event().wait(LAST_S)
    os._exit(0)


def main() -> int:
    """The whole life of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then ends this one
    if sys.platform != "win32":
        os.nice(NICE)
    server = FileIO(
        0, closefd=False
    )  # not sys.stdin, whose lock a thread would hold when the interpreter ends
    task = msgspec.json.decode(server.readline(), type=Task)
    configure(task.log)
    ended = threading.Event()
    threading.Thread(target=_watch, args=(server, ended), name="end", daemon=True).start()
    return run(task, ended)


if __name__ == "__main__":
    sys.exit(main())
