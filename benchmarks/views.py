"""Views over a lake beside two peers on the same resources: rows a second of CPU, the rows held equal one by one.

    PYTHONPATH=src python benchmarks/views.py ../shared/data/synthea-r4 [--files 12] [--resources 4000]
        [--sof-js DIR] [--fhir4ds PYTHON]

Ours: a ViewDefinition planned and run on the lake's DuckDB with one thread, out of Parquet, into Arrow. `--sof-js`: a checkout of
FHIR/sql-on-fhir-v2's `sof-js` with its modules installed; `--fhir4ds`: a Python that has `fhir4ds-v2` (it needs another
DuckDB). Both peers take JSON that is in memory already. Everybody has the first so many resources of each type, types of which there are
fewer over and over with new ids. `kept`: the same rows read from the view as it is kept beside the lake (docs/views.md).
"""

import argparse
import gzip
import json
import statistics
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from shangyi import lake
from shangyi.lake import materialisation
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
        "where": [{"path": f"code.coding.exists(system = '{LOINC}' and code = '55284-4')"}],
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
import { readFileSync, writeFileSync } from 'node:fs'
import { evaluate } from '%s/src/index.js'
const view = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const resources = readFileSync(process.argv[3], 'utf8').trim().split('\\n').map((line) => JSON.parse(line))
evaluate(view, resources.slice(0, 50))
const before = process.cpuUsage()
const rows = evaluate(view, resources)
const used = process.cpuUsage(before)
writeFileSync(process.argv[4], rows.map((row) => JSON.stringify(row)).join('\\n'))
console.log(JSON.stringify({ seconds: (used.user + used.system) / 1e6 }))
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
seconds = time.process_time() - before
with open(sys.argv[3], "w") as file:
    file.writelines(json.dumps(row, default=str) + "\\n" for row in found.to_pylist())
print(json.dumps({"seconds": seconds}))
"""


def resources(directory: Path, files: int) -> dict[str, list[bytes]]:
    """Each resource as JSON, by type."""
    found: dict[str, list[bytes]] = defaultdict(list)
    for file in sorted(directory.glob("*.json.gz"))[:files]:
        for entry in json.loads(gzip.decompress(file.read_bytes()))["entry"]:
            resource = entry["resource"]
            found[resource["resourceType"]].append(json.dumps(resource).encode())
    return found


def replicated(lines: list[bytes], count: int) -> list[bytes]:
    """The first so many; where there are fewer, over and over with new ids."""
    found = []
    for number in range(count):
        line = lines[number % len(lines)]
        found.append(
            line.replace(b'"id": "', b'"id": "%d-' % (number // len(lines)), 1)
            if number >= len(lines)
            else line
        )
    return found


def ours(engine: lake.DuckDBEngine, view: dict[str, Any], rounds: int) -> tuple[list[dict[str, Any]], float]:
    """Rows, and the median of CPU seconds a round."""
    took = []
    for _ in range(rounds):
        before = time.process_time()
        plan = views.compile(view, engine.lake.table(view["resource"]))
        rows = engine.sql(plan.sql())
        took.append(time.process_time() - before)
    return rows.to_pylist(), statistics.median(took)


def kept(directory: Path, name: str, rounds: int) -> float:
    """CPU seconds of reading all rows of a kept view."""
    with lake.DuckDBEngine(lake.open(directory), threads=1) as engine:
        took = []
        for _ in range(rounds):
            before = time.process_time()
            engine.sql(f'select * from views."{name}"')
            took.append(time.process_time() - before)
    return statistics.median(took)


def peer(command: list[str], rows: Path) -> tuple[list[dict[str, Any]], float] | None:
    """Rows and CPU seconds of another program, None where it cannot run the view."""
    done = subprocess.run([*command, str(rows)], capture_output=True, text=True, check=False)
    if done.returncode:
        print("   ", (done.stderr.strip().splitlines() or ["?"])[-1][:150])
        return None
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    return [json.loads(line) for line in rows.read_text().splitlines()], answer["seconds"]


def plain(rows: list[dict[str, Any]]) -> Counter[str]:
    """Rows without order; numbers to twelve digits, keys of references without their type, which implementations may choose."""

    def value(item: Any) -> Any:
        if isinstance(item, Decimal | float | int) and not isinstance(item, bool):
            return f"{float(item):.12g}"
        return item.rpartition("/")[2] if isinstance(item, str) and item.startswith("Patient/") else item

    return Counter(json.dumps({name: value(row[name]) for name in sorted(row)}, default=str) for row in rows)


def main() -> None:
    """Measure each view and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--files", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--resources", type=int, default=4000)
    parser.add_argument("--sof-js", type=Path)
    parser.add_argument("--fhir4ds", type=Path)
    given = parser.parse_args()
    wanted = {view["resource"] for view in VIEWS.values()}
    found = {
        t: replicated(r, given.resources)
        for t, r in resources(given.data, given.files).items()
        if t in wanted
    }
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        (place / "sof.mjs").write_text(SOF_JS % (given.sof_js and given.sof_js.absolute()))
        (place / "peer.py").write_text(FHIR4DS)
        for type_, texts in found.items():
            (place / f"{type_}.ndjson").write_bytes(b"\n".join(texts) + b"\n")
        directory = place / "lake"
        lake.write(directory, [place / f"{type_}.ndjson" for type_ in found])
        engine = lake.DuckDBEngine(lake.open(directory), threads=1)
        named = {
            f"own_{name.replace(' ', '_')}": {"resourceType": "ViewDefinition", **view}
            for name, view in VIEWS.items()
        }
        materialisation.keep(directory, named)
        while materialisation.refresh(directory):
            pass
        print(f"{given.resources:,} resources of each type\n")
        print(
            "| view | rows | ours, resources/s | kept | sof-js | ours to it | fhir4ds | ours to it |\n|---|---|---|---|---|---|---|---|"
        )
        for name, view in VIEWS.items():
            rows, took = ours(engine, view, given.rounds)
            (place / "view.json").write_text(json.dumps({"status": "active", **view}))
            ndjson = place / f"{view['resource']}.ndjson"
            cells = [
                f"{given.resources / took:,.0f}",
                f"{given.resources / kept(directory, f'own_{name.replace(chr(32), chr(95))}', given.rounds):,.0f}",
            ]
            for command in (
                ["node", str(place / "sof.mjs")] if given.sof_js else None,
                [str(given.fhir4ds), str(place / "peer.py")] if given.fhir4ds else None,
            ):
                other = (
                    peer([*command, str(place / "view.json"), str(ndjson)], place / "rows")
                    if command
                    else None
                )
                if other is None:
                    cells += ["–", "–"]
                    continue
                different = sum(((plain(rows) - plain(other[0])) + (plain(other[0]) - plain(rows))).values())
                cells += [
                    f"{given.resources / other[1]:,.0f}",
                    f"{other[1] / took:.1f}" + (f" ({different:,} rows differ)" if different else ""),
                ]
            print(f"| {name} | {len(rows):,} | {' | '.join(cells)} |", flush=True)
        engine.close()


if __name__ == "__main__":
    main()
