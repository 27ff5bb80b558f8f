"""Functions that the official suite leaves out."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from shangyi.query.closures.conversion import to_string
from shangyi.query.closures.values import system
from shangyi.query.errors import ExpressionError
from shangyi.query.fhirpath import compile

DATA: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text(encoding="utf-8"))


def resolver(reference: str) -> dict[str, Any] | None:
    return {"resourceType": "Practitioner", "id": "1"} if reference == "Practitioner/1" else None


@pytest.mark.parametrize(("text", "expected"), DATA["cases"], ids=[case[0] for case in DATA["cases"]])
def test_case(text: str, expected: list[str]) -> None:
    if expected == ["error"]:
        with pytest.raises(ExpressionError):
            compile(text, "Observation").evaluate(DATA["subject"], resolver=resolver, mine="given")
        return
    found = compile(text, "Observation").evaluate(DATA["subject"], resolver=resolver, mine="given")
    assert [to_string(system(item)) for item in found] == expected


def test_trace_goes_to_the_sink_of_the_caller() -> None:
    seen: list[tuple[str, list[Any]]] = []
    text = "component.trace('texts', code.text).count()"
    found = compile(text, "Observation").evaluate(DATA["subject"], trace=lambda *told: seen.append(told))
    assert found == [3]
    assert [(name, [system(item) for item in items]) for name, items in seen] == [("texts", ["a", "b", "c"])]


def test_references_within_a_bundle() -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {
                "fullUrl": "http://a/fhir/Observation/1",
                "resource": {**DATA["subject"], "subject": {"reference": "Patient/2"}},
            },
            {
                "fullUrl": "http://a/fhir/Patient/2",
                "resource": {"resourceType": "Patient", "id": "2", "gender": "male"},
            },
        ],
    }
    found = compile("entry.resource.ofType(Observation).subject.resolve().gender", "Bundle").evaluate(bundle)
    assert [item.value for item in found] == ["male"]
