from shangyi.fhir import definitions
from shangyi.store.search.catalogue import CONTROL, KINDS, catalogue, main_date

SERVERS_OWN = {"_text", "_content", "_query"}
"""Full-text search and named queries: R4 gives them no expression."""


def test_every_r4_parameter_of_the_seven_kinds_has_paths() -> None:
    for name in definitions.resource_types():
        known = catalogue(name)
        for code, parameter in definitions.search_parameters(name).items():
            if parameter.type in KINDS and code not in CONTROL | SERVERS_OWN:
                assert code in known, f"{name}.{code}"


def test_an_order_is_dated_by_when_it_was_written() -> None:
    """``date`` of MedicationRequest is dosageInstruction.timing.event, which hardly any order states."""
    assert main_date("MedicationRequest") == "authoredon"
    assert main_date("Observation") == "date"
    assert main_date("Patient") == "birthdate"
