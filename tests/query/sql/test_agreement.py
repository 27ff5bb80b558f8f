"""Closures and SQL agree: on the official suite of FHIRPath, on search parameters and invariants over the
specification's examples, on the cases that the suite leaves out. What SQL has no form for says so, and how much that
is stands in docs/sql-on-fhir.md.
"""

import json
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.query.sql.agreement import Data, differences
from tests.shared import shared

from shangyi.fhir import definitions, xml
from shangyi.fhir import json as fhir_json
from shangyi.query.errors import ExpressionError
from shangyi.query.fhirpath import compile
from shangyi.query.sql import CompilationError
from shangyi.query.sql.values import is_root

CASES = Path(__file__).parents[1] / "closures" / "cases.yaml"
MOST_DIGITS = {"decimal"}
"""Examples with decimals of more than 18 digits, which FHIR does not allow and columns do not calculate with."""


def compared(data: Data, text: str, type_: str) -> str:
    """``agree``, ``no form`` or ``wrong``; fails where the two differ."""
    try:
        expression = compile(text, type_)
    except ExpressionError:
        return "wrong"
    try:
        value = data.compile(expression)
    except CompilationError as error:
        return "no form" if error.line else "an error without its place"
    if is_root(value):
        return "no form"
    found = differences(data, expression, value)
    assert not found, f"{type_}: {text}: {found[:2]}"
    return "agree"


def test_what_the_suite_leaves_out() -> None:
    cases = yaml.safe_load(CASES.read_text(encoding="utf-8"))
    data = Data("Observation", [cases["subject"]])
    found = Counter(compared(data, text, "Observation") for text, _ in cases["cases"])
    assert found["agree"] >= 35


@cache
def suite() -> dict[str, list[str]]:
    """Expressions of the official suite, by the file of their resource."""
    file = shared("conformance/fhirpath/tests-fhir-r4.xml")
    found: dict[str, list[str]] = defaultdict(list)
    for test in ET.parse(file).getroot().iter("test"):
        expression = test.find("expression")
        if expression is not None:
            found[test.get("inputfile") or "patient-example.xml"].append(expression.text or "")
    return found


EVERY = 3
"""The default run takes each third case, for each is planned by the engine on its own; ``--slow`` takes all 935."""


@pytest.mark.parametrize("step", [EVERY, pytest.param(1, marks=pytest.mark.slow)])
def test_the_official_suite(step: int) -> None:
    results: Counter[str] = Counter()
    for name, all_texts in suite().items():
        texts = all_texts[::step]
        raw = shared(f"conformance/fhirpath/input/{name}").read_bytes()
        resource: dict[str, Any] = xml.loads(raw) if name.endswith(".xml") else fhir_json.loads(raw)
        data = Data(resource["resourceType"], [resource])
        results.update(compared(data, text, resource["resourceType"]) for text in texts)
    assert results["agree"] >= 900 // step - 5 * (step > 1), results
    assert set(results) == {"agree", "no form", "wrong"}, results


@cache
def examples() -> dict[str, list[dict[str, Any]]]:
    """The specification's examples, by type."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for file in sorted(shared("conformance/r4-examples").rglob("*.json")):
        resource = json.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
        if (
            definitions.is_resource_type(resource.get("resourceType"))
            and resource.get("id") not in MOST_DIGITS
        ):
            found[resource["resourceType"]].append(resource)
    return found


@pytest.mark.parametrize("kind", ["search parameters", "invariants"])
def test_expressions_of_the_specification(kind: str) -> None:
    results: Counter[str] = Counter()
    for type_, resources in examples().items():
        data = Data(type_, resources[:12])
        if kind == "invariants":
            names = (type_, "DomainResource", "Resource")
            texts = {rule.expression for name in names for rule in definitions.invariants(name)}
        else:
            texts = {p.expression_for(type_) or "" for p in definitions.search_parameters(type_).values()}
        results.update(compared(data, text, type_) for text in sorted(texts - {""}))
    assert results["agree"] >= (350 if kind == "invariants" else 1200), results
