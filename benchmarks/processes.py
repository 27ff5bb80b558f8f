"""Processor time and memory of process trees, from /proc (Linux): what the benchmarks of several processes count."""

import os
import threading
from collections.abc import Callable

_TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid: str) -> tuple[int, float] | None:
    """Parent and seconds, those of ended children too."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), sum(map(int, fields[11:15])) / _TICKS


def tree(root: int) -> dict[int, float]:
    """The process and all below it, with the seconds of each."""
    found = {int(pid): stat for pid in os.listdir("/proc") if pid.isdigit() and (stat := _stat(pid))}
    below, todo = {}, [root]
    while todo:
        pid = todo.pop()
        if pid in found:
            below[pid] = found[pid][1]
            todo += [child for child, (parent, _) in found.items() if parent == pid]
    return below


def seconds(root: int) -> float:
    """User and system time of the process and all below it."""
    return sum(tree(root).values())


def memory_mib(pid: int, own: bool = False) -> float:
    """Proportional set size; ``own``: without files and shared memory (of PostgreSQL: without its shared buffers)."""
    wanted = "Pss_Anon:" if own else "Pss:"
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith(wanted)) / 1024
    except OSError:
        return 0.0


class Peak:
    """Samples a figure until it is closed; ``most`` is the greatest seen."""

    def __init__(self, figure: Callable[[], float], every_seconds: float = 1.0) -> None:
        self.most = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, args=(figure, every_seconds), daemon=True)
        self._thread.start()

    def _sample(self, figure: Callable[[], float], every_seconds: float) -> None:
        while not self._done.wait(every_seconds):
            self.most = max(self.most, figure())

    def close(self) -> float:
        """Stop; the greatest."""
        self._done.set()
        self._thread.join()
        return self.most
