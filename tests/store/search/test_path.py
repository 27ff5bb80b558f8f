"""Search expressions as places in JSON, and one walk for all of them."""

from typing import Any

import pytest
from tests.shared import shared

from shangyi.errors import NotSupported
from shangyi.fhir import json
from shangyi.store.search.index import rows
from shangyi.store.search.path import Node, alternatives, paths, values


@pytest.mark.parametrize(
    ("type", "expression", "spelled"),
    [
        ("Patient", "Patient.name.given | Practitioner.name.given", [("name.given", "string", None)]),
        ("Patient", "Resource.id", [("id", "id", None)]),
        ("Observation", "(Observation.value as Quantity)", [("valueQuantity", "Quantity", None)]),
        (
            "Observation",
            "Observation.value.ofType(CodeableConcept).text",
            [("valueCodeableConcept.text", "string", None)],
        ),
        ("Condition", "Condition.subject.where(resolve() is Patient)", [("subject", "Reference", "Patient")]),
        ("Person", "Person.telecom.where(system='email')", [("telecom[system=email]", "ContactPoint", None)]),
        ("Bundle", "Bundle.entry[0].resource", [("entry[0].resource", "Resource", None)]),
        ("Goal", "(Goal.start as date)", [("startDate", "date", None)]),
        ("ConceptMap", "(ConceptMap.source as uri)", [("sourceUri", "uri", None)]),
        ("InsurancePlan", "name | alias", [("name", "string", None), ("alias", "string", None)]),
        (
            "Patient",
            "Patient.deceased",
            [("deceasedBoolean", "boolean", None), ("deceasedDateTime", "dateTime", None)],
        ),
    ],
)
def test_places(type: str, expression: str, spelled: list[tuple[str, str, str | None]]) -> None:
    assert [(p.text, p.type, p.target) for p in paths(type, expression)] == spelled


def test_what_is_more_than_a_path() -> None:
    with pytest.raises(NotSupported, match="is more than a path"):
        paths("Patient", "Patient.deceased.exists() and Patient.deceased != false")


def test_members_of_a_union_without_the_brackets() -> None:
    assert alternatives("(Observation.value as Quantity) | Observation.component") == [
        "Observation.value.as(Quantity)",
        "Observation.component",
    ]


def test_a_walk_finds_what_each_path_finds() -> None:
    resource = {
        "resourceType": "Person",
        "name": [{"given": ["a", "b"]}, {"family": "c"}],
        "telecom": [{"system": "email", "value": "d"}, {"system": "phone", "value": "e"}],
    }
    expressions = ["Person.name.given", "Person.name.family", "Person.telecom.where(system='email')"]
    found = [path for text in expressions for path in paths("Person", text)]
    tree, seen = Node(), {path.text: [] for path in found}
    for path in found:
        tree.add(path.steps, lambda value, out, text=path.text: out[text].append(value))
    tree.walk(resource, seen)
    assert seen == {path.text: list(values(path, resource)) for path in found}
    assert seen["telecom[system=email]"] == [{"system": "email", "value": "d"}]


def test_every_example_of_the_specification_has_rows() -> None:
    for file in sorted(shared("conformance/r4-examples").glob("*.json")):
        resource: dict[str, Any] = json.loads(file.read_bytes())
        assert rows(resource | {"id": "x"}).tokens is not None
