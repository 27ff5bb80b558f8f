"""FHIR XML in and out (http://hl7.org/fhir/R4/xml.html)."""

import gzip
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.shared import shared

from shangyi.errors import Invalid, ShangyiError, TooLarge, Unprocessable
from shangyi.fhir import json, xml

PATIENT = """<?xml version="1.0" encoding="UTF-8"?>
<Patient xmlns="http://hl7.org/fhir">
  <!-- a comment -->
  <id value="p1"/>
  <text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><p>周建国 &amp; co<br/></p></div></text>
  <contained><Organization><id value="o"/><name value="城关卫生院"/></Organization></contained>
  <extension url="http://example.org/e"><valueDecimal value="1.20"/></extension>
  <active value="true"/>
  <name id="n1">
    <given value="建国"><extension url="http://example.org/x"><valueInteger value="3"/></extension></given>
    <given value="国"/>
  </name>
  <birthDate id="b"><extension url="http://example.org/u"><valueCode value="unknown"/></extension></birthDate>
</Patient>"""

AS_JSON: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "text": {
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>周建国 &amp; co<br/></p></div>',
    },
    "contained": [{"resourceType": "Organization", "id": "o", "name": "城关卫生院"}],
    "extension": [{"url": "http://example.org/e", "valueDecimal": Decimal("1.20")}],
    "active": True,
    "name": [
        {
            "id": "n1",
            "given": ["建国", "国"],
            "_given": [{"extension": [{"url": "http://example.org/x", "valueInteger": 3}]}, None],
        }
    ],
    "_birthDate": {"id": "b", "extension": [{"url": "http://example.org/u", "valueCode": "unknown"}]},
}


def exact(value: Any) -> Any:
    """Numbers with their digits: 1.20 is not 1.2, 1 is not 1.0 and not true."""
    if isinstance(value, dict):
        return {name: exact(item) for name, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    return (type(value).__name__, str(value))


def test_xml_is_read_as_the_json_it_means() -> None:
    assert exact(xml.loads(PATIENT.encode())) == exact(AS_JSON)


def test_json_is_written_as_xml_and_read_again() -> None:
    assert exact(xml.loads(xml.dumps(AS_JSON))) == exact(AS_JSON)


def test_elements_are_written_in_the_order_of_the_specification() -> None:
    text = xml.dumps({"birthDate": "1958", "gender": "male", "id": "a", "resourceType": "Patient"}).decode()
    assert text.endswith(
        '<Patient xmlns="http://hl7.org/fhir"><id value="a"/><gender value="male"/>'
        '<birthDate value="1958"/></Patient>'
    )


def test_white_space_and_quotes_in_values_survive() -> None:
    resource = {"resourceType": "Basic", "code": {"text": "a\n\t\"b\" <c> & 'd'"}}
    assert xml.loads(xml.dumps(resource)) == resource


def wrapped(content: str, root: str = "Patient") -> bytes:
    return f'<{root} xmlns="http://hl7.org/fhir">{content}</{root}>'.encode()


BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<Patient xmlns="http://hl7.org/fhir"><id value="&b;"/></Patient>"""


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no element found"),
        (b"{}", "well-formed"),
        (b"<Patient", "well-formed"),
        (b'<Patient xmlns="http://hl7.org/fhir">', "well-formed"),
        (BOMB, r"entities are not allowed .*line 2"),
        (wrapped("<nme/>"), r"nme is not an element of Patient \(line 1, column 38\)"),
        (wrapped("<id/>"), "neither a value nor content"),
        (wrapped('<id value="a"/><id value="b"/>'), "more than once"),
        (wrapped('<id val="a"/>'), "no attribute val"),
        (wrapped('<name value="a"/>'), "no attribute value"),
        (wrapped("text"), "Text outside"),
        (wrapped("", "Pateint"), "no resource type Pateint"),
        (b"<Patient/>", "not in the namespace"),
        (wrapped('<id xmlns="urn:other" value="a"/>'), "not in the namespace"),
        (wrapped("<contained><Basic/><Basic/></contained>"), "Only one resource"),
        (wrapped("<name><id value='x'/></name>"), "id is not an element of HumanName"),
        (wrapped('<id value="a"/>').decode().encode("utf-16"), "UTF-8"),
        (b'<?xml version="1.0" encoding="GB18030"?>' + wrapped('<id value="a"/>'), "not GB18030"),
        (wrapped('<id value="\x00"/>'), "well-formed"),
        (b'<Patient xmlns="http://hl7.org/fhir"><id value="\xff"/></Patient>', "well-formed"),
        (wrapped("<extension url='u'>" * 5_000), "Nested"),
    ],
)
def test_what_is_not_fhir_is_refused_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        xml.loads(data)


def test_more_than_the_largest_is_refused() -> None:
    with pytest.raises(TooLarge):
        xml.loads(PATIENT.encode(), largest=100)


@pytest.mark.parametrize(
    "resource",
    [
        {},
        {"resourceType": "Pateint"},
        {"resourceType": "Patient", "nme": 1},
        {"resourceType": "Patient", "name": {"family": "x"}},
        {"resourceType": "Patient", "id": "\x01"},
        {"resourceType": "Patient", "text": {"div": "<div><p></div>"}},
        {"resourceType": "Patient", "text": {"div": "<p/>"}},
    ],
)
def test_what_is_not_fhir_is_not_written(resource: dict[str, Any]) -> None:
    with pytest.raises(Unprocessable):
        xml.dumps(resource)


def test_named_characters_of_html_are_resolved() -> None:
    resource = {"resourceType": "Basic", "text": {"status": "generated", "div": "<div>a&nbsp;b &lt;</div>"}}
    div = xml.loads(xml.dumps(resource))["text"]["div"]
    assert div == '<div xmlns="http://www.w3.org/1999/xhtml">a\xa0b &lt;</div>'


def test_a_byte_order_mark_is_taken() -> None:
    assert xml.loads(b"\xef\xbb\xbf" + wrapped('<id value="a"/>'))["id"] == "a"


def same_meaning(resource: dict[str, Any]) -> None:
    assert exact(xml.loads(xml.dumps(resource))) == exact(resource)


def test_the_examples_of_r4_keep_their_meaning() -> None:
    for file in sorted(shared("conformance/r4-examples").glob("*.json")):
        same_meaning(json.loads(file.read_bytes()))


def test_the_inputs_of_the_fhirpath_suite_keep_their_meaning() -> None:
    for file in sorted(shared("conformance/fhirpath/input").glob("*.xml")):
        same_meaning(xml.loads(file.read_bytes()))


def test_synthea_keeps_its_meaning() -> None:
    for file in sorted(shared("data/synthea-r4").glob("*.json.gz"))[:2]:
        data = json.loads(gzip.decompress(file.read_bytes()))
        same_meaning(data)
        assert exact(json.loads(json.dumps(data))) == exact(data)


@given(
    st.one_of(st.binary(), st.text(alphabet="<>/=\"'&; PatientnameidvaluexmlnsCDATA!-[]?").map(str.encode))
)
def test_noise_never_raises_anything_else(data: bytes) -> None:
    try:
        xml.loads(data)
    except ShangyiError:
        pass


@given(st.integers(0, len(PATIENT.encode()) - 1), st.binary(max_size=4))
def test_damage_never_raises_anything_else(position: int, noise: bytes) -> None:
    data = PATIENT.encode()
    try:
        xml.loads(data[:position] + noise + data[position + len(noise) :])
    except ShangyiError:
        pass
