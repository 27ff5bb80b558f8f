"""The quick answer against the full walk: it may only say "sound" where the walk finds nothing."""

import copy
import gzip
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fhir.test_validation import PATIENT
from tests.shared import shared

from shangyi.fhir import definitions, fast, json
from shangyi.fhir.validation import _Walk

JUNK = st.sampled_from(
    [None, "", " ", "x", "a b", "#a", 0, -1, 1.5, True, [], {}, [None], [{}], {"id": ""}, {"x": 1}]
)


def full_walk(resource: Any) -> list[Any]:
    walk = _Walk(None, 1_000)
    walk.resource(resource, None, None, 0)
    return walk.issues


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in below for place in places(item, (*path, key)))]


def damaged(resource: Any, place: tuple[Any, ...], junk: Any) -> Any:
    if not place:
        return junk
    changed = copy.deepcopy(resource)
    holder = changed
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = junk
    return changed


OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2024-05-06T08:00:00+08:00",
    "valueQuantity": {"value": 142, "unit": "mmHg"},
    "referenceRange": [{"low": {"value": 90}}],
}
ALLERGY: dict[str, Any] = {
    "resourceType": "AllergyIntolerance",
    "clinicalStatus": {
        "coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}
        ]
    },
    "category": ["food"],
    "patient": {"reference": "Patient/p1"},
}
BUNDLE: dict[str, Any] = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": ALLERGY}]}
INPATIENT: dict[str, Any] = {
    "resourceType": "Encounter",
    "contained": [
        {"resourceType": "Location", "id": "ward", "partOf": {"reference": "#house"}},
        {"resourceType": "Location", "id": "house", "managingOrganization": {"reference": "#"}},
    ],
    "status": "finished",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
    "_language": {"extension": [{"url": "urn:x", "valueDecimal": 1}]},
    "location": [{"location": {"reference": "#ward", "display": "Ward 3"}}],
    "type": [{"extension": [{"url": "urn:x", "valueReference": {"reference": "#house"}}], "text": "x"}],
    "length": {"value": 3, "system": "http://unitsofmeasure.org", "code": "d", "comparator": "<"},
}


@pytest.mark.parametrize("resource", [PATIENT, OBSERVATION, ALLERGY, BUNDLE, INPATIENT])
def test_sound_resources_are_called_sound_and_damage_is_not_overlooked(resource: dict[str, Any]) -> None:
    assert fast.sound(resource)

    @given(st.sampled_from(places(resource)), JUNK)
    def check(place: tuple[Any, ...], junk: Any) -> None:
        changed = damaged(resource, place, junk)
        assert not fast.sound(changed) or full_walk(changed) == []

    check()


def test_an_unknown_or_doubled_member_is_not_overlooked() -> None:
    assert not fast.sound(OBSERVATION | {"valueString": "x"})
    assert not fast.sound(OBSERVATION | {"nme": 1})
    assert not fast.sound({name: item for name, item in OBSERVATION.items() if name != "status"})
    assert not fast.sound(OBSERVATION | {"subject": {"reference": "Organization/1"}})


def test_a_local_reference_is_to_what_its_own_resource_contains() -> None:
    assert fast.sound(INPATIENT)
    bare = {name: item for name, item in INPATIENT.items() if name != "contained"}
    assert not fast.sound(bare), "the concept with the same extension was sound a moment ago"
    assert fast.sound(INPATIENT)
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "collection"}
    assert fast.sound(bundle | {"entry": [{"resource": INPATIENT}]})
    assert not fast.sound(bundle | {"entry": [{"resource": INPATIENT}, {"resource": bare}]})
    nested = [{**INPATIENT["contained"][0], "contained": [INPATIENT["contained"][1]]}]
    assert not fast.sound(INPATIENT | {"contained": nested})


def test_what_is_remembered_is_not_mistaken_for_what_python_calls_equal() -> None:
    chosen = {"system": "urn:x", "code": "x", "userSelected": True}
    assert fast.sound(OBSERVATION | {"code": {"coding": [chosen]}})
    for junk in (1, "true", None):
        assert not fast.sound(OBSERVATION | {"code": {"coding": [{**chosen, "userSelected": junk}]}})


def test_endless_nesting_is_left_to_the_full_walk() -> None:
    extension: dict[str, Any] = {"url": "u", "valueString": "x"}
    for _ in range(5_000):
        extension = {"url": "u", "extension": [extension]}
    assert not fast.sound(PATIENT | {"extension": [extension]})


def test_both_agree_on_the_examples_of_r4() -> None:
    for file in sorted(shared("conformance/r4-examples").glob("*.json")):
        resource = json.loads(file.read_bytes())
        if fast.sound(resource):
            assert full_walk(resource) == [], file.name


def test_both_agree_on_synthea_and_most_of_it_takes_the_quick_way() -> None:
    quick = count = 0
    for file in sorted(shared("data/synthea-r4").glob("*.json.gz"))[:1]:
        for entry in json.loads(gzip.decompress(file.read_bytes()))["entry"]:
            count += 1
            if fast.sound(entry["resource"]):
                quick += 1
                assert full_walk(entry["resource"]) == []
    assert quick == count


def test_a_check_can_be_made_for_every_type() -> None:
    for name in definitions.resource_types():
        assert fast.sound({"resourceType": name, "nme": 1}) is False
