"""CQL to typed programs: types, conversions, names, libraries, FHIR and profiles, errors."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from shangyi.query.cql import tree
from shangyi.query.cql.errors import CqlErrors
from shangyi.query.cql.library import Identifier, Program
from shangyi.query.cql.model import Model
from shangyi.query.cql.model.read import from_table, to_table
from shangyi.query.cql.translate import Texts, translate
from shangyi.query.cql.types import CONCEPT, DATETIME, IntervalOf, ListOf
from shangyi.query.types import ItemType

HERE = Path(__file__).parent
SUITE = Path(__file__).parents[4] / "shared" / "conformance" / "cql" / "tests" / "cql"
CASES = yaml.safe_load((HERE / "types.yaml").read_text(encoding="utf-8"))
FHIR = "library T\nusing FHIR version '4.0.1'\ncontext Patient\n"


def value(program: Program, name: str = "X") -> tree.Node:
    found = program.expression(program.main, tree.ExpressionRef("", name))[1]
    return found.expression


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["input"])
def test_expressions_have_their_types(case: dict[str, Any]) -> None:
    text = f"define X: {case['input']}\n"
    if "refused" in case:
        with pytest.raises(CqlErrors) as caught:
            translate(text)
        assert case["refused"] in str(caught.value)
    else:
        assert str(value(translate(text)).type) == case["type"]


def test_conversions_are_written_out() -> None:
    node = value(translate("define X: 1 + 2.5"))
    assert isinstance(node, tree.Operator)
    assert isinstance(node.operands[0], tree.Operator)
    assert node.operands[0].name == "ToDecimal"
    assert str(node.place) == "1:11-1:17"


def test_fhir_elements_are_converted_by_fhirhelpers() -> None:
    program = translate(
        FHIR + "codesystem L: 'http://loinc.org'\ncode C: 'c' from L\nvalueset V: 'urn:v'\n"
        "define X: [Condition: V] A where A.clinicalStatus ~ C and A.onset before Now()\n"
        "define B: Patient.birthDate before @2000-01-01\n"
        "define Age: AgeInYears()\n"
    )
    node = value(program)
    assert isinstance(node, tree.Query)
    retrieve = node.sources[0].expression
    assert isinstance(retrieve, tree.Retrieve)
    assert (retrieve.data_type, retrieve.code_property, retrieve.comparator) == (
        ItemType("FHIR", "Condition"), "code", "in")  # fmt: skip
    assert retrieve.codes == tree.ValueSetRef("", "V", type=retrieve.codes.type)
    calls = [n for n in tree.walk(node) if isinstance(n, tree.FunctionRef)]
    assert ("ToConcept", (ItemType("FHIR", "CodeableConcept"),)) in [(c.name, c.signature) for c in calls]
    for call in calls:
        assert program.function(program.main, call)[1].type == call.type
    age = value(program, "Age")
    assert isinstance(age, tree.Operator)
    assert (age.name, age.precision) == ("CalculateAge", "year")
    patient = value(program, "Patient")
    assert isinstance(patient, tree.Operator)
    assert patient.name == "SingletonFrom"


def test_a_choice_is_narrowed_by_the_type_that_the_value_has() -> None:
    node = value(translate(FHIR + "define X: [Condition] C return C.onset during Interval[@2020, Now()]\n"))
    assert any(isinstance(n, tree.As | tree.Case) for n in tree.walk(node))


def profiled() -> Model:
    text = """<modelInfo name="Care" version="1" url="http://example.org/care" targetUrl="http://hl7.org/fhir"
      patientClassName="Person" patientBirthDatePropertyName="birthDate"
      xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
      <typeInfo xsi:type="ClassInfo" namespace="Care" name="Person" identifier="http://example.org/person"
       retrievable="true" baseType="System.Any" target="Patient">
        <element name="birthDate" elementType="System.Date" target="%value.value"/>
        <element name="race" elementType="System.String"
          target="%parent.extension[url='http://example.org/race'].value.value"/>
        <element name="marital" elementType="System.Concept" target="FHIRHelpers.ToConcept(%value)"/>
        <element name="languages" target="FHIRHelpers.ToConcept(%value)">
          <elementTypeSpecifier xsi:type="ListTypeSpecifier" elementType="System.Concept"/></element>
      </typeInfo></modelInfo>"""
    return from_table(to_table(ElementTree.fromstring(text)))


def test_profiles_are_mapped_to_the_data() -> None:
    program = translate(
        "library T using Care version '1' context Patient\n"
        "define X: Patient.birthDate\ndefine R: Patient.race\ndefine M: Patient.marital\n"
        "define L: Patient.languages\ndefine P: [Person]\ndefine Age: AgeInYears()\n",
        Texts(models=[profiled()]),
    )
    birth = value(program)
    assert isinstance(birth, tree.Property)
    assert birth.path == "birthDate.value"
    race = value(program, "R")
    assert isinstance(race, tree.Operator)
    assert race.name == "SingletonFrom"
    assert value(program, "M").type == CONCEPT
    assert value(program, "L").type == ListOf(CONCEPT)
    retrieve = value(program, "P")
    assert isinstance(retrieve, tree.Retrieve)
    assert (retrieve.data_type, retrieve.template) == (
        ItemType("FHIR", "Patient"), "http://example.org/person")  # fmt: skip


COMMON = """library org.example.Common version '2'
using FHIR version '4.0.1'
define Three: 3
define private Hidden: 4
define function twice(x Integer): x * 2
define function twice(x String): x + x
define fluent function period(e FHIR.Encounter): e.period
"""


def test_includes_overloads_and_fluent_functions() -> None:
    sources = Texts([COMMON])
    program = translate(
        "library T using FHIR version '4.0.1' include org.example.Common version '2' called C context Patient\n"
        "define X: C.twice('a') + C.twice('b')\ndefine Y: C.twice(C.Three)\n"
        "define P: [Encounter] E return E.period() during Interval[@2020, Now()]\n",
        sources,
    )
    assert str(value(program).type) == "System.String"
    assert str(value(program, "Y").type) == "System.Integer"
    assert Identifier("org.example.Common", "2") in program.libraries
    call = next(n for n in tree.walk(value(program)) if isinstance(n, tree.FunctionRef))
    assert program.function(program.main, call)[0].identifier.name == "org.example.Common"
    again = translate("library U include org.example.Common version '2' called C define X: C.Three", sources)
    common = Identifier("org.example.Common", "2")
    assert again.libraries[common] is program.libraries[common], "libraries are kept by what they say"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("include Comon called C define X: 1", "The library Comon is not here"),
        ("include org.example.Common version '3' called C define X: 1", "Common 3 is not here; did you mean"),
        ("using FHIR version '5'", "The model FHIR 5 is not here; did you mean FHIR 4.0.1?"),
        ("include org.example.Common called C define X: C.Hidden", "Hidden is private to org.example.Common|2"),
        ("include org.example.Common called C define X: C.thrice(1)", "thrice is not known here; did you mean twice?"),
        ("include org.example.Common called C define X: C.twice(true)", "twice does not take (System.Boolean)"),
        ("define A: B define B: A", "A is defined by itself: A → B → A"),
        ("define A: 1 define A: 2", "A is defined twice"),
        ("define function f(x Integer): f(x)", "f is defined by itself"),
        ("parameter P", "The parameter P needs a type or a default"),
        ("define function f(x Integer): external", "The external function f needs returns"),
        ("code C: 'c' from S", "S is not known here"),
        ("valueset V: 'urn:v' concept K: { V }", "V is no code"),
        ("using FHIR version '4.0.1' define X: [Period]", "FHIR.Period cannot be retrieved"),
        ("using FHIR version '4.0.1' define X: [Condition] C return C.onsett",
         "FHIR.Condition has no element onsett; did you mean onset?"),
    ],
)  # fmt: skip
def test_errors_name_what_is_near(text: str, says: str) -> None:
    with pytest.raises(CqlErrors) as caught:
        translate(text, Texts([COMMON]), "T")
    assert says in str(caught.value)
    assert all(error.line and error.library for error in caught.value.errors)


def test_one_error_does_not_hide_or_breed_others() -> None:
    with pytest.raises(CqlErrors) as caught:
        translate("define A: Nope\ndefine B: A + 1\ndefine C: A.x\ndefine D: 1 + true\n")
    assert [(e.line, e.column) for e in caught.value.errors] == [(1, 11), (4, 11)]


def test_unfiltered_definitions_see_the_values_of_all_patients() -> None:
    program = translate(
        "using FHIR version '4.0.1'\ncontext Patient\ndefine One: 1\ncontext Unfiltered\ndefine X: Sum(One)\n"
    )
    assert str(value(program).type) == "System.Integer"
    ref = next(n for n in tree.walk(value(program)) if isinstance(n, tree.ExpressionRef))
    assert str(ref.type) == "List<System.Integer>"


def test_long_chains_and_periods() -> None:
    assert str(value(translate("define X: " + " or ".join(["true"] * 900))).type) == "System.Boolean"
    program = translate(
        FHIR + "define X: [Encounter] E where E.period overlaps Interval[@2020-01-01, Today()]"
    )
    call = next(n for n in tree.walk(value(program)) if isinstance(n, tree.FunctionRef))
    assert (call.name, call.type) == ("ToInterval", IntervalOf(DATETIME))


EXPECTED_TO_FAIL = {"FloorIntegerLessThanMinInteger", "FloorIntegerGreaterThanMaxInteger"}
"""Their literals are no Integers, which CeilingIntegerGreaterThanMaxInteger says is no syntax."""


@pytest.mark.skipif(not SUITE.is_dir(), reason="../shared is not here")
def test_the_official_suite_translates_and_what_it_calls_invalid_is_refused() -> None:
    refused, taken = set(), set()
    namespace = "{http://hl7.org/fhirpath/tests}"
    for file in sorted(SUITE.glob("*.xml")):
        for test in ElementTree.parse(file).iter(f"{namespace}test"):
            expression = test.find(f"{namespace}expression")
            assert expression is not None
            invalid, name = expression.get("invalid") or "false", str(test.get("name"))
            try:
                translate(f"define X: {expression.text}\n")
            except CqlErrors:
                if invalid == "false":
                    refused.add(name)
            else:
                if invalid in ("semantic", "syntax"):
                    taken.add(name)
    assert refused == EXPECTED_TO_FAIL
    assert not taken
