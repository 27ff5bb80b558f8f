"""Views over a lake beside two peers on the same resources: rows a second of CPU, the number of rows held equal.

    PYTHONPATH=src python benchmarks/views.py ../shared/data/synthea-r4 [--files 12] [--peer-resources 4000]
        [--sof-js DIR] [--fhir4ds PYTHON]

Ours: a ViewDefinition planned and run on the lake's DuckDB with one thread, out of Parquet, into Arrow. `--sof-js`: a checkout of
FHIR/sql-on-fhir-v2's `sof-js` with its modules installed; `--fhir4ds`: a Python that has `fhir4ds-v2` (it needs another
DuckDB). Both peers take JSON that is in memory already, of the first resources of each type, since they need seconds for those.
"""

import argparse
import gzip
import json
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from shangyi import lake
from shangyi.query import views


def columns(**paths: str) -> list[dict[str, str]]:
    return [{"name": name, "path": path, "type": TYPES.get(name, "string")} for name, path in paths.items()]


TYPES = {
    "birth_date": "date",
    "onset": "dateTime",
    "effective": "dateTime",
    "value": "decimal",
    "mmhg": "decimal",
}


LOINC = "http://loinc.org"
VIEWS: dict[str, dict[str, Any]] = {
    "patient": {
        "resource": "Patient",
        "select": [
            {
                "column": columns(
                    id="id", gender="gender", birth_date="birthDate", family="name.family.first()"
                )
            }
        ],
    },
    "condition": {
        "resource": "Condition",
        "select": [
            {
                "column": columns(
                    id="id",
                    patient="subject.getReferenceKey(Patient)",
                    code="code.coding.code.first()",
                    onset="onset.ofType(dateTime)",
                )
            }
        ],
    },
    "observation": {
        "resource": "Observation",
        "select": [
            {
                "column": columns(
                    id="id",
                    patient="subject.getReferenceKey(Patient)",
                    effective="effective.ofType(dateTime)",
                    value="value.ofType(Quantity).value",
                    unit="value.ofType(Quantity).unit",
                )
            },
            {"forEach": "code.coding", "column": columns(system="system", code="code")},
        ],
    },
    "blood pressure": {
        "resource": "Observation",
        "where": [{"path": f"code.coding.exists(system = '{LOINC}' and code = '85354-9')"}],
        "select": [
            {"column": columns(id="id", effective="effective.ofType(dateTime)")},
            {
                "forEach": "component",
                "column": columns(code="code.coding.code.first()", mmhg="value.ofType(Quantity).value"),
            },
        ],
    },
    "address": {
        "resource": "Patient",
        "select": [
            {"column": columns(id="id")},
            {"forEachOrNull": "address", "column": columns(line="line.first()", city="city", state="state")},
        ],
    },
}
SOF_JS = """
import { readFileSync } from 'node:fs'
import { evaluate } from '%s/src/index.js'
const view = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const resources = readFileSync(process.argv[3], 'utf8').trim().split('\\n').map((line) => JSON.parse(line))
evaluate(view, resources.slice(0, 50))
const before = process.cpuUsage()
const rows = evaluate(view, resources)
const used = process.cpuUsage(before)
console.log(JSON.stringify({ rows: rows.length, seconds: (used.user + used.system) / 1e6 }))
"""
FHIR4DS = """
import json, sys, time
import fhir4ds
con = fhir4ds.create_connection()
con.execute("set threads = 1")
rows = [(json.loads(line)["resourceType"], line) for line in open(sys.argv[2])]
con.execute("create table resources(resource_type varchar, resource json)")
con.executemany("insert into resources values (?, ?)", rows)
before = time.process_time()
found = con.execute(fhir4ds.generate_view_sql(open(sys.argv[1]).read())).fetch_arrow_table()
print(json.dumps({"rows": found.num_rows, "seconds": time.process_time() - before}))
"""


def resources(directory: Path, files: int) -> dict[str, list[bytes]]:
    """Each resource as JSON, by type."""
    found: dict[str, list[bytes]] = defaultdict(list)
    for file in sorted(directory.glob("*.json.gz"))[:files]:
        for entry in json.loads(gzip.decompress(file.read_bytes()))["entry"]:
            resource = entry["resource"]
            found[resource["resourceType"]].append(json.dumps(resource).encode())
    return found


def ours(engine: lake.DuckDBEngine, view: dict[str, Any], rounds: int) -> tuple[int, float]:
    """Rows, and CPU seconds a round."""
    before = time.process_time()
    for _ in range(rounds):
        plan = views.compile(view, engine.lake.table(view["resource"]))
        rows = engine.sql(plan.sql()).num_rows
    return rows, (time.process_time() - before) / rounds


def peer(command: list[str]) -> tuple[int, float] | None:
    """Rows and CPU seconds of another program, None where it cannot run the view."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print("   ", (done.stderr.strip().splitlines() or ["?"])[-1][:150])
        return None
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    return answer["rows"], answer["seconds"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--files", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-resources", type=int, default=1000)
    parser.add_argument("--sof-js", type=Path)
    parser.add_argument("--fhir4ds", type=Path)
    given = parser.parse_args()
    kept = resources(given.data, given.files)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        (place / "sof.mjs").write_text(SOF_JS % (given.sof_js and given.sof_js.absolute()))
        (place / "peer.py").write_text(FHIR4DS)
        engines = {}
        for name, lines in (("all", kept), ("some", {t: r[: given.peer_resources] for t, r in kept.items()})):
            (place / name).mkdir()
            for type_, texts in lines.items():
                (place / name / f"{type_}.ndjson").write_bytes(b"\n".join(texts) + b"\n")
            lake.write(place / f"lake-{name}", [place / name])
            engines[name] = lake.DuckDBEngine(lake.open(place / f"lake-{name}"), threads=1)
        for name, view in VIEWS.items():
            rows, seconds = ours(engines["all"], view, given.rounds)
            count = len(kept[view["resource"]])
            print(
                f"{name}: {count:,} resources, {rows:,} rows, {seconds * 1000:.0f} ms CPU, {count / seconds:,.0f} resources/s"
            )
            (place / "view.json").write_text(json.dumps({"status": "active", **view}))
            some = place / "some" / f"{view['resource']}.ndjson"
            mine, took = ours(engines["some"], view, given.rounds)
            number = min(count, given.peer_resources)
            commands = {}
            if given.sof_js:
                commands["sof-js"] = ["node", str(place / "sof.mjs"), str(place / "view.json"), str(some)]
            if given.fhir4ds:
                commands["fhir4ds"] = [
                    str(given.fhir4ds),
                    str(place / "peer.py"),
                    str(place / "view.json"),
                    str(some),
                ]
            for other, command in commands.items():
                found = peer(command)
                if found is not None:
                    same = "" if found[0] == mine else f", but {found[0]:,} rows instead of {mine:,}"
                    print(
                        f"    {other}: {number / found[1]:,.0f} resources/s; ours on as many {found[1] / took:.1f} times as fast{same}"
                    )
        for engine in engines.values():
            engine.close()


if __name__ == "__main__":
    main()
