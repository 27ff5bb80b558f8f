"""The lake's speed, size and memory: python benchmarks/lake.py [--copies N] [--store] PATH…

NDJSON → lake, and beside it, on the same files in the same run, DuckDB's own ``read_json`` with inference (which is lossy:
docs/decisions/0008-lake-layout.md). PATH holds Synthea's bundles, or NDJSON; each copy has ids of its own.
``--store`` also loads the record and builds the lake of it. Every task runs in a process of its own, so that processor
time and memory are its own; the processor time of all its threads counts, so a second of it is a second of one core.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_ID = re.compile(rb"\b[0-9a-f]{2}(?=[0-9a-f]{6}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)")


def replicate(paths: list[str], copies: int, target: Path) -> tuple[int, int]:
    """NDJSON by type, compact, as a Bulk Data export has it; resources and bytes."""
    import msgspec

    from shangyi.lake.intake import lines

    count = size = 0
    files = {}
    for line in lines(paths):
        data = msgspec.json.format(line.data, indent=-1) + b"\n"
        if line.type not in files:
            files[line.type] = (target / f"{line.type}.ndjson").open("wb")
        for copy in range(copies):
            made = _ID.sub(b"%02x" % copy, data) if copy else data
            files[line.type].write(made)
            count, size = count + 1, size + len(made)
    for file in files.values():
        file.close()
    return count, size


def ndjson(source: Path, target: Path) -> None:
    """Ours."""
    from shangyi.lake import writer

    writer.write(target, [str(source)])


def peer(source: Path, target: Path) -> None:
    """DuckDB, one type after another, with its own choice of types."""
    import duckdb

    target.mkdir()
    connection = duckdb.connect(config={"memory_limit": "2GiB", "preserve_insertion_order": False})
    for file in sorted(source.glob("*.ndjson")):
        connection.execute(
            f"copy (select * from read_json('{file}', format = 'newline_delimited', maximum_object_size = 100000000))"
            f" to '{target / file.stem}.parquet' (format parquet, compression zstd)"
        ).fetchall()


def snapshot(source: Path, target: Path) -> None:
    """Of the record in ``source``; prints the processor time of PostgreSQL, too."""
    from processes import seconds

    from shangyi import store
    from shangyi.lake.snapshot import build

    with store.open(home=source) as opened:
        assert opened.server is not None
        assert opened.server.pid is not None
        server, own, start = seconds(opened.server.pid), time.process_time(), time.perf_counter()
        made = build(target, opened)
        count = sum(kept.rows for kept in made.types.values())
        wall, own, server = (
            time.perf_counter() - start,
            time.process_time() - own,
            seconds(opened.server.pid) - server,
        )
    print(
        f"  of which {own / count * 1e6:.1f} µs ours and {server / count * 1e6:.1f} µs PostgreSQL a resource:"
        f" {count / (own + server):,.0f} resources a second of processor; {count / wall:,.0f}/s on the clock",
        flush=True,
    )


TASKS: dict[str, Callable[[Path, Path], None]] = {"ndjson": ndjson, "peer": peer, "snapshot": snapshot}


def run(task: str, source: Path, target: Path, count: int) -> None:
    """A task in a process of its own, measured."""
    start = time.perf_counter()
    pid = subprocess.Popen([sys.executable, __file__, "--task", task, str(source), str(target)]).pid
    _, status, used = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    assert status == 0, f"{task} failed"
    spent = used.ru_utime + used.ru_stime
    size = sum(file.stat().st_size for file in target.rglob("*.parquet"))
    print(
        f"{task:9}{count / spent:9,.0f} resources a second of processor ({spent / count * 1e6:.1f} µs each),"
        f" {count / wall:,.0f}/s on the clock, {size / count:.1f} bytes each, at most {used.ru_maxrss / 1024:,.0f} MiB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--store", action="store_true")
    parser.add_argument("--task", choices=TASKS)
    asked = parser.parse_args()
    if asked.task:
        TASKS[asked.task](*map(Path, asked.paths))
        return
    with tempfile.TemporaryDirectory(prefix="shangyi-lake-") as name:
        place = Path(name)
        place.chmod(0o711)
        source = place / "ndjson"
        source.mkdir()
        count, size = replicate(asked.paths, asked.copies, source)
        print(f"{count:,} resources, {size >> 20} MiB; load {os.getloadavg()[0]:.1f}")
        for number in range(asked.rounds):
            for task in ("ndjson", "peer"):
                run(task, source, place / f"{task}{number}", count)
        if asked.store:
            from shangyi import store
            from shangyi.store.load import load

            with store.open(home=place / "home") as opened:
                load(opened, asked.paths)
            for number in range(asked.rounds):
                run("snapshot", place / "home", place / f"snapshot{number}", count // asked.copies)


if __name__ == "__main__":
    main()
