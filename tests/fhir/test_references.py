"""References taken apart, found and rewritten (http://hl7.org/fhir/R4/references.html)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shangyi.fhir.references import Parsed, parse, rewrite, walk

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "managingOrganization": {"reference": "urn:uuid:1"},
    "generalPractitioner": [{"display": "王医生"}, {"reference": "Practitioner/1"}],
    "name": [{"family": "周"}],
}


@pytest.mark.parametrize(
    ("reference", "parsed"),
    [
        ("Patient/1", Parsed("relative", "Patient", "1")),
        ("Patient/1/_history/2", Parsed("relative", "Patient", "1", "2")),
        ("http://a.org/fhir/Patient/1", Parsed("absolute", "Patient", "1", None, "http://a.org/fhir")),
        ("#p", Parsed("contained", id="p")),
        ("#", Parsed("contained", id="")),
        ("urn:uuid:9d0", Parsed("urn")),
        ("Patient?identifier=a|b", Parsed("conditional", "Patient", query="identifier=a|b")),
        ("Planet/1", Parsed("other")),
        ("Patient/", Parsed("other")),
        ("", Parsed("other")),
    ],
)
def test_a_reference_is_taken_apart(reference: str, parsed: Parsed) -> None:
    assert parse(reference) == parsed


def test_references_are_found_with_their_place() -> None:
    assert {path: item["reference"] for path, item in walk(PATIENT)} == {
        "Patient.managingOrganization": "urn:uuid:1",
        "Patient.generalPractitioner[1]": "Practitioner/1",
    }


def test_rewriting_leaves_the_original_and_shares_what_stays() -> None:
    changed = rewrite(PATIENT, {"urn:uuid:1": "Organization/9"}.get)
    assert changed["managingOrganization"] == {"reference": "Organization/9"}
    assert PATIENT["managingOrganization"] == {"reference": "urn:uuid:1"}
    assert changed["generalPractitioner"] is PATIENT["generalPractitioner"]


def test_nothing_to_rewrite_gives_the_same_object() -> None:
    assert rewrite(PATIENT, lambda reference: None) is PATIENT


@given(st.text())
def test_any_text_has_a_form(text: str) -> None:
    assert parse(text).kind in {"relative", "absolute", "contained", "conditional", "urn", "other"}
