"""Rules reach their types, ancestors and elements, on the quick way and on the full walk alike."""

from collections.abc import Sequence
from typing import Any

import pytest

from shangyi.fhir.rules import Rule
from shangyi.fhir.validation import validate

ORGANIZATION: dict[str, Any] = {
    "resourceType": "Organization",
    "id": "o",
    "name": "城关卫生院",
    "telecom": [{"system": "phone", "value": "1"}, {"use": "home", "value": "2"}],
}


def failing_at(wanted: str) -> Any:
    def rules(path: str, type_name: str) -> Sequence[Rule]:
        return [Rule("x-1", "error", "never", lambda node, resource, root: False)] if path == wanted else []

    return rules


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("Organization", ["Organization"]),
        ("DomainResource", ["Organization"]),
        ("Resource", ["Organization"]),
        ("ContactPoint", ["Organization.telecom[0]", "Organization.telecom[1]"]),
        ("Organization.telecom", ["Organization.telecom[0]", "Organization.telecom[1]"]),
        ("Organization.name", ["Organization.name"]),
        ("Patient", []),
    ],
)
def test_a_rule_is_tested_where_it_is_stated(path: str, places: list[str]) -> None:
    assert [i.expression for i in validate(ORGANIZATION, failing_at(path))] == places


def test_a_rule_sees_node_resource_and_root() -> None:
    seen = []

    def note(node: Any, resource: Any, root: Any) -> bool:
        seen.append((node, resource["id"], root["id"]))
        return True

    def rules(path: str, type_name: str) -> Sequence[Rule]:
        return [Rule("x-1", "error", "note", note)] if path == "ContactPoint" else []

    assert validate(ORGANIZATION, rules) == []
    assert seen == [(telecom, "o", "o") for telecom in ORGANIZATION["telecom"]]


def test_a_broken_rule_keeps_its_severity() -> None:
    def rules(path: str, type_name: str) -> Sequence[Rule]:
        return [Rule("x-1", "warning", "never", lambda *_: False)] if path == "Organization" else []

    (issue,) = validate(ORGANIZATION, rules)
    assert (issue.severity, issue.code, issue.diagnostics) == ("warning", "invariant", "never (x-1)")


def test_a_shape_is_planned_once_and_decides_what_it_can() -> None:
    asked: list[frozenset[str]] = []
    tested: list[Any] = []

    def decide(present: Any) -> bool | None:
        asked.append(frozenset(present))
        return True if "system" in present else None

    def test(node: Any, resource: Any, root: Any) -> bool:
        tested.append(node["value"])
        return True

    def rules(path: str, type_name: str) -> Sequence[Rule]:
        return [Rule("x-1", "error", "", test, decide)] if path == "ContactPoint" else []

    several = {
        "resourceType": "Organization",
        "name": "x",
        "telecom": [
            {"system": "phone", "value": "1"},
            {"system": "fax", "value": "2"},
            {"value": "3"},
            {"value": "4"},
        ],
    }
    assert validate(several, rules) == []
    assert asked == [frozenset({"system", "value"}), frozenset({"value"})]
    assert tested == ["3", "4"]


def test_values_beside_primitives_are_walked() -> None:
    born = {
        "resourceType": "Patient",
        "birthDate": "1958",
        "_birthDate": {"extension": [{"url": "u", "valueCode": "c"}]},
    }
    assert [i.expression for i in validate(born, failing_at("Extension"))] == [
        "Patient.birthDate.extension[0]"
    ]


@pytest.mark.parametrize(
    "holder",
    [
        {"_name": {"extension": [{"url": "u", "valueContactPoint": {"use": "home", "value": "3"}}]}},
        {"extension": [{"url": "u", "extension": [{"url": "v", "valueContactPoint": {"value": "3"}}]}]},
        {
            "type": [
                {"coding": [{"code": "c", "extension": [{"url": "u", "valueContactPoint": {"value": "3"}}]}]}
            ]
        },
        {"contained": [{"resourceType": "Patient", "id": "p", "telecom": [{"value": "3"}]}]},
    ],
)
def test_what_an_extension_or_a_contained_resource_holds_is_tested_too(holder: dict[str, Any]) -> None:
    bare = {"resourceType": "Organization", "id": "o", "name": "城关卫生院"}
    rules = failing_at("ContactPoint")
    assert validate(bare, rules) == []
    assert [issue.code for issue in validate(bare | holder, rules)] == ["invariant"]
    assert validate(bare, rules) == [], "what is remembered of the one says nothing about the other"
