"""Resources a second of bulk load, whole and per core of CPU used: python benchmarks/load.py [--workers N] PATH…"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

from shangyi import store
from shangyi.store.load import load


def cpu_seconds() -> float:
    """Of this process and its workers; PostgreSQL runs apart."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int)
    parser.add_argument("paths", nargs="+")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shangyi-load-", dir="/tmp") as directory:
        Path(directory).chmod(0o711)
        with store.open(home=Path(directory) / "home") as opened:
            before, start = cpu_seconds(), time.perf_counter()
            report = load(opened, asked.paths, workers=asked.workers)
            seconds, cpu = time.perf_counter() - start, cpu_seconds() - before
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(
        f"{report.resources} resources, {report.refused} refused, {seconds:.1f} s: {report.resources / seconds:.0f}/s"
    )
    print(
        f"{report.resources / cpu:.0f}/s per core of CPU used here (PostgreSQL apart); peak {peak // 1024} MiB a process"
    )
