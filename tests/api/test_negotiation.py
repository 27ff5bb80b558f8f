"""http://hl7.org/fhir/R4/http.html#mime-type and RFC 9110 section 12.5.1."""

import pytest
from tests.api.conftest import Client

from shangyi.api.negotiation import Format, NotAcceptable, accepted, body_format, preferences, response_format
from shangyi.errors import Invalid

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/fhir+json", Format.JSON),
        ("application/json", Format.JSON),
        ("application/fhir+xml", Format.XML),
        ("application/xml", Format.XML),
        ("text/xml", Format.XML),
        ("*/*", Format.JSON),
        ("application/*", Format.JSON),
        ("application/fhir+xml;q=0.5, application/fhir+json;q=0.6", Format.JSON),
        ("application/fhir+json;q=0.5, application/fhir+xml", Format.XML),
        ("application/fhir+json; fhirVersion=4.0", Format.JSON),
        ("Application/FHIR+JSON", Format.JSON),
        ("image/png, application/fhir+xml;q=0.1", Format.XML),
        (BROWSER, Format.XML),
    ],
)
def test_accept(accept: str, expected: Format) -> None:
    assert accepted(accept) is expected


@pytest.mark.parametrize(
    "accept",
    ["text/html", "json", "application/fhir+json;q=0", "application/fhir+json; fhirVersion=5.0", "a;q=x", ""],
)
def test_not_acceptable(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        accepted(accept)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("xml", Format.XML),
        ("json", Format.JSON),
        ("application/fhir xml", Format.XML),
        ("application/fhir+xml; charset=utf-8", Format.XML),
    ],
)
def test_format_parameter_wins(text: str, expected: Format) -> None:
    assert response_format("application/fhir+json", [("_format", text)]) is expected


def test_format_parameter_once() -> None:
    with pytest.raises(Invalid):
        response_format(None, [("_format", "json"), ("_format", "json")])


def test_body_format() -> None:
    assert body_format("application/fhir+json; charset=UTF-8") is Format.JSON
    assert body_format("application/fhir+xml") is Format.XML


def test_preferences() -> None:
    assert preferences("return=minimal; handling=strict") == {"return": "minimal", "handling": "strict"}
    assert preferences('respond-async, return="representation", return=minimal') == {
        "respond-async": "",
        "return": "representation",
    }


def test_over_http(http: Client) -> None:
    refused = http.get("/fhir/metadata", headers={"accept": "text/html"})
    assert refused.status_code == 406
    assert refused.json()["issue"][0]["code"] == "not-supported"
    assert http.get("/fhir/metadata?_format=turtle").status_code == 406
    pretty = http.get("/fhir/metadata?_pretty=true")
    assert pretty.text.startswith('{\n  "resourceType"')
