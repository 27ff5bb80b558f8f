"""Search speed: token + date, first page, for rare and frequent codes; matches counted per second.

    python benchmarks/search.py FOLDER [--copies 13] [--json]

FOLDER holds Synthea's bundles (`*.json.gz`). Each copy gets ids of its own; all go through the bulk loader into an
embedded PostgreSQL in a temporary home. 13 copies are half a million resources, 130 five million.
"""

# ruff: noqa: E402
import sys

sys.path = [
    folder for folder in sys.path if not folder.endswith("benchmarks")
]  # http.py there is no `http` of Python's

import argparse
import gzip
import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

LOINC = "http://loinc.org"


def copies(source: Path, count: int, target: Path) -> None:
    """The bundles `count` times over, every UUID of a copy moved by the same amount."""
    import re

    uuid = re.compile(r"[0-9a-f]{8}(?=-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
    for file in sorted(source.glob("*.json.gz")):
        text = gzip.decompress(file.read_bytes()).decode()
        for number in range(count):
            moved = uuid.sub(lambda m, n=number: f"{(int(m[0], 16) + n) % 2**32:08x}", text)  # type: ignore[misc]
            (target / f"{number:03}-{file.name}").write_bytes(gzip.compress(moved.encode(), 1))


def timed(store: Any, parameters: list[tuple[str, str]]) -> float:
    from shangyi.store.model import SearchRequest

    start = time.perf_counter()
    store.repository.search(SearchRequest("Observation", parameters))
    return (time.perf_counter() - start) * 1000


def codes(store: Any) -> list[tuple[str, int]]:
    """LOINC codes of observations, most frequent first."""
    from shangyi.store import keys
    from shangyi.store.model import SearchRequest

    page = store.repository.search(SearchRequest("Observation", [("_count", "1000")]))
    known = {
        coding["code"]
        for version in page.matches
        for coding in version.resource.get("code", {}).get("coding", ())
        if coding.get("system") == LOINC
    }
    tokens = {keys.token("Observation", "code", f"{LOINC}|{code}"): code for code in known}
    with store.repository.transaction_connection() as connection:
        found = connection.execute(
            "select code, count(*) from search where code = any(%s) group by 1 order by 2 desc",
            [list(tokens)],
        ).fetchall()
    return [(tokens[token], number) for token, number in found]


def measure(store: Any, rounds: int = 200) -> dict[str, Any]:
    ranked = codes(store)
    result: dict[str, Any] = {}
    rng = random.Random(5)
    for name, chosen in {"frequent": ranked[:5], "rare": ranked[-5:]}.items():
        times = []
        for _ in range(rounds):
            code, _number = rng.choice(chosen)
            since = f"ge{rng.randint(1990, 2019)}-{rng.randint(1, 12):02}"
            times.append(timed(store, [("code", f"{LOINC}|{code}"), ("date", since)]))
        cut = statistics.quantiles(times, n=100)
        result[name] = {
            "matches": [number for _, number in chosen],
            "p50_ms": round(cut[49], 2),
            "p99_ms": round(cut[98], 2),
        }
    total = 0
    start = time.perf_counter()
    for status in ("final", "amended"):
        from shangyi.store.model import SearchRequest

        page = store.repository.search(
            SearchRequest("Observation", [("status", status), ("_summary", "count")])
        )
        total += page.total or 0
    result["count_matches_per_second"] = round(total / (time.perf_counter() - start))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--copies", type=int, default=13)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    from shangyi.store import embedded
    from shangyi.store.database import Store, create_database
    from shangyi.store.load import load

    with tempfile.TemporaryDirectory(prefix="shangyi-bench-") as folder:
        root = Path(folder)
        root.chmod(0o711)
        (root / "home").mkdir(mode=0o711)
        (root / "in").mkdir()
        copies(given.folder, given.copies, root / "in")
        with embedded.start(root / "home") as server:
            create_database(server.conninfo("postgres"), "bench")
            with Store(server.conninfo("bench")) as store:
                start = time.perf_counter()
                load(store, [root / "in"])
                seconds = time.perf_counter() - start
                result = {"copies": given.copies, "load_seconds": round(seconds), **measure(store)}
    print(json.dumps(result, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
