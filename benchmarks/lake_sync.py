"""Keeping a lake current: CPU of a step of 1,000 changes, time until a change is visible, what superseded rows cost.

    PYTHONPATH=src python benchmarks/lake_sync.py ../shared/data/synthea-r4

Loads the directory into a new store under /tmp and builds a lake, changes 1,000 observations chosen at random, then
1 % of all, and asks the lake before, after, and once it is compacted. Times are CPU of this process unless named otherwise.
"""

import argparse
import random
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from shangyi import lake, store
from shangyi.access import Access
from shangyi.lake import compaction
from shangyi.lake.follow import Follower
from shangyi.lake.snapshot import build
from shangyi.lake.sync import refresh
from shangyi.store.load import load
from shangyi.store.repository import Repository

QUERIES = {
    "count by code": 'select primary_code, count(*) from "Observation" group by 1',
    "newest": 'select max(date_low) from "Observation"',
    "mean value by code": 'select primary_code, avg(valueQuantity.value::double) from "Observation" group by 1',
    "residents with a code": """select count(distinct patient_key) from "Observation" where primary_code = 'http://loinc.org|8302-2'""",
}


def cpu(work: Callable[[], object], rounds: int = 1) -> float:
    """The least CPU time of some rounds, in ms."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best * 1000


def asked(directory: Path) -> dict[str, float]:
    """CPU of each query over the current version."""
    with lake.DuckDBEngine(lake.open(directory), threads=1) as engine:
        return {name: cpu(lambda text=text: engine.sql(text), 7) for name, text in QUERIES.items()}  # type: ignore[misc]


def change(records: Repository, ids: list[str], share: int) -> None:
    """A new version of each, in transactions."""
    for start in range(0, len(ids), share):
        found = records.read_many([("Observation", id) for id in ids[start : start + share]])
        entries = [
            {
                "request": {"method": "PUT", "url": v.reference},
                "resource": {**v.resource, "note": [{"text": f"{time.time()}"}]},
            }
            for v in found
        ]
        records.transaction({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def visible(records: Repository, access: Access, directory: Path, rounds: int) -> list[float]:
    """Seconds from the answer to a write until an engine, opened anew, shows it."""
    ended = threading.Event()
    thread = threading.Thread(target=Follower(access, directory, False, ended).run, args=(1.0, 0.0))
    thread.start()
    times = []
    for number in range(rounds):
        id = f"seen{number}"
        time.sleep(random.random())
        records.update({"resourceType": "Patient", "id": id})
        start = time.monotonic()
        while True:
            with lake.DuckDBEngine(lake.open(directory)) as engine:
                if engine.sql(f"select id from \"Patient\" where id = '{id}'").num_rows:
                    break
            time.sleep(0.05)
        times.append(time.monotonic() - start)
    ended.set()
    thread.join()
    return times


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--changes", type=int, default=1000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shangyi-lake-", dir="/tmp") as name:
        home = Path(name)
        home.chmod(0o711)
        directory = home / "lake"
        with store.open(home=home) as opened, Access(opened.repository, opened.pool, home) as access:
            load(opened, [wanted.data], workers=2)
            records = opened.repository
            made = build(directory, records)
            rows = made.types["Observation"].rows
            print(f"{sum(k.rows for k in made.types.values()):,} resources, {rows:,} observations")
            before = asked(directory)
            with lake.open(directory) as found:
                ids = [r["id"] for r in found.resources("Observation")]
            random.seed(1)
            changed = random.sample(ids, wanted.changes)
            change(records, changed, 250)
            print(f"sync of {wanted.changes} changes: {cpu(lambda: refresh(directory, records)):.0f} ms CPU")
            change(records, changed[:1], 1)
            print(f"sync of 1 change: {cpu(lambda: refresh(directory, records)):.0f} ms CPU")
            change(records, random.sample(ids, max(0, rows // 100 - wanted.changes)), 250)
            refresh(directory, records)
            superseded = asked(directory)
            print(f"opened: {cpu(lambda: lake.DuckDBEngine(lake.open(directory)).close(), 3):.0f} ms CPU")
            start = time.process_time()
            while compaction.compact(directory, everything=True):
                pass
            print(f"compacted in {time.process_time() - start:.2f} s CPU")
            after = asked(directory)
            for query in QUERIES:
                print(f"{query}: {before[query]:.1f} ms; 1 % superseded {superseded[query]:.1f} ms"
                      f" ({superseded[query] / before[query]:.2f}); compacted {after[query]:.1f} ms")  # fmt: skip
            times = sorted(visible(records, access, directory, 15))
            print(f"visible after {times[len(times) // 2]:.2f} s (median), {times[-1]:.2f} s (most)")


if __name__ == "__main__":
    main()
