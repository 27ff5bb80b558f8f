"""Parse and validate Patients of Synthea, one by one, and the same with fhir.resources where it is installed.

    python benchmarks/fhir_parse_validate.py FOLDER      (Synthea bundles, *.json.gz)

Every Patient is parsed and validated anew; figures are of the median Patient by size and of all of them. What validation
remembers (codes, dates, URIs, whole concepts, shapes of objects, narratives) is warm, as in a server that has run for
a minute; "never seen" has the values of this Patient for the first time, with the shapes of its kind known.
The peer (`pip install fhir.resources`, pydantic) checks less: no required codes, reference targets or invariants.
"""

import gzip
import json as standard
import sys
import time
from collections.abc import Callable
from pathlib import Path

from shangyi.fhir import fast, json, narrative, validation
from shangyi.query import conformance


def seconds(work: Callable[[], object], rounds: int) -> float:
    """CPU seconds of one call, the best of seven."""
    best = float("inf")
    for _ in range(7):
        start = time.process_time()
        for _ in range(rounds):
            work()
        best = min(best, (time.process_time() - start) / rounds)
    return best


def peer() -> Callable[[bytes], object] | None:
    try:
        from fhir.resources.R4B.patient import Patient
    except ImportError:
        return None
    return Patient.model_validate_json


def main() -> None:
    patients, some = [], []
    for number, file in enumerate(sorted(Path(sys.argv[1]).glob("*.json.gz"))):
        found = [e["resource"] for e in json.loads(gzip.decompress(file.read_bytes()))["entry"]]
        patients += [json.dumps(r) for r in found if r["resourceType"] == "Patient"]
        some += found if number < 10 else []
    patients.sort(key=len)
    median = patients[len(patients) // 2]
    value = json.loads(median)
    printed = standard.dumps(standard.loads(median), indent=2, ensure_ascii=False).encode()
    assert validation.validate(value) == []

    def never_seen() -> None:
        narrative.problem.cache_clear()
        for remembered in fast.MEMORIES:
            remembered.clear()
        validation.validate(json.loads(median))

    print(f"{len(patients)} patients, median {len(median)} bytes")
    rows = {
        "decode": lambda: json.decode(median),
        "loads (checks foreign input)": lambda: json.loads(median),
        "validate": lambda: validation.validate(value),
        "decode + validate": lambda: validation.validate(json.decode(median)),
        "loads + validate": lambda: validation.validate(json.loads(median)),
        "loads + validate, printed over lines": lambda: validation.validate(json.loads(printed)),
        "loads + validate, values never seen": never_seen,
        "validate with invariants": lambda: conformance.validate(value),
        "decode + validate with invariants": lambda: conformance.validate(json.decode(median)),
        "loads + validate with invariants": lambda: conformance.validate(json.loads(median)),
    }
    for name, work in rows.items():
        print(f"{name:42} {seconds(work, 1000) * 1e6:8.1f} µs")
    everyone = seconds(lambda: [validation.validate(json.loads(p)) for p in patients], 5) / len(patients)
    print(f"{'loads + validate, mean of all':42} {everyone * 1e6:8.1f} µs")
    full = seconds(lambda: [conformance.validate(json.loads(p)) for p in patients], 5) / len(patients)
    print(f"{'the same with invariants':42} {full * 1e6:8.1f} µs")
    structure = seconds(lambda: [validation.validate(r) for r in some], 1) / len(some)
    both = seconds(lambda: [conformance.validate(r) for r in some], 1) / len(some)
    print(f"{'validate, mean of resources of ten people':42} {structure * 1e6:8.1f} µs")
    print(f"{'the same with invariants':42} {both * 1e6:8.1f} µs")
    if other := peer():
        theirs = seconds(lambda: other(median), 100)
        ours = seconds(lambda: conformance.validate(json.loads(median)), 1000)
        print(f"{'fhir.resources':42} {theirs * 1e6:8.1f} µs, {theirs / ours:.1f} times ours")


if __name__ == "__main__":
    main()
