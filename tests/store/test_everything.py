"""What a resident's resources refer to is found in their bytes."""

from shangyi.fhir import json
from shangyi.store.everything import references


def test_references_are_read_from_the_bytes_and_texts_are_no_references() -> None:
    body = json.dumps(
        {
            "subject": {"reference": "Patient/p1", "display": 'not "reference":"Location/a"'},
            "performer": [{"reference": "Practitioner/dr.li-1/_history/2"}],
            "contained": [
                {"managingOrganization": {"reference": "Organization/o"}},
                {"a": {"reference": "#p"}},
            ],
            "note": [{"text": '{"reference":"Location/b"}'}],
            "basedOn": [{"reference": "urn:uuid:1"}, {"reference": "https://other.example/fhir/Location/c"}],
        }
    )
    assert references(body) == {b"Patient/p1", b"Practitioner/dr.li-1", b"Organization/o"}
