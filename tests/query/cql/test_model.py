"""Models: the built-in ones, and ModelInfo files of other tools."""

from pathlib import Path

import pytest

from shangyi.errors import Invalid
from shangyi.query.cql.model import built_in, load
from shangyi.query.cql.types import CONCEPT, DATE, DATETIME, STRING, IntervalOf, ListOf, choice
from shangyi.query.types import ItemType

PROFILED = """<modelInfo name="Care" version="1" url="http://example.org/care" targetUrl="http://hl7.org/fhir"
  patientClassName="Person" patientBirthDatePropertyName="birthDate" xmlns="urn:hl7-org:elm-modelinfo:r1"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <typeInfo xsi:type="ClassInfo" namespace="Care" name="Person" identifier="http://example.org/person" label="A person"
   retrievable="true" primaryCodePath="kind" baseType="System.Any" target="Patient">
    <element name="birthDate" elementType="System.Date" target="%value.value"/>
    <element name="kind"><elementTypeSpecifier xsi:type="ChoiceTypeSpecifier">
      <choice xsi:type="NamedTypeSpecifier" namespace="System" name="Concept"/>
      <choice xsi:type="IntervalTypeSpecifier"><pointTypeSpecifier xsi:type="NamedTypeSpecifier" namespace="System"
        name="DateTime"/></choice></elementTypeSpecifier></element>
    <element name="names"><elementTypeSpecifier xsi:type="ListTypeSpecifier" elementType="System.String"/></element>
  </typeInfo></modelInfo>"""


def test_fhir_says_elements_conversions_and_code_paths() -> None:
    fhir = built_in("FHIR")
    condition = fhir.classes["Condition"]
    assert condition.code_path == "code"
    assert condition.retrievable
    assert condition.elements["onset"].type == choice(
        ItemType("FHIR", name) for name in ("dateTime", "Age", "Period", "Range", "string")
    )
    assert fhir.classes["date"].elements["value"].type == DATE
    targets = {str(c.source): str(c.target) for c in fhir.conversions}
    assert targets["FHIR.Period"] == "Interval<System.DateTime>"
    assert targets["FHIR.CodeableConcept"] == "System.Concept"
    assert fhir.find("http://hl7.org/fhir/StructureDefinition/Patient") is fhir.classes["Patient"]


def test_a_model_of_profiles_says_how_the_data_is_reached(tmp_path: Path) -> None:
    file = tmp_path / "care.xml"
    file.write_text(PROFILED, encoding="utf-8")
    model = load(file)
    person = model.classes["Person"]
    assert (model.target_name, person.target, person.code_path) == ("FHIR", "Patient", "kind")
    assert person.elements["birthDate"].target == "%value.value"
    assert person.elements["kind"].type == choice([CONCEPT, IntervalOf(DATETIME)])
    assert person.elements["names"].type == ListOf(STRING)
    assert model.find("A person") is person


def test_other_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.xml"
    for text in ("<modelInfo", "<other/>"):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(Invalid, match=r"other\.xml is no ModelInfo"):
            load(file)
