"""A population of any size: residents of the synthetic county over and over with new ids, straight into a lake.

    PYTHONPATH=src python benchmarks/replicas.py /tmp/county20000 /tmp/lake-1M --residents 1000000

The county comes from ``shangyi synth --residents 20000 --out /tmp/county20000``; its first 10,000 residents are taken, of each the Patient,
one in three Conditions and one in fifteen Observations, which makes 9 resources a resident: enough for questions about
codes and values, little enough for a laptop (`--whole`: all of the three types, 71 a resident).
Values do not vary between replicas, so that the files are smaller than of real data; the hash of the patient does.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

from shangyi.lake import writer
from shangyi.lake.intake import Batch

RESIDENTS = 10_000
SHARES = {"Patient": 1, "Condition": 3, "Observation": 15}
WHOLE = {"Patient": 1, "Condition": 1, "Observation": 1}
BATCH = 2000


def county(directory: Path, residents: int, shares: dict[str, int]) -> dict[str, list[bytes]]:
    """The lines of its first residents, by type; of each type one in so many."""
    last = f"r{residents:06d}"
    found: dict[str, list[bytes]] = {}
    for name, share in shares.items():
        with (directory / f"{name}.ndjson").open("rb") as file:
            lines = (line.rstrip() for number, line in enumerate(file) if not number % share)
            found[name] = [
                line for line in lines if b'"id":"r' in line and line.split(b'"id":"')[1][:7].decode() < last
            ]
    return found


def replicas(base: dict[str, list[bytes]], count: int) -> Iterator[Batch]:
    """Each line so often, with ids of its own; the first as it is."""
    for name, lines in base.items():
        for replica in range(count):
            prefix = f"{replica}-".encode() if replica else b""
            id_, patient = b'"id":"' + prefix + b"r", b'"reference":"Patient/' + prefix + b"r"
            for start in range(0, len(lines), BATCH):
                made = [
                    line.replace(b'"id":"r', id_, 1).replace(b'"reference":"Patient/r', patient, 1)
                    for line in lines[start : start + BATCH]
                ]
                yield Batch(name, made, [""] * len(made))


def build(source: Path, directory: Path, residents: int, shares: dict[str, int] = SHARES) -> dict[str, float]:
    """A lake of so many residents (a multiple of 10,000, or fewer); resources, seconds of CPU, bytes."""
    base = county(source, min(residents, RESIDENTS), shares)
    count = max(1, residents // RESIDENTS)
    size = sum(len(line) for lines in base.values() for line in lines) * count
    start = time.process_time()
    made = writer.write_batches(
        directory, replicas(base, count), source={"kind": "import"}, buckets=writer.buckets_for(size)
    )
    return {
        "residents": made.types["Patient"].rows,
        "resources": sum(kept.rows for kept in made.types.values()),
        "cpu_s": round(time.process_time() - start, 2),
        "bytes": sum(file.bytes for kept in made.types.values() for file in kept.files),
        "json_bytes": size,
        "buckets": made.buckets,
    }


def main() -> None:
    """Make one and print what it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("county", type=Path)
    parser.add_argument("lake", type=Path)
    parser.add_argument("--residents", type=int, default=RESIDENTS)
    parser.add_argument("--whole", action="store_true", help="every Condition and Observation")
    given = parser.parse_args()
    print(json.dumps(build(given.county, given.lake, given.residents, WHOLE if given.whole else SHARES)))


if __name__ == "__main__":
    main()
