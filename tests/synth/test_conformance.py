"""Every type that the generator writes is valid R4."""

from collections import Counter
from datetime import date

from shangyi.fhir import json
from shangyi.query.conformance import validate
from shangyi.synth import generate


def test_every_type_is_valid() -> None:
    seen: Counter[str] = Counter()
    for resource in generate(120, 5, date(2026, 11, 22)):
        kind = resource["resourceType"]
        seen[kind] += 1
        if seen[kind] > 60:
            continue
        again = json.loads(json.dumps(resource))
        wrong = [i for i in validate(again) if i.severity in ("error", "fatal")]
        assert not wrong, (kind, resource["id"], [(i.diagnostics, i.expression) for i in wrong])
    assert len(seen) >= 18
