"""Resources a second of bulk load: python benchmarks/load.py [--workers N] [--disk] [--memory] PATH…

Per core means: of the whole machine's time, workers, coordinator and PostgreSQL together, divided by its cores. On a
machine that does other things too, look at the processor time instead: resources by the seconds that all of these
processes together were running. `--memory` costs time itself: coordinator and workers (proportional), PostgreSQL
without its shared buffers, and all of it at one time with them. How large those are goes by the machine, an eighth of
its memory, and not by the input; `--shared-buffers 512MB` is what a machine of 4 GiB has.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from processes import Peak, memory_mib, seconds, tree

from shangyi import store
from shangyi.store.load import load

SIZES = """select relname, pg_relation_size(oid) from pg_class where relnamespace = 'public'::regnamespace
 and relkind in ('r', 'i') and (relname like 'resource%' or relname like 'search%' or relname like 'frequency%')
 order by 2 desc"""


def measure(opened: store.Store, paths: list[str], workers: int | None, memory: bool) -> int:
    """Load and print; how many resources were added."""
    assert opened.server is not None
    assert opened.server.pid is not None
    own, postgres = os.getpid(), opened.server.pid

    def ours() -> float:
        servers = tree(postgres)
        return sum(memory_mib(pid) for pid in tree(own) if pid not in servers)

    def servers_own() -> float:
        return sum(memory_mib(pid, own=True) for pid in tree(postgres))

    def all_together() -> float:
        return sum(memory_mib(pid) for pid in tree(own))

    everything = {"coordinator and workers": ours, "PostgreSQL's own": servers_own, "all": all_together}
    figures = everything if memory else {}
    watched = {name: Peak(figure) for name, figure in figures.items()}
    # the server is our child: what is below us holds it
    before, whole, coordinator = seconds(postgres), seconds(own), time.process_time()
    start = time.perf_counter()
    report = load(opened, paths, workers=workers)
    wall, coordinator = time.perf_counter() - start, time.process_time() - coordinator
    server, whole = seconds(postgres) - before, seconds(own) - whole
    spent = {"coordinator": coordinator, "workers": whole - server - coordinator, "PostgreSQL": server}
    peaks = {name: peak.close() for name, peak in watched.items()}
    number, cores = report.resources, os.cpu_count() or 1
    print(
        f"{number} resources, {report.refused} refused, {report.bytes >> 20} MiB, {wall:.1f} s on {cores} cores"
    )
    print(
        f"{number / wall:.0f} resources/s, {number / wall / cores:.0f} per core; load {os.getloadavg()[0]:.1f}"
    )
    for name, time_spent in (*spent.items(), ("all", sum(spent.values()))):
        print(f"  {name:24}{time_spent:8.1f} s of processor{time_spent / number * 1e6:8.0f} µs a resource")
    print(f"  {number / sum(spent.values()):.0f} resources a second of processor")
    for name, mib in peaks.items():
        print(f"  peak memory of {name}: {mib:.0f} MiB")
    return report.added


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int)
    parser.add_argument("--disk", action="store_true", help="bytes a resource as well, by table and index")
    parser.add_argument("--memory", action="store_true", help="peak memory as well")
    parser.add_argument("--shared-buffers", help="of PostgreSQL, e.g. 512MB")
    parser.add_argument("paths", nargs="+")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shangyi-load-", dir="/tmp") as directory:
        Path(directory).chmod(0o711)
        settings = {"shared_buffers": asked.shared_buffers} if asked.shared_buffers else {}
        with store.open(home=Path(directory) / "home", server_settings=settings) as opened:
            added = measure(opened, asked.paths, asked.workers, asked.memory)
            if asked.disk:
                with opened.pool.connection() as connection:
                    sizes = connection.execute(SIZES.encode()).fetchall()
                for name, size in [*sizes, ("all", sum(size for _, size in sizes))]:
                    print(f"{name:28}{size / added:10.1f} bytes/resource")
