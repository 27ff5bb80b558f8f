"""The official suite of FHIRPath for R4, whole; exclusions.yaml argues every case that we do not pass.

An error that is found before evaluation satisfies ``invalid="execution"`` too: the expression gives no value.
"""

import xml.etree.ElementTree as ET
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.shared import ROOT, shared

from shangyi.fhir import json, xml
from shangyi.query.closures.conversion import to_string
from shangyi.query.closures.values import system
from shangyi.query.errors import EvaluationError, ParseError, SemanticError
from shangyi.query.fhirpath import Expression
from shangyi.query.resolve import Options
from shangyi.query.temporal import Temporal
from shangyi.query.types import ItemType, one

ERRORS = {
    "syntax": ParseError,
    "semantic": SemanticError,
    "execution": (ParseError, SemanticError, EvaluationError),
}
EXCLUSIONS = {
    entry["case"]: entry
    for entry in yaml.safe_load((Path(__file__).parent / "exclusions.yaml").read_text(encoding="utf-8"))
}


def _cases() -> list[ET.Element]:
    for place in (ROOT.parent / "shared", ROOT.parent.parent / "shared"):
        file = place / "conformance" / "fhirpath" / "tests-fhir-r4.xml"
        if file.exists():
            return list(ET.parse(file).getroot().iter("test"))
    return []


CASES = _cases()


@cache
def resource(name: str) -> dict[str, Any]:
    raw = shared(f"conformance/fhirpath/input/{name}").read_bytes()
    return xml.loads(raw) if name.endswith(".xml") else json.loads(raw)


def shown(item: Any) -> str:
    value = system(item)
    if isinstance(value, Temporal):
        return ("@T" if value.first else "@") + str(value)
    return to_string(value) or repr(value)


def agree(found: str, expected: str) -> bool:
    try:
        return Decimal(found) == Decimal(expected)
    except ArithmeticError:
        return found == expected


def run(case: ET.Element) -> None:
    node = case.find("expression")
    assert node is not None
    text = node.text or ""
    subject = resource(case.get("inputfile", "patient-example.xml"))
    options = Options(
        strict="strict" in (case.get("mode"), node.get("mode")),
        check_order=case.get("checkOrderedFunctions") == "true",
    )
    root = one(ItemType("FHIR", subject["resourceType"]))
    if invalid := node.get("invalid"):
        with pytest.raises(ERRORS[invalid]) as caught:
            Expression(text, root, options).evaluate(subject)
        assert caught.value.line
        return
    found = Expression(text, root, options).evaluate(subject)
    if case.get("predicate") == "true":
        found = [bool(found)]
    expected = [output.text or "" for output in case.findall("output")]
    values = [shown(item) for item in found]
    assert len(values) == len(expected), values
    assert all(map(agree, values, expected)), values


@pytest.mark.parametrize("case", CASES, ids=[case.get("name") for case in CASES])
def test_case(case: ET.Element) -> None:
    if case.get("name") not in EXCLUSIONS:
        return run(case)
    try:
        run(case)
    except (AssertionError, pytest.fail.Exception):
        return
    pytest.fail(f"{case.get('name')} passes now: take it out of exclusions.yaml")


def test_the_whole_suite_is_here() -> None:
    shared("conformance/fhirpath/tests-fhir-r4.xml")
    assert len(CASES) == 935


def test_every_exclusion_is_argued_and_names_a_case() -> None:
    shared("conformance/fhirpath/tests-fhir-r4.xml")
    names = {case.get("name") for case in CASES}
    for name, entry in EXCLUSIONS.items():
        assert name in names
        assert entry["type"] in ("bug", "not implemented", "contradicted")
        assert len(entry["reason"]) > 40
