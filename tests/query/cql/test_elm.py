"""ELM JSON: what is written is what the schema says, and reads back as the same tree."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from shangyi.cli.cql import app
from shangyi.errors import Invalid
from shangyi.query.cql import elm
from shangyi.query.cql.translate import translate

HERE = Path(__file__).parent
TYPED = [c for c in yaml.safe_load((HERE / "types.yaml").read_text(encoding="utf-8")) if "type" in c]
INTEGER = "{urn:hl7-org:elm-types:r1}Integer"
LIBRARY = """library org.example.T version '1'
using FHIR version '4.0.1'
codesystem L: 'http://loinc.org'
code C: 'c' from L display 'See'
valueset V: 'urn:v' version '2' codesystems { L }
concept K: { C } display 'K'
parameter P Interval<DateTime> default Interval[@2020-01-01T00:00:00.0, @2021-01-01T00:00:00.0)
context Patient
// @status: draft
define private X: [Condition: V] A
  let seen: A.recordedDate
  with [Encounter] E such that A.recordedDate during E.period
  without [Observation: code ~ C] O such that O.id = A.id
  where seen in P and A.code ~ C and not (A.code in V)
  return all Tuple { d: seen, q: 5.50 'mg', r: 1 'mg' : 2 'mL', t: @T10:30, z: @2020-01-01T10:00:00.250+08:00 }
  sort by d desc
define S: ({3, 1}) N aggregate R starting 0L: R + N
define Ages: AgeInYearsAt(Today()) >= 65 or 3 days = convert '3' to System.Quantity
define function f(x Integer, y List<Choice<Code, Concept>>): case when x > 1 then minimum Integer else x end
define fluent function g(e Encounter): e.period starts 3 days or less before start of P
define Call: f(1, null) + Round(2.55, 1)
define I: FHIR.Period { start: FHIR.dateTime { value: Now() } }
define H: Patient.name.given
define Where: {1, 2}.where($this > 1).select($this + 1) union {3}
"""


def statement(text: str, name: str = "X") -> dict[str, Any]:
    library = elm.write(translate(text).main)["library"]
    return next(d for d in library["statements"]["def"] if d["name"] == name)


def test_a_library_reads_back_as_the_same_tree() -> None:
    program = translate(LIBRARY)
    text = json.dumps(elm.write(program.main))
    again = elm.read(text)
    assert again == program.main
    assert again.expressions[1].place == program.main.expressions[1].place


@pytest.mark.parametrize("case", TYPED, ids=lambda c: c["input"])
def test_expressions_read_back_as_the_same_tree(case: dict[str, str]) -> None:
    program = translate(f"define X: {case['input']}\n", name="T")
    assert elm.read(json.dumps(elm.write(program.main))) == program.main


def test_operators_have_the_names_and_operands_of_the_schema() -> None:
    found = statement("define X: Substring('abc', 1)")["expression"]
    assert found["type"] == "Substring"
    assert found["stringToSub"]["value"] == "abc"
    assert (found["startIndex"]["value"], found["startIndex"]["valueType"]) == ("1", INTEGER)
    assert "length" not in found
    negative = statement("define X: -(1)")["expression"]
    assert (negative["type"], negative["operand"]["value"]) == ("Negate", "1")
    assert (negative["locator"], negative["resultTypeName"]) == ("1:11-1:14", INTEGER)
    between = statement("define X: days between Today() and Today()")["expression"]
    assert (between["precision"], len(between["operand"])) == ("Day", 2)


def test_membership_of_a_value_set_names_it() -> None:
    text = "codesystem L: 'l'\ncode C: 'c' from L\nvalueset V: 'v'\ndefine X: C in V"
    found = statement(text)["expression"]
    assert (found["type"], found["valueset"]["name"], found["code"]["name"]) == ("InValueSet", "V", "C")


def test_dates_are_operators_of_their_components() -> None:
    found = statement("define X: @2020-02-03T04:05:06.789Z")["expression"]
    assert found["type"] == "DateTime"
    names = ("year", "month", "day", "hour", "minute", "second", "millisecond", "timezoneOffset")
    assert [found[name]["value"] for name in names] == ["2020", "2", "3", "4", "5", "6", "789", "0"]


def test_what_is_no_elm_or_has_no_types_is_refused() -> None:
    for text in ("{", "[]", '{"library": {}}'):
        with pytest.raises(Invalid, match="This is no ELM"):
            elm.read(text)
    untyped = {
        "identifier": {"id": "T"},
        "statements": {"def": [{"name": "X", "expression": {"type": "Null"}}]},
    }
    with pytest.raises(Invalid, match="EnableResultTypes"):
        elm.read(json.dumps({"library": untyped}))


def test_the_command_writes_elm_and_tells_errors(tmp_path: Path) -> None:
    (tmp_path / "Common.cql").write_text("library Common\ndefine One: 1\n", encoding="utf-8")
    file = tmp_path / "main.cql"
    file.write_text("library Main include Common called C\ndefine X: C.One + 1\n", encoding="utf-8")
    out = tmp_path / "main.json"
    result = CliRunner().invoke(app, ["translate", str(file), "--out", str(out)])
    assert result.exit_code == 0, result.output
    library = json.loads(out.read_text(encoding="utf-8"))["library"]
    assert library["identifier"] == {"id": "Main"}
    assert library["includes"]["def"] == [{"localIdentifier": "C", "path": "Common"}]
    file.write_text("define X: One\n", encoding="utf-8")
    failed = CliRunner().invoke(app, ["translate", str(file)])
    assert "One is not known here" in str(failed.exception)
