"""XML in and out, and what XML can do to a parser (http://hl7.org/fhir/R4/xml.html)."""

import pytest
from tests.api.conftest import Client

XML = {"content-type": "application/fhir+xml", "accept": "application/fhir+xml"}
OBSERVATION = (
    '<Observation xmlns="http://hl7.org/fhir"><status value="final"/><code><text value="身高"/></code>'
    '<valueQuantity><value value="1.20"/></valueQuantity></Observation>'
).encode()
BOMB = (
    b'<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]>'
    b'<Patient xmlns="http://hl7.org/fhir"><language value="&c;"/></Patient>'
)
FILE = (
    b'<!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    b'<Patient xmlns="http://hl7.org/fhir"><name><text value="&a;"/></name></Patient>'
)
NESTED = b'<Patient xmlns="http://hl7.org/fhir">' + b"<a>" * 50_000 + b"</a>" * 50_000 + b"</Patient>"


def test_xml_in_and_out_keeps_decimals(http: Client) -> None:
    made = http.request("POST", "/fhir/Observation", content=OBSERVATION, headers=XML)
    assert made.status_code == 201, made.text
    assert made.headers["content-type"] == "application/fhir+xml; charset=utf-8"
    assert 'value value="1.20"' in made.text
    place = made.headers["location"].removeprefix("http://test").partition("/_history")[0]
    assert b'"value":1.20' in http.get(place).content
    assert "<Observation" in http.get(f"{place}?_format=xml").text


def test_bundles_and_errors_are_xml_too(http: Client) -> None:
    headers = {"accept": "application/fhir+xml"}
    assert "<Bundle" in http.get("/fhir/Observation?status=final", headers=headers).text
    assert "<OperationOutcome" in http.get("/fhir/Patient/none", headers=headers).text
    assert "<CapabilityStatement" in http.get("/fhir/metadata", headers=headers).text


@pytest.mark.parametrize("body", [BOMB, FILE, NESTED, b"<Patient", b"", b"\x00", "<a>张".encode("gb18030")])
def test_faulty_xml_is_refused(http: Client, body: bytes) -> None:
    answer = http.request(
        "POST", "/fhir/Patient", content=body, headers={**XML, "accept": "application/json"}
    )
    assert answer.status_code in (400, 413)
    assert answer.json()["resourceType"] == "OperationOutcome"
