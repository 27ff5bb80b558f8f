"""Starting loads from a server process, and taking up those whose process died."""

import os
import subprocess
import sys
from pathlib import Path

import shangyi
from shangyi.access import Principal
from shangyi.store.embedded.lease import claim
from shangyi.web.loading.jobs import Job, Jobs


class Loads:
    """Made once a server process by the wiring. ``limit_bytes``: of one upload, all files together."""

    def __init__(self, home: Path, conninfo: str, limit_bytes: int) -> None:
        self.jobs = Jobs(home)
        self.home = home
        self.limit_bytes = limit_bytes
        self._conninfo = conninfo
        self._children: list[subprocess.Popen[bytes]] = []

    def create(self, principal: Principal) -> Job:
        """A new load of somebody's; its files are still to come."""
        return self.jobs.create(principal.id, principal.display)

    def start(self, job: Job) -> None:
        """Begin, the files being there."""
        self.jobs.write(job)
        self._spawn(job.id)

    def resume(self) -> None:
        """Take up every load that is not over and that no process works on."""
        for job in self.jobs.every():
            if job.running:
                self.watch(job)

    def watch(self, job: Job) -> None:
        """Take up this one if its process died."""
        free = claim(self.jobs.place(job.id) / "lock") if job.running else None
        if free is not None:
            free.release()
            self._spawn(job.id)

    def _spawn(self, id: str) -> None:
        self._children = [child for child in self._children if child.poll() is None]
        source = str(Path(shangyi.__file__).parents[1])
        path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH", "")]))
        child = subprocess.Popen(
            [sys.executable, "-m", "shangyi.web.loading.worker", str(self.home), id],
            stdin=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )
        assert child.stdin is not None
        child.stdin.write(self._conninfo.encode())  # by a pipe: it holds the password
        child.stdin.close()
        self._children.append(child)

    def close(self) -> None:
        """End the processes that this one started; what they were at is taken up at the next start."""
        for child in self._children:
            if child.poll() is None:
                child.terminate()
        for child in self._children:
            child.wait()
