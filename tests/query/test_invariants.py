"""The invariants of R4: all compile, hold on real data, and are answered alike by every way of testing them."""

import copy
import gzip
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from tests.shared import shared

from shangyi.fhir import definitions, fast, json, validation
from shangyi.fhir.rules import NATIVE, Rule, holds
from shangyi.i18n import translate
from shangyi.query import invariants, presence
from shangyi.query.conformance import advise, validate
from shangyi.query.direct import compile_test
from shangyi.query.errata import ERRATA

OFFICIAL_FAULTS = {"codesystem-example.json": ["csd-1"]}
"""Examples of the specification that break its invariants: this one defines chol-mass twice, on purpose, and
testCombine1 of the official FHIRPath suite expects the rule to say so."""


def stated() -> Iterator[tuple[str, str]]:
    """Every path that invariants are stated at, with each type that a value there can have."""
    for place in definitions._invariants():
        path = place.removesuffix("[x]")
        owner, _, name = path.rpartition(".")
        if not owner or path in definitions._types():
            yield path, path
        else:
            yield from ((path, type_) for type_ in definitions.structure(owner).by_name[name].types)


def test_every_invariant_compiles_but_those_that_ask_for_what_r4_does_not_have() -> None:
    compiled = {(path, rule.key) for path, type_ in stated() for rule in invariants.every(path, type_)}
    everything = {
        (p.removesuffix("[x]"), i.key) for p, rules in definitions._invariants().items() for i in rules
    }
    assert everything - compiled == {place for place, erratum in ERRATA.items() if erratum.expression is None}


def test_every_erratum_is_argued_and_is_of_r4() -> None:
    for (path, key), erratum in ERRATA.items():
        assert key in {i.key for i in definitions.invariants(path)}
        assert len(erratum.reason) > 40


def test_every_invariant_has_a_chinese_sentence() -> None:
    sentences = {
        rule.human
        for path, type_ in stated()
        for rule in invariants.every(path, type_)
        if rule.key not in NATIVE
    }
    assert [s for s in sorted(sentences) if translate(s + " ({key})", "zh-CN") == s + " ({key})"] == []


def test_examples_of_the_specification() -> None:
    for file in sorted(shared("conformance/r4-examples").glob("*.json")):
        issues = [i for i in validate(json.loads(file.read_bytes())) if i.code == "invariant"]
        assert [i.args["key"] for i in issues] == OFFICIAL_FAULTS.get(file.name, []), file.name


def synthea() -> Iterator[dict[str, Any]]:
    for file in sorted(shared("data/synthea-r4").glob("*.json.gz")):
        for entry in json.loads(gzip.decompress(file.read_bytes()))["entry"]:
            yield entry["resource"]


@pytest.mark.slow
def test_synthea() -> None:
    assert [validate(resource) for resource in synthea() if not holds(resource, invariants.errors)] == []


def broken(resource: dict[str, Any]) -> list[tuple[str | None, str]]:
    return [(i.expression, str(i.args.get("key"))) for i in validate(resource)]


OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "BP"}}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"resourceType": "Patient", "telecom": [{"value": "1"}]}, [("Patient.telecom[0]", "cpt-2")]),
        ({"resourceType": "Patient", "contact": [{"gender": "male"}]}, [("Patient.contact[0]", "pat-1")]),
        (OBSERVATION | {"valueInteger": 1, "dataAbsentReason": {"text": "-"}}, [("Observation", "obs-6")]),
        (OBSERVATION | {"valueQuantity": {"value": 1, "code": "kg"}}, [("Observation.value", "qty-3")]),
        (
            OBSERVATION | {"effectivePeriod": {"start": "2024-02-02", "end": "2024-02-01"}},
            [("Observation.effective", "per-1")],
        ),
        (OBSERVATION | {"effectivePeriod": {"start": "2024-02-02", "end": "2024-02"}}, []),
        (
            OBSERVATION
            | {"effectivePeriod": {"start": "2024-02-02T08:00:00+08:00", "end": "2024-02-02T00:30:00+01:00"}},
            [("Observation.effective", "per-1")],
        ),
        (OBSERVATION | {"extension": [{"url": "urn:x"}]}, [("Observation.extension[0]", "ext-1")]),
        (
            OBSERVATION | {"contained": [{"resourceType": "Patient", "id": "p"}]},
            [("Observation", "dom-3")],
        ),
        (
            OBSERVATION
            | {"contained": [{"resourceType": "Patient", "id": "p"}], "subject": {"reference": "#p"}},
            [],
        ),
        (
            {
                "resourceType": "Organization",
                "name": "x",
                "telecom": [{"use": "home", "system": "url", "value": "y"}],
            },
            [("Organization.telecom[0]", "org-3")],
        ),
        ({"resourceType": "ValueSet", "status": "draft"}, []),
    ],
    ids=lambda value: "" if isinstance(value, list) else value["resourceType"],
)
def test_what_breaks(resource: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert broken(resource) == expected


def test_advice_is_apart_from_errors() -> None:
    found = {
        i.args["key"]: i.severity
        for i in advise({"resourceType": "ValueSet", "status": "draft", "name": "a b"})
    }
    assert found == {"dom-6": "warning", "vsd-0": "warning"}


def sole(path: str, type_name: str) -> Sequence[Rule]:
    """Rules that test in every way and complain where the ways differ."""
    found = []
    for invariant in definitions.invariants(path) or definitions.invariants(f"{path}[x]"):
        text = invariants.expression(path, invariant)
        if text is None:
            continue
        item, tree = invariants.compiled(path, text, type_name)
        exact = compile_test(tree, item, text, direct=False)
        (rule,) = [r for r in invariants.every(path, type_name) if r.key == invariant.key]

        def test(
            node: Any, resource: Any, root: Any, exact: Any = exact, tree: Any = tree, rule: Rule = rule
        ) -> bool:
            answer = exact(node, resource, root)
            assert rule.test(node, resource, root) is answer, (rule.key, node)
            if isinstance(node, dict):
                properties = definitions.structure(node.get("resourceType", type_name)).properties
                names = {properties[k.removeprefix("_")][0].name for k in node if k != "resourceType"}
                assert presence.decide(tree, names) in (None, answer), (rule.key, node)
            return bool(answer)

        found.append(Rule(invariant.key, "error", "", test))
    return found


def changed(value: Any, chance: random.Random) -> Any:
    """A value with members left out, swapped, or turned into extensions without a value."""
    if isinstance(value, list):
        items = [changed(item, chance) for item in value]
        return items[: chance.randint(1, len(items))] if items else items
    if not isinstance(value, dict):
        return (
            chance.choice(["final", "2024-02", "#p", "home"])
            if isinstance(value, str) and chance.random() < 0.05
            else value
        )
    found = {}
    for key, item in value.items():
        if key == "resourceType" or chance.random() > 0.15:
            found[key] = changed(item, chance)
        elif isinstance(item, str | bool | int) and chance.random() < 0.5:
            found["_" + key] = {"extension": [{"url": "urn:x", "valueString": "y"}]}
    return found


def sample() -> list[dict[str, Any]]:
    examples = [json.loads(f.read_bytes()) for f in sorted(shared("conformance/r4-examples").glob("*.json"))]
    return [e for e in examples if len(json.dumps(e)) < 40_000]


@pytest.mark.parametrize("seed", range(4))
def test_every_way_of_testing_gives_the_same_answer(seed: int) -> None:
    chance = random.Random(seed)
    for resource in sample():
        variant = resource if seed == 0 else changed(copy.deepcopy(resource), chance)
        issues = validation.validate(variant, sole)
        if fast.sound(variant):
            assert holds(variant, invariants.every) is (not issues)
