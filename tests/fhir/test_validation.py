"""Validation against the base specification (http://hl7.org/fhir/R4/validation.html)."""

import gzip
from decimal import Decimal
from typing import Any

import pytest
from tests.shared import shared

from shangyi.fhir import json
from shangyi.fhir.validation import Rule, validate

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"family": "周", "given": ["建国"]}],
    "gender": "male",
    "birthDate": "1958-03-14",
    "contact": [{"relationship": [{"text": "妻"}], "name": {"text": "单秀兰"}}],
}


def found(resource: Any) -> list[tuple[str, str | None]]:
    return [(issue.code, issue.expression) for issue in validate(resource)]


def test_a_sound_resource_has_no_issue() -> None:
    assert validate(PATIENT) == []


@pytest.mark.parametrize(
    ("change", "code", "expression"),
    [
        ({"nme": []}, "structure", "Patient"),
        ({"gender": "m"}, "code-invalid", "Patient.gender"),
        ({"gender": ["male"]}, "structure", "Patient.gender"),
        ({"birthDate": "1958-3-14"}, "value", "Patient.birthDate"),
        ({"birthDate": "2023-02-29"}, "value", "Patient.birthDate"),
        ({"birthDate": ""}, "structure", "Patient.birthDate"),
        ({"name": {"family": "x"}}, "structure", "Patient.name"),
        ({"name": []}, "structure", "Patient.name"),
        ({"name": [{"given": ["ok", 3]}]}, "value", "Patient.name[0].given[1]"),
        ({"name": [{}]}, "invariant", "Patient.name[0]"),
        ({"name": [{"given": ["a"], "_given": [None, {"id": "x"}]}]}, "structure", "Patient.name[0].given"),
        ({"active": "true"}, "value", "Patient.active"),
        ({"multipleBirthInteger": 2**31}, "value", "Patient.multipleBirth"),
        ({"multipleBirthInteger": 2, "multipleBirthBoolean": True}, "structure", "Patient.multipleBirth"),
        ({"communication": [{"preferred": True}]}, "required", "Patient.communication[0].language"),
        ({"generalPractitioner": [{"reference": "Patient/1"}]}, "value", "Patient.generalPractitioner[0]"),
        (
            {"managingOrganization": {"reference": "#none"}},
            "invariant",
            "Patient.managingOrganization.reference",
        ),
        ({"id": "a" * 65}, "value", "Patient.id"),
        (
            {"text": {"status": "generated", "div": "<div>no namespace</div>"}},
            "invariant",
            "Patient.text.div",
        ),
        (
            {
                "text": {
                    "status": "generated",
                    "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script/></div>',
                }
            },
            "invariant",
            "Patient.text.div",
        ),
        ({"_gender": {"extension": [{"valueString": "x"}]}}, "required", "Patient.gender.extension[0].url"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(change: dict[str, Any], code: str, expression: str) -> None:
    assert found(PATIENT | change) == [(code, expression)]


def test_all_problems_are_found() -> None:
    broken = PATIENT | {"gender": "m", "birthDate": "x", "extra": 1, "name": [{"given": [""]}]}
    assert len(validate(broken)) == 4


@pytest.mark.parametrize("value", [None, 3, [], "x", {}, {"resourceType": "Pateint"}, {"resourceType": 3}])
def test_what_is_no_resource_is_said(value: Any) -> None:
    assert found(value) == [("structure", "Resource")]


def test_extensions_of_a_primitive_may_stand_alone() -> None:
    absent = {
        "extension": [
            {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
        ]
    }
    assert validate(PATIENT | {"gender": None, "_gender": absent} | {"birthDate": "1958"}) != []
    without = {k: v for k, v in PATIENT.items() if k != "gender"}
    assert validate(without | {"_gender": absent}) == []


def test_a_required_element_may_be_only_an_extension() -> None:
    observation = {
        "resourceType": "Observation",
        "_status": {"extension": [{"url": "http://example.org/absent", "valueCode": "unknown"}]},
        "code": {"text": "x"},
    }
    assert validate(observation) == []


def test_decimals_are_exact_numbers_not_strings() -> None:
    quantity = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    assert validate(quantity | {"valueQuantity": {"value": Decimal("0.010")}}) == []
    assert found(quantity | {"valueQuantity": {"value": "0.010"}}) == [("value", "Observation.value.value")]


@pytest.mark.parametrize(
    ("number", "sound"),
    [
        ("9" * 800, True),
        ("9" * 801, False),
        ("-0." + "1" * 59, True),
        ("0." + "0" * 799 + "1", True),
        ("0." + "0" * 800 + "1", False),
        ("1E+999", True),
        ("1E+1000", False),
        ("1E-800", True),
        ("1E-801", False),
        ("0E-801", False),
        ("0E+59", True),
        ("NaN", False),
        ("-Infinity", False),
    ],
)
def test_decimals_are_bounded_in_digits_and_exponent(number: str, sound: bool) -> None:
    quantity = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    assert (validate(quantity | {"valueQuantity": {"value": Decimal(number)}}) == []) is sound


def test_contained_resources_are_validated_and_may_not_contain() -> None:
    organisation = {"resourceType": "Organization", "id": "o", "name": 3}
    assert found(PATIENT | {"contained": [organisation], "managingOrganization": {"reference": "#o"}}) == [
        ("value", "Patient.contained[0].name")
    ]
    nested = {
        "resourceType": "Organization",
        "id": "o",
        "name": "n",
        "contained": [{"resourceType": "Basic", "code": {"text": "x"}}],
    }
    assert ("invariant", "Patient.contained[0].contained") in found(PATIENT | {"contained": [nested]})


def test_rules_are_asked_by_type_and_path() -> None:
    def rules(path: str, type_name: str) -> list[Rule]:
        return (
            [Rule("pat-x", "error", "never", lambda node, resource, root: False)]
            if path == "Patient.contact"
            else []
        )

    issues = validate(PATIENT, rules)
    assert [(i.code, i.expression, i.diagnostics) for i in issues] == [
        ("invariant", "Patient.contact[0]", "never (pat-x)")
    ]


KNOWN_ERRORS = {
    "bundle-questionnaire.json": "Questionnaire.item.linkId is 1..1; the example leaves it out in nested items",
    "devicemetric-example.json": "DeviceMetric.parent is Reference(Device)",
    "deviceusestatement-example.json": "DeviceUseStatement.reasonReference does not allow Procedure",
    "medicationrequest0301.json": "MedicationRequest.dispenseRequest.performer is Reference(Organization)",
}
"""Examples of R4 that break R4: each has at least one issue, and the reason."""


def test_the_examples_of_r4_are_valid() -> None:
    for file in sorted(shared("conformance/r4-examples").glob("*.json")):
        issues = validate(json.loads(file.read_bytes()))
        assert bool(issues) == (file.name in KNOWN_ERRORS), (file.name, [i.to_fhir() for i in issues[:3]])


def test_synthea_is_valid() -> None:
    for file in sorted(shared("data/synthea-r4").glob("*.json.gz"))[:2]:
        for entry in json.loads(gzip.decompress(file.read_bytes()))["entry"]:
            assert validate(entry["resource"]) == []
