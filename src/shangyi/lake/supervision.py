"""What a server does for its lake: it has a process of its own keep it, starts that again when it dies, ends it with itself.

Every worker of a server supervises; only one process keeps the lake of a home (``process.LOCK``), and the others look
now and then whether it is still there.
"""

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec

import shangyi
from shangyi.lake import process

log = logging.getLogger(__name__)
START_S = 3.0
"""After the start of a server: first it answers."""
LOOK_S = 0.5
"""Between looks whether the process lives."""
SHORTEST_S, LONGEST_S = 1.0, 60.0
"""Before the process is started again; doubled each time that it did not live for ``LONGEST_S``."""
END_S = process.LAST_S + 5


class Supervisor:
    """Of the process that does a task. Nothing is started before ``run``."""

    def __init__(self, task: process.Task, ended: threading.Event) -> None:
        self.task, self.ended = task, ended
        self.child: subprocess.Popen[bytes] | None = None

    def run(self, wait_s: float = START_S) -> None:
        """Until ``ended``; then the process has ended, too."""
        pause, again = wait_s, SHORTEST_S
        while not self.ended.wait(pause):
            if process.alive(Path(self.task.home)):  # another worker's
                pause = LONGEST_S / 12
                continue
            began = time.monotonic()
            code = self._attend()
            if self.ended.is_set():
                return
            if code == process.TAKEN:
                pause = LONGEST_S / 12
                continue
            again = SHORTEST_S if time.monotonic() - began > LONGEST_S else again
            log.warning("the lake's process ended (%s) and is started again in %.0f s", code, again)
            pause, again = again, min(2 * again, LONGEST_S)

    def _attend(self) -> int | None:
        """Start the process and stay with it; its exit code, None where it could not be started."""
        try:
            child = self.child = _start(self.task)
        except OSError as error:  # no memory, no processes left
            log.warning("the lake's process cannot be started: %s", error.strerror)
            return None
        while child.poll() is None and not self.ended.wait(LOOK_S):
            pass
        assert child.stdin is not None
        child.stdin.close()
        try:
            return child.wait(END_S)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()


def _start(task: process.Task) -> "subprocess.Popen[bytes]":
    source = str(Path(shangyi.__file__).parents[1])
    path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH", "")]))
    child = subprocess.Popen(
        [sys.executable, "-m", "shangyi.lake.process"],
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert child.stdin is not None
    try:
        child.stdin.write(msgspec.json.encode(task) + b"\n")
        child.stdin.flush()
    except BrokenPipeError:  # it died at once, which its exit code tells
        pass
    return child
