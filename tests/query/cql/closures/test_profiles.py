"""Which resources a retrieve of a profile is about."""

import json
from typing import Any

import pytest

from shangyi.query.cql.closures import Codes, Engine, Evaluation, Resources
from shangyi.query.cql.elm import read
from shangyi.query.cql.library import Program
from shangyi.query.cql.profiles import of_profile
from shangyi.terminology.definitions import Memory
from shangyi.terminology.service import Terminology

QICORE = "http://hl7.org/fhir/us/qicore/StructureDefinition/qicore-"
ORDER, NO_ORDER = f"{QICORE}medicationrequest", f"{QICORE}mednotrequested"
PRESSURE = "http://hl7.org/fhir/StructureDefinition/bp"


def order(*profiles: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "MedicationRequest", "meta": {"profile": list(profiles)}, **more}


@pytest.mark.parametrize(
    ("resource", "ordered", "not_ordered"),
    [
        (order(), True, False),
        (order(doNotPerform=True), False, True),
        (order(NO_ORDER, doNotPerform=True), False, True),
        (order(f"{NO_ORDER}|4.1.1"), False, True),
        (order(ORDER), True, False),
        (order("http://example.org/own", doNotPerform=True), False, True),
    ],
)
def test_what_was_not_ordered_is_no_order(resource: dict[str, Any], ordered: bool, not_ordered: bool) -> None:
    for template, expected in ((ORDER, ordered), (NO_ORDER, not_ordered)):
        test = of_profile(template, "MedicationRequest")
        assert test is not None
        assert test(resource) is expected


def test_a_profile_that_fixes_a_code_is_told_by_it() -> None:
    test = of_profile(PRESSURE, "Observation")
    assert test is not None
    codes = [{"system": "http://loinc.org", "code": "85354-9"}]
    assert test({"code": {"coding": codes}})
    assert test({"meta": {"profile": [f"{QICORE}observation"]}, "code": {"coding": codes}})
    assert test({"meta": {"profile": [PRESSURE]}, "code": {"text": "pressure"}})
    assert not test({"code": {"coding": [{"code": "8867-4"}]}})


def test_plain_fhir_asks_for_no_profile() -> None:
    assert (
        of_profile("http://hl7.org/fhir/StructureDefinition/MedicationRequest", "MedicationRequest") is None
    )
    assert of_profile(None, "Observation") is None
    assert of_profile(f"{QICORE}encounter", "Encounter") is None


def test_in_a_retrieve() -> None:
    def definition(name: str, template: str) -> dict[str, Any]:
        type_ = "{http://hl7.org/fhir}MedicationRequest"
        typed = {"type": "ListTypeSpecifier", "elementType": {"type": "NamedTypeSpecifier", "name": type_}}
        retrieve = {
            "type": "Retrieve",
            "dataType": type_,
            "templateId": template,
            "resultTypeSpecifier": typed,
        }
        found = {"name": name, "context": "Patient", "accessLevel": "Public", "expression": retrieve}
        return {**found, "resultTypeSpecifier": typed}

    library = {
        "identifier": {"id": "T", "version": "1"},
        "usings": {"def": [{"localIdentifier": "FHIR", "uri": "http://hl7.org/fhir", "version": "4.0.1"}]},
        "statements": {"def": [definition("Orders", ORDER), definition("None", NO_ORDER)]},
    }
    main = read(json.dumps({"library": library}))
    engine = Engine(Program(main, {main.identifier: main}))
    at = Evaluation(Resources([order(id="a"), order(NO_ORDER, id="b")]), Codes(Terminology(Memory())))
    assert [found.value["id"] for found in engine.value("Orders", at)] == ["a"]
    assert [found.value["id"] for found in engine.value("None", at)] == ["b"]
