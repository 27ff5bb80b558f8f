"""The tables against what the specification says of itself (http://hl7.org/fhir/R4)."""

import pytest

from shangyi.errors import NotSupported
from shangyi.fhir import definitions


def test_every_resource_type_of_r4_is_there() -> None:
    """http://hl7.org/fhir/R4/resourcelist.html: 148 with the abstract Resource and DomainResource."""
    assert len(definitions.resource_types()) == 146
    assert {"Patient", "Observation", "Bundle", "VisionPrescription"} <= set(definitions.resource_types())
    assert "SubscriptionStatus" not in definitions.resource_types(), "R5"


def test_patient_is_as_published() -> None:
    patient = definitions.structure("Patient").by_name
    assert patient["gender"].required_value_set == "http://hl7.org/fhir/ValueSet/administrative-gender"
    assert patient["deceased"].properties == (
        ("deceasedBoolean", "boolean"),
        ("deceasedDateTime", "dateTime"),
    )
    assert patient["generalPractitioner"].targets == ("Organization", "Practitioner", "PractitionerRole")
    assert patient["contact"].types == ("Patient.contact",)
    assert patient["name"].many
    assert not patient["birthDate"].many


def test_required_codes_are_listed() -> None:
    codes = definitions.codes("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1")
    assert codes == {
        "http://hl7.org/fhir/administrative-gender": frozenset({"male", "female", "other", "unknown"})
    }


def test_types_know_their_ancestors() -> None:
    assert definitions.ancestors("Patient") == ("DomainResource", "Resource")
    assert definitions.is_subtype("Age", "Quantity")
    assert definitions.is_subtype("code", "string")
    assert not definitions.is_subtype("Patient", "Observation")


def test_search_parameters_come_with_those_of_all_resources() -> None:
    parameters = definitions.search_parameters("Patient")
    assert {"_id", "_lastUpdated", "birthdate", "name", "phonetic", "general-practitioner"} <= set(parameters)
    assert parameters["birthdate"].expression_for("Patient") == "Patient.birthDate"


def test_every_search_parameter_of_every_type_has_alternatives_for_it() -> None:
    for name in definitions.resource_types():
        for code, parameter in definitions.search_parameters(name).items():
            if parameter.expression and code not in ("_text", "_content"):
                assert parameter.expression_for(name), f"{name}.{code}: {parameter.expression}"


def test_the_patient_compartment_names_real_parameters() -> None:
    for name, parameters in definitions.compartment("Patient").items():
        known = definitions.search_parameters(name)
        assert all(p in known or p == "{def}" for p in parameters), name


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(NotSupported):
        definitions.structure("Pateint")
