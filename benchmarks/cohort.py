"""Patients with code X: how many patients a second of CPU a lake looks through, and what answers it.

    PYTHONPATH=src python benchmarks/cohort.py /tmp/lake-100k /tmp/lake-1M [--rounds 15] [--fresh]

Lakes as `benchmarks/replicas.py` makes them. One thread; each question is asked often in turn with the others, and the
median of the CPU time of this process is told, as patients of the whole lake by second. `count` counts distinct
patients, `list` gives their keys as Arrow. Codes: of the fewest patients, of about one in a hundred, and of the most.
Blaze, a FHIR server in Clojure, publishes 75,000 to 300,000 patients a second and core for such questions.
`--fresh` opens the engine anew before each question: what it costs who asks once.
"""

import argparse
import statistics
import time
from pathlib import Path

from shangyi import lake

CODES = 'select primary_code code, count(distinct patient_key) n from "{}" group by 1 order by 2'


def cohorts(table: str, codes: list[tuple[str, int]], residents: int) -> dict[str, str]:
    """A code of few, of about one in a hundred, of most patients."""
    middle = min(codes, key=lambda found: abs(found[1] - residents / 100))
    return {"rare": codes[0][0], "medium": middle[0], "frequent": codes[-1][0]}


def asked(condition: dict[str, str], observation: dict[str, str]) -> dict[str, str]:
    """What is asked, as the query of patient keys."""
    found = {}
    for table, codes in (("Condition", condition), ("Observation", observation)):
        for name, code in codes.items():
            found[f"{name} {table.lower()} ({code.rsplit('|')[-1]})"] = (
                f"select distinct patient_key from \"{table}\" where primary_code = '{code}'"
            )
    for name, code in observation.items():
        found[f"{name} code + value ({code.rsplit('|')[-1]})"] = (
            f"select distinct patient_key from \"Observation\" where primary_code = '{code}'"
            " and try_cast(valueQuantity.value as double) >= 7"
        )
    several = ", ".join(f"'{code}'" for code in condition.values())
    found["any of three codes"] = (
        f'select distinct patient_key from "Condition" where primary_code in ({several})'
    )
    found["both of two codes"] = " intersect ".join(
        f"select patient_key from \"Condition\" where primary_code = '{condition[name]}'"
        for name in ("medium", "frequent")
    )
    found["a condition and a value"] = (
        f"select patient_key from \"Condition\" where primary_code = '{condition['frequent']}' intersect "
        f"select patient_key from \"Observation\" where primary_code = '{observation['frequent']}'"
        " and try_cast(valueQuantity.value as double) >= 37.3"
    )
    return found


def measure(directory: Path, rounds: int, fresh: bool) -> None:
    """Print a table of one lake."""
    engine = lake.DuckDBEngine(lake.open(directory), threads=1)
    residents = engine.lake.rows("Patient")
    codes = {
        table: cohorts(table, [(r["code"], r["n"]) for r in engine.sql(CODES.format(table)).to_pylist() if r["code"]], residents)
        for table in ("Condition", "Observation")
    }  # fmt: skip
    questions = asked(codes["Condition"], codes["Observation"])
    resources = sum(map(engine.lake.rows, engine.lake.tables()))
    print(f"\n{residents:,} patients, {resources:,} resources\n")
    print(
        "| patients with | found | count, ms | patients/s | list, ms | patients/s |\n|---|---|---|---|---|---|"
    )
    took: dict[tuple[str, str], list[float]] = {}
    found: dict[str, int] = {}
    for _ in range(rounds):
        for name, text in questions.items():
            for form, query in (("count", f"select count(*) n from ({text})"), ("list", text)):
                start = time.process_time()
                if fresh:
                    engine.close()
                    engine = lake.DuckDBEngine(lake.open(directory), threads=1)
                engine.sql(query)
                took.setdefault((name, form), []).append(time.process_time() - start)
            found[name] = engine.sql(f"select count(*) n from ({text})")["n"][0].as_py()
    for name in questions:
        cells = []
        for form in ("count", "list"):
            seconds = statistics.median(took[name, form])
            cells += [f"{seconds * 1000:.1f}", f"{residents / seconds / 1e6:.1f} M"]
        print(f"| {name} | {found[name]:,} | {' | '.join(cells)} |")
    engine.close()


def main() -> None:
    """Measure each lake."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lakes", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--fresh", action="store_true")
    given = parser.parse_args()
    for directory in given.lakes:
        measure(directory, given.rounds, given.fresh)


if __name__ == "__main__":
    main()
