"""The rules as SQL over everybody against the same rules over one resident, on a synthetic county."""

import datetime as dt
from collections import defaultdict
from pathlib import Path
from typing import Any

from shangyi.care.population import states
from shangyi.care.population.build import Builder
from shangyi.care.standing import facts
from shangyi.care.standing.evaluate import evaluate
from shangyi.care.standing.rules import rules
from shangyi.fhir.json import dumps
from shangyi.lake import DuckDBEngine

DAY = dt.date(2026, 6, 30)
QUARTER = DAY - dt.timedelta(days=91)


def residents(county: dict[str, list[dict[str, Any]]]) -> dict[str, facts.Facts]:
    bodies: dict[str, list[tuple[str, str, bytes]]] = defaultdict(list)
    for name in facts.TYPES:
        for resource in county.get(name, ()):
            subject = resource.get("subject", resource.get("patient", {})).get("reference", "")
            about = f"Patient/{resource['id']}" if name == "Patient" else subject
            bodies[about].append((name, resource["id"], dumps(resource)))
    read = {about: facts.read(found) for about, found in bodies.items() if about}
    return {about: found for about, found in read.items() if found.counts}


def test_sets_and_spans_agree(
    county: dict[str, list[dict[str, Any]]], county_engine: DuckDBEngine, tmp_path: Path
) -> None:
    ask = Builder(county_engine, tmp_path, DAY).ask
    found = {
        (row["patient"], row["day"], rules()[row["number"]].id): row["begins"]
        for row in ask(f"select * from ({states.bits(rules())})").to_pylist()
    }
    expected = {
        (about, day, state.state): state.begins
        for about, known in residents(county).items()
        for state in evaluate(known, DAY)
        for day in (DAY, QUARTER)
        if ":" not in state.state and state.begins <= day < state.ends
    }
    assert found.keys() == expected.keys()
    asking = {rule.id for rule in rules() if rule.attention}
    since = {key: begins for key, begins in expected.items() if key[2] in asking}
    assert since == {key: found[key] for key in since}, "lists of who waits longest go by these days"
    assert len({state for *_, state in expected}) > 12
