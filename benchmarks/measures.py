"""eCQMs over a population of any size beside two peers: patients a second of CPU, every population's count as expected.

    PYTHONPATH=src:. python benchmarks/measures.py CHECKOUT --models DIR [--patients 100000] [--work DIR]
        [--elm DIR --fqm DIR] [--fhir4ds PYTHON] [FOLDER …]

CHECKOUT: cqframework/ecqm-content-qicore-2024, FOLDER the measures by their folders under ``input/tests/measure``. Their test patients are
written over and over with new ids into a lake under ``--work`` (kept for the next run). Ours: every criterion of the measure as one
statement, one thread, out of Parquet into Arrow; `cold` is reading, typing and compiling the library. What it counts is what the closures count for
one set of the patients, so many times; whether that is what the MeasureReports expect is the test's to say (`shangyi test --ecqm`).

Peers have their data in memory already. `--fqm`: a folder with `fqm-execution` from npm, fed with the ELM of the reference translator in
``--elm`` (a file a library). `--fhir4ds`: a Python that has `fhir4ds-v2`. Both get the test patients `--peer-patients` times over.
"""

import argparse
import json
import re
import statistics
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.care.measures.ecqm import Case, Content

from shangyi.care.measures import Period
from shangyi.care.measures.bedside import Definitions
from shangyi.lake import catalog, population, writer
from shangyi.lake.duckdb_engine import DuckDBEngine
from shangyi.lake.intake import Batch
from shangyi.query.cql.closures import Codes
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.translate import translate
from shangyi.query.cql.values import DateTime

FOLDERS = (
    "ControllingHighBloodPressureFHIR",
    "DiabetesGlycemicStatusAssessmentGreaterThan9PercentFHIR",
    "ColonCancerScreeningFHIR",
)
BATCH = 20_000
MARK = "\x01"
"""Where the prefix of a replica goes, in the JSON of a resource (as its escape)."""
_REFERENCE = re.compile(r"([A-Za-z]+/)(.+)")
FQM = """
const { Calculator } = require('%s/node_modules/fqm-execution')
const fs = require('fs')
const given = JSON.parse(fs.readFileSync(process.argv[2]))
const options = { calculateHTML: false, calculateSDEs: false, measurementPeriodStart: given.start, measurementPeriodEnd: given.end,
  trustMetaProfile: true }
;(async () => {
  await Calculator.calculate(given.measure, given.patients.slice(0, 5), options)
  const before = process.cpuUsage()
  const { results } = await Calculator.calculate(given.measure, given.patients, options)
  const used = process.cpuUsage(before)
  const counts = {}
  for (const r of results) for (const p of r.detailedResults[0].populationResults)
    counts[p.populationType] = (counts[p.populationType] || 0) + (p.result ? 1 : 0)
  console.log(JSON.stringify({ seconds: (used.user + used.system) / 1e6, patients: results.length, counts }))
})()
"""
FHIR4DS = """
import glob, json, sys, time
import fhir4ds
from fhir4ds.cql import evaluate_measure
given = json.load(open(sys.argv[1]))
con = fhir4ds.create_connection()
con.execute("set threads = 1")
loader = fhir4ds.FHIRDataLoader(con)
loader.load_ndjson(given["ndjson"])
for file in given["value_sets"]:
    loader.load_file(file)
took, counts = [], {}
for _ in range(3):
    before = time.process_time()
    rows = evaluate_measure(given["library"], con, output_columns=given["columns"], parameters=given["parameters"],
                            include_paths=[given["cql"]])
    rows = rows.values.tolist() if hasattr(rows, "values") else rows.fetchall()
    took.append(time.process_time() - before)
for at, name in enumerate(given["columns"], 1):
    counts[name] = sum(bool(row[at]) for row in rows)
print(json.dumps({"seconds": sorted(took)[1], "patients": len(rows), "counts": counts}))
"""


def templates(cases: list[Case]) -> dict[str, list[bytes]]:
    """The resources of all cases by type, with a mark before every id; ids of cases that share them are told apart."""
    found: dict[str, list[bytes]] = {}
    for number, case in enumerate(cases):
        own = {f"{r['resourceType']}/{r['id']}" for r in case.resources}
        for resource in case.resources:
            marked = _marked(resource, own, f"{MARK}{number}-", top=True)
            text = json.dumps(marked, ensure_ascii=False, separators=(",", ":"), default=float)
            found.setdefault(resource["resourceType"], []).append(text.encode())
    return found


def _marked(value: Any, own: set[str], prefix: str, top: bool = False) -> Any:
    if isinstance(value, list):
        return [_marked(item, own, prefix) for item in value]
    if not isinstance(value, dict):
        return value
    made = {name: _marked(item, own, prefix) for name, item in value.items()}
    if top:
        made["id"] = prefix + str(made["id"])[-40:]
    reference = value.get("reference")
    if isinstance(reference, str) and reference in own and (match := _REFERENCE.fullmatch(reference)):
        made["reference"] = match[1] + prefix + match[2][-40:]
    return made


def replicas(base: dict[str, list[bytes]], count: int) -> Iterator[Batch]:
    """Each resource so often, under ids of its own."""
    mark = json.dumps(MARK)[1:-1].encode()
    for name, lines in base.items():
        made: list[bytes] = []
        for replica in range(count):
            prefix = b"%x-" % replica
            made += [line.replace(mark, prefix) for line in lines]
            if len(made) >= BATCH:
                yield Batch(name, made, [""] * len(made))
                made = []
        if made:
            yield Batch(name, made, [""] * len(made))


def lake_of(directory: Path, cases: list[Case], count: int) -> None:
    """The lake of so many replicas, unless it is there."""
    if not (directory / "manifest.json").exists():
        base = templates(cases)
        size = sum(len(line) for lines in base.values() for line in lines) * count
        source, buckets = {"kind": "import"}, writer.buckets_for(size)
        writer.write_batches(directory, replicas(base, count), source=source, buckets=buckets)


class Measured:
    """A measure with its patients."""

    def __init__(self, content: Content, folder: str) -> None:
        self.content, self.folder = content, content.root / "tests/measure" / folder
        self.cases = list(content.cases(self.folder))
        self.measure = content.measure(self.folder)
        stated = self.cases[0].expected["period"]
        self.period = Period(stated["start"][:10], stated["end"][:10])
        self.now = DateTime.parse(f"{self.period.days[1]}T23:59:59.000Z")
        self.library = self.measure["library"][0].partition("|")[0].rpartition("/")[2]
        self.criteria = list(
            dict.fromkeys(
                p["criteria"]["expression"] for group in self.measure["group"] for p in group["population"]
            )
        )

    def by_closures(self) -> dict[str, int]:
        """What each criterion counts over the test patients: how often it is true, or its items."""
        bedside = self.content.evaluator(self.measure, self.period)
        found = dict.fromkeys(self.criteria, 0)
        for case in self.cases:
            values = Definitions(bedside.engine, bedside.evaluation(case.resources))
            for name in self.criteria:
                value = values.value(name)
                found[name] += len(value) if isinstance(value, list) else value is True
        return found

    def in_sql(self, directory: Path, rounds: int) -> tuple[dict[str, int], float, float]:
        """Counts, seconds of CPU in the middle, and seconds to compile."""
        import pyarrow.compute as pc

        codes, kept = Codes(self.content.terminology), catalog.open(directory)
        bedside = self.content.evaluator(self.measure, self.period)
        text = self.content.sources.library(self.library, None)
        assert text is not None
        took = []
        with DuckDBEngine(kept, threads=1) as engine:
            before = time.process_time()
            program = translate(text, self.content.sources, self.library)
            made = population.statement(program, self.criteria, kept, codes, bedside.parameters, self.now)
            cold = time.process_time() - before
            for _ in range(rounds):
                before = time.process_time()
                rows = population.by_name(made, engine.sql(made.text, made.parameters or None))
                took.append(time.process_time() - before)
        counts = {name: int(pc.sum(rows[name].cast("int64")).as_py() or 0) for name in self.criteria}
        return counts, statistics.median(took), cold

    def by_fqm(self, modules: Path, elm: Path, work: Path, times: int) -> dict[str, Any] | None:
        """fqm-execution's counts and seconds."""
        entries = [{"resource": self.measure}]
        for file in elm.glob("*.json"):
            identifier = json.loads(file.read_text())["library"]["identifier"]
            content = {"contentType": "application/elm+json", "data": b64encode(file.read_bytes()).decode()}
            url = f"{self.measure['url'].rpartition('/Measure/')[0]}/Library/{identifier['id']}"
            entries.append(
                {
                    "resource": {
                        "resourceType": "Library",
                        "id": identifier["id"],
                        "url": url,
                        "name": identifier["id"],
                        "version": identifier.get("version"),
                        "status": "active",
                        "type": {"coding": [{"code": "logic-library"}]},
                        "content": [content],
                    }
                }
            )
        for file in (self.content.root / "vocabulary").rglob("*.json"):
            found = json.loads(file.read_text())
            found = [e["resource"] for e in found["entry"]] if "entry" in found else [found]
            entries += [{"resource": r} for r in found if r["resourceType"] == "ValueSet"]
        patients = []
        for number in range(times):
            for case in self.cases:
                text = json.dumps(case.resources, default=float)
                subject = case.subject.partition("/")[2]
                resources = json.loads(text.replace(subject, f"{number}-{subject}"[:64]))
                patients.append(
                    {
                        "resourceType": "Bundle",
                        "type": "collection",
                        "entry": [{"resource": r} for r in resources],
                    }
                )
        given = work / "fqm.json"
        given.write_text(
            json.dumps(
                {
                    "measure": {"resourceType": "Bundle", "type": "collection", "entry": entries},
                    "patients": patients,
                    "start": self.period.days[0],
                    "end": self.period.days[1],
                }
            )
        )
        script = work / "fqm.cjs"
        script.write_text(FQM % modules)
        return _peer(["node", "--max-old-space-size=8192", str(script), str(given)])

    def by_fhir4ds(self, python: str, work: Path, times: int) -> dict[str, Any] | None:
        """fhir4ds-v2's counts and seconds."""
        ndjson = work / "patients.ndjson"
        with ndjson.open("wb") as file:
            for batch in replicas(templates(self.cases), times):
                file.writelines(line + b"\n" for line in batch.lines)
        end = f"{self.period.days[1]}T23:59:59.999"
        given = {
            "ndjson": str(ndjson),
            "value_sets": [str(p) for p in sorted((self.content.root / "vocabulary").rglob("*.json"))],
            "library": str(self.content.root / f"cql/{self.library}.cql"),
            "cql": str(self.content.root / "cql"),
            "columns": {name: name for name in self.criteria},
            "parameters": {"Measurement Period": [f"{self.period.days[0]}T00:00:00.000", end]},
        }
        (work / "fhir4ds.json").write_text(json.dumps(given))
        return _peer([python, "-c", FHIR4DS, str(work / "fhir4ds.json")])


def _peer(command: list[str]) -> dict[str, Any] | None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print("   ", (done.stderr.strip().splitlines() or ["?"])[-1][:300])
        return None
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path)
    parser.add_argument("folders", nargs="*", default=FOLDERS)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path("/tmp/measures"))
    parser.add_argument("--fqm", type=Path)
    parser.add_argument("--elm", type=Path)
    parser.add_argument("--fhir4ds")
    parser.add_argument("--peer-patients", type=int, default=2)
    given = parser.parse_intermixed_args()
    given.work.mkdir(exist_ok=True)
    content = Content(given.checkout, given.models)
    for folder in given.folders:
        measured = Measured(content, folder)
        count = max(1, given.patients // len(measured.cases))
        patients = count * len(measured.cases)
        directory = given.work / f"{folder}-{patients}"
        lake_of(directory, measured.cases, count)
        expected = {name: number * count for name, number in measured.by_closures().items()}
        try:
            counts, seconds, cold = measured.in_sql(directory, given.rounds)
        except NoForm as error:
            print(f"{folder}: no form in SQL: {error}")
        else:
            right = "as the closures count" if counts == expected else f"{counts}, by the closures {expected}"
            print(
                f"{folder}: {patients:,} patients, {seconds:.2f} s, {patients / seconds:,.0f} patients/s, "
                f"cold {cold:.2f} s; {right}",
                flush=True,
            )
        if given.fqm and given.elm:
            _told("fqm-execution", measured.by_fqm(given.fqm, given.elm, given.work, given.peer_patients))
        if given.fhir4ds:
            _told("fhir4ds-v2", measured.by_fhir4ds(given.fhir4ds, given.work, given.peer_patients))


def _told(name: str, answer: dict[str, Any] | None) -> None:
    if answer:
        rate = answer["patients"] / answer["seconds"]
        print(
            f"    {name}: {answer['patients']} patients, {rate:,.0f} patients/s; {answer['counts']}",
            flush=True,
        )


if __name__ == "__main__":
    main()
