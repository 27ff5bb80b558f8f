"""Resources a second of bulk load: python benchmarks/load.py [--workers N] PATH…

Per core means: of the whole machine's time, workers, coordinator and PostgreSQL together, divided by its cores.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

from shangyi import store
from shangyi.store.load import load

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int)
    parser.add_argument("paths", nargs="+")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shangyi-load-", dir="/tmp") as directory:
        Path(directory).chmod(0o711)
        with store.open(home=Path(directory) / "home") as opened:
            start = time.perf_counter()
            report = load(opened, asked.paths, workers=asked.workers)
            seconds = time.perf_counter() - start
    rate, cores = report.resources / seconds, os.cpu_count() or 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{report.resources} resources, {report.refused} refused, {seconds:.1f} s on {cores} cores")
    print(
        f"{rate:.0f} resources/s, {rate / cores:.0f} per core; coordinator's peak {peak} MiB; load {os.getloadavg()[0]:.1f}"
    )
