"""Search at millions of resources: latency and CPU of a page, matches counted a second, every answer held against all rows.

    PYTHONPATH=src python benchmarks/population.py ../shared/data/synthea-r4 HOME    # once: 5 million resources
    PYTHONPATH=src python benchmarks/search.py HOME [--rounds 200] [--only TEXT] [--unchecked]

CPU is that of this process and of its one backend, from /proc/PID/schedstat; on a loaded machine it says more than the
clock. What is found by code is held against one pass over all rows of the code, compared in Python. What comes over HTTP,
with decision and audit: `benchmarks/http_interface.py --home HOME`.
"""

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from shangyi.store import embedded, keys, rows
from shangyi.store.database import Store
from shangyi.store.model import EVERYTHING, Scope, SearchRequest, Version
from shangyi.store.search import date
from shangyi.store.types import NUMBERS

LOINC = "http://loinc.org"
Parameters = list[tuple[str, str]]


class Code(NamedTuple):
    """A code of observations and how many there are of it."""

    code: str
    number: int


def ranked(connection: Any, codec: Any) -> list[Code]:
    """The primary LOINC codes of Observation, most frequent first."""
    found = connection.execute(
        "select min(rid), count(*) from search where code <> 0 and type = %s group by code order by 2 desc",
        [NUMBERS["Observation"]],
    ).fetchall()
    named = []
    for rid, number in found:
        [version] = versions(connection, codec, "r.rid = %s", [rid])
        coding = version.resource["code"]["coding"][0]
        if coding.get("system") == LOINC:
            named.append(Code(coding["code"], number))
    return named


def versions(connection: Any, codec: Any, where: str, values: list[Any]) -> list[Version]:
    found = connection.execute(f"select {rows.COLUMNS} from resource r where {where}", values).fetchall()
    return rows.versions(codec, connection, found)


def patients(connection: Any, codec: Any, number: int = 400) -> list[str]:
    """Ids of some residents."""
    found = versions(connection, codec, "r.type = %s limit %s", [NUMBERS["Patient"], number])
    return [version.id for version in found]


def tiers(codes: list[Code]) -> dict[str, list[Code]]:
    """Frequent, medium and rare codes, five of each."""
    middle = len(codes) // 2
    return {"frequent": codes[:5], "medium": codes[middle : middle + 5], "rare": codes[-5:]}


def on_cpu(pid: int) -> float:
    """Seconds of CPU of a process so far."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


class Case(NamedTuple):
    """A kind of search: what to ask in each round, of which type, within which area."""

    name: str
    ask: Callable[[random.Random], Parameters]
    type: str = "Observation"
    scope: Scope = EVERYTHING
    rounds: int | None = None


COUNTY, TOWN = Scope((520999000000, 520999999999)), Scope((520999003000, 520999003999))
VILLAGE = Scope((520999003005, 520999003005))


def month(random: random.Random) -> str:
    return f"{random.randint(1990, 2019)}-{random.randint(1, 12):02}"


def by_code(codes: dict[str, list[Code]], people: list[str]) -> Iterator[Case]:
    """Token and date, for rare and frequent codes alike."""
    for tier, some in codes.items():

        def code(r: random.Random, some: list[Code] = some) -> tuple[str, str]:
            return ("code", f"{LOINC}|{r.choice(some).code}")

        yield Case(f"{tier} code, date from", lambda r, code=code: [code(r), ("date", "ge" + month(r))])
        yield Case(f"{tier} code, date to", lambda r, code=code: [code(r), ("date", "le" + month(r))])
        yield Case(f"{tier} code, month", lambda r, code=code: [code(r), ("date", month(r))])
        yield Case(f"{tier} code", lambda r, code=code: [code(r)])
        yield Case(
            f"{tier} code, resident, date from",
            lambda r, code=code: [code(r), ("patient", r.choice(people)), ("date", "ge" + month(r))],
        )
        yield Case(
            f"{tier} code, status, date from",
            lambda r, code=code: [code(r), ("status", "final"), ("date", "ge" + month(r))],
        )
        for name, scope in {"county": COUNTY, "town": TOWN, "village": VILLAGE}.items():
            yield Case(
                f"{tier} code, date from, {name}",
                lambda r, code=code: [code(r), ("date", "ge" + month(r))],
                scope=scope,
            )


def others(codes: dict[str, list[Code]], people: list[str]) -> Iterator[Case]:
    """What else a page may be found by."""
    often, seldom = f"{LOINC}|{codes['frequent'][0].code}", f"{LOINC}|{codes['rare'][-1].code}"
    yield Case("status, date from", lambda r: [("status", "final"), ("date", "ge" + month(r))])
    yield Case("category, date to", lambda r: [("category", "laboratory"), ("date", "le" + month(r))])
    yield Case("date from", lambda r: [("date", "ge" + month(r))])
    yield Case("resident", lambda r: [("patient", r.choice(people))])
    yield Case("newest written", lambda r: [("_sort", "-_lastUpdated")], rounds=5)
    yield Case("written since", lambda r: [("_lastUpdated", "gt2020")], rounds=20)
    yield Case("quantity", lambda r: [("value-quantity", "gt200")], rounds=5)
    yield Case("frequent code, quantity", lambda r: [("code", often), ("value-quantity", "gt90")], rounds=5)
    yield Case("chain by name", lambda r: [("subject:Patient.name", r.choice("王李张刘"))], rounds=20)
    yield Case(
        "include residents", lambda r: [("code", often), ("_include", "Observation:patient")], rounds=20
    )
    yield Case("visits of a month", lambda r: [("date", month(r))], "Encounter")
    names = ["王", "李", "zhang", "wangx", "lq", "z"]
    yield Case("residents by name", lambda r: [("name", r.choice(names))], "Patient", rounds=30)
    yield Case("residents by sex", lambda r: [("gender", "female")], "Patient", rounds=30)
    yield Case("residents in order of name", lambda r: [("_sort", "name")], "Patient", rounds=5)
    yield Case(
        "residents with a rare code",
        lambda r: [("_has:Observation:patient:code", seldom)],
        "Patient",
        rounds=5,
    )
    yield Case(
        "residents with a frequent code",
        lambda r: [("_has:Observation:patient:code", often)],
        "Patient",
        rounds=5,
    )
    yield Case(
        "resident with all observations",
        lambda r: [("_id", r.choice(people)), ("_revinclude", "Observation:patient")],
        "Patient", rounds=20,
    )  # fmt: skip


class Truth:
    """All rows of a code, from one pass over the table, and what of them a search has to find."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.rows: dict[str, list[tuple[int, int, int, int]]] = {}

    def of(self, code: str) -> list[tuple[int, int, int, int]]:
        if code not in self.rows:
            for way in ("indexscan", "indexonlyscan", "bitmapscan"):
                self.connection.execute(f"set local enable_{way} = off")
            self.rows[code] = self.connection.execute(
                "select date, rid, date_end, patient from search where tokens @> array[%s::bigint]"
                " order by date desc, rid desc",
                [keys.token("Observation", "code", code)],
            ).fetchall()
        return self.rows[code]

    def check(self, asked: Parameters, found: list[Version]) -> None:
        """Refuse a page that is not the first of what all rows hold."""
        wanted = dict(asked)
        allowed = []
        for low, rid, high, patient in self.of(wanted["code"]):
            if "patient" in wanted and patient != keys.rid("Patient", wanted["patient"]):
                continue
            if "date" in wanted:
                prefix = wanted["date"][:2] if wanted["date"][:2].isalpha() else "eq"
                given = date.bounds(wanted["date"].removeprefix(prefix))
                if low == keys.NO_DATE or not date.compare(prefix, low, high, given):
                    continue
            allowed.append(rid)
            if len(allowed) == 20:
                break
        assert allowed == [keys.rid(v.type, v.id) for v in found], f"wrong page for {asked}"


def measure(store: Store, backend: int, case: Case, rounds: int, truth: Truth | None) -> dict[str, Any]:
    chance, walls, cpus, hits = random.Random(case.name), [], [], 0
    for turn in range(-2, case.rounds or rounds):
        asked = case.ask(chance)
        wall, cpu, own = time.perf_counter(), on_cpu(backend), time.thread_time()
        page = store.repository.search(SearchRequest(case.type, asked), case.scope)
        if turn >= 0:
            walls.append((time.perf_counter() - wall) * 1000)
            cpus.append((time.thread_time() - own + on_cpu(backend) - cpu) * 1000)
            hits += len(page.matches) + len(page.included)
        if (
            truth
            and case.scope is EVERYTHING
            and {n for n, _ in asked} <= {"code", "date", "patient"}
            and "code" in dict(asked)
        ):
            truth.check(asked, list(page.matches))  # fmt: skip
    return {
        "case": case.name,
        "hits": round(hits / len(walls), 1),
        **{f"{n}_p50_ms": round(statistics.median(v), 1) for n, v in (("wall", walls), ("cpu", cpus))},
        **{f"{n}_p99_ms": round(sorted(v)[int(len(v) * 0.99)], 1) for n, v in (("wall", walls), ("cpu", cpus))},
    }  # fmt: skip


def deep(store: Store, code: str, pages: int = 50) -> dict[str, Any]:
    """Page after page by the cursor."""
    cursor: Parameters = []
    times, seen = [], set()
    for _ in range(pages):
        start = time.perf_counter()
        page = store.repository.search(SearchRequest("Observation", [("code", code), *cursor]))
        times.append((time.perf_counter() - start) * 1000)
        seen |= {version.id for version in page.matches}
        if page.next is None:
            break
        cursor = [("_cursor", page.next)]
    assert len(seen) == sum(1 for _ in times) * 20 or page.next is None
    return {"case": f"{len(times)} pages of {code}", "wall_p50_ms": round(statistics.median(times), 1), "wall_max_ms": round(max(times), 1)}  # fmt: skip


def counting(store: Store, backend: int, name: str, type: str, asked: Parameters) -> dict[str, Any]:
    """Matches counted a second of CPU."""
    wall, cpu = time.perf_counter(), on_cpu(backend)
    total = store.repository.search(SearchRequest(type, [*asked, ("_summary", "count")])).total or 0
    wall, cpu = time.perf_counter() - wall, on_cpu(backend) - cpu
    return {"case": f"count {name}", "matches": total, "wall_ms": round(wall * 1000), "per_cpu_second": round(total / cpu)}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("home", type=Path)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--only", default="")
    parser.add_argument("--unchecked", action="store_true", help="do not hold answers against all rows")
    given = parser.parse_args()
    server = embedded.start(given.home)
    with Store(server.conninfo("shangyi"), server, connections=1) as store:
        with store.pool.connection() as connection:
            connection.execute("set max_parallel_workers_per_gather = 0")
            backend = connection.info.backend_pid
            codes, people = ranked(connection, store.codec), patients(connection, store.codec)
        chosen = tiers(codes)
        print(
            json.dumps({"load": os.getloadavg()[0], **{n: [c.number for c in v] for n, v in chosen.items()}})
        )
        import psycopg

        with psycopg.connect(store.conninfo) as apart:
            truth = None if given.unchecked else Truth(apart)
            for case in (*by_code(chosen, people), *others(chosen, people)):
                if given.only in case.name:
                    print(
                        json.dumps(measure(store, backend, case, given.rounds, truth), ensure_ascii=False),
                        flush=True,
                    )
        if not given.only or given.only in "deep":
            print(json.dumps(deep(store, f"{LOINC}|{codes[0].code}")))
        if not given.only or given.only in "count":
            for name, type, asked in (
                ("by frequent code", "Observation", [("code", f"{LOINC}|{codes[0].code}")]),
                ("by status", "Observation", [("status", "final")]),
                ("by category", "Observation", [("category", "laboratory")]),
                ("by sex", "Patient", [("gender", "female")]),
            ):
                counting(store, backend, name, type, asked)
                print(json.dumps(counting(store, backend, name, type, asked)), flush=True)


if __name__ == "__main__":
    main()
