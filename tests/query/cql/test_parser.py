"""CQL to a syntax tree: precedence, every clause, errors that say where and what."""

import contextlib
import random
import re
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from shangyi.query.cql import syntax
from shangyi.query.cql.errors import CqlError, CqlErrors, CqlSyntaxError
from shangyi.query.cql.parser import parse, parse_expression

FIXTURES = Path(__file__).parent
SUITE = Path(__file__).parents[4] / "shared" / "conformance" / "cql" / "tests" / "cql"


def cases(name: str) -> list[dict[str, str]]:
    return yaml.safe_load((FIXTURES / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", cases("precedence.yaml"), ids=lambda c: c["input"])
def test_operators_bind_as_in_the_grammar(case: dict[str, str]) -> None:
    assert parse_expression(case["input"]) == parse_expression(case["expected"])


@pytest.mark.parametrize("case", cases("refused.yaml"), ids=lambda c: c["input"])
def test_errors_say_where_and_what(case: dict[str, str]) -> None:
    with pytest.raises(CqlSyntaxError) as caught:
        parse_expression(case["input"])
    text = str(caught.value)
    assert f"{caught.value.line}:{caught.value.column}" == case["at"], text
    if "loose" in case:
        assert case["says"].partition(";")[0] in text
    else:
        assert f"CQL:{case['at']}: {case['says']}\n" in text


LIBRARY = """
library org.example.Test version '1.0'
using FHIR version '4.0.1'
include org.example.Common version '2' called Common
codesystem "LOINC": 'http://loinc.org' version '2.7'
valueset "Diabetes": 'urn:oid:1.2' codesystems { "LOINC", Common."SNOMED" }
private code "HbA1c": '4548-4' from "LOINC" display 'HbA1c'
concept "Sugar": { "HbA1c", Common."Glucose" } display 'Sugar'
parameter "Period" Interval<DateTime> default Interval[@2020-01-01T, @2021-01-01T)
/* @status: draft
   @author: "A B" */
define private "X": 1
context Patient
define fluent function twice(x Integer, t Tuple { a String, b List<Choice<Code, Concept>> }) returns Integer: x * 2
define function remote(x FHIR.Patient): external
define "Y": Patient.birthDate
"""


def test_definitions_of_every_kind() -> None:
    library = parse(LIBRARY)
    assert (library.name, library.version) == ("org.example.Test", "1.0")
    assert [type(d).__name__ for d in library.definitions] == (
        "Using Include CodeSystem ValueSet CodeDefinition ConceptDefinition Parameter Expression"
        " Function Function Expression"
    ).split()
    x, twice, remote, y = library.definitions[-4:]
    assert x.private
    assert x.tags == (("status", "draft"), ("author", "A B"))
    assert isinstance(x, syntax.Expression)
    assert x.context == "Unfiltered"
    assert isinstance(twice, syntax.Function)
    assert (twice.fluent, len(twice.operands)) == (True, 2)
    assert isinstance(remote, syntax.Function)
    assert remote.body is None
    assert isinstance(y, syntax.Expression)
    assert y.context == "Patient"
    assert LIBRARY[y.start : y.end] == 'define "Y": Patient.birthDate'
    assert library.contexts == (("", "Patient"),)


def test_a_query_has_all_its_clauses() -> None:
    node = parse_expression(
        "from A a, (B) b let x: a.x, y: b.y with [C] c such that c.x = x without D d such that d.y = y"
        " where x = y return all Tuple { x: x } sort by x asc, y descending"
    )
    assert isinstance(node, syntax.Query)
    assert [s.alias for s in node.sources] == ["a", "b"]
    assert [r.negated for r in node.relationships] == [False, True]
    assert node.returns is not None
    assert not node.returns.distinct
    assert [s.descending for s in node.sort] == [False, True]
    total = parse_expression("({1, 2}) x aggregate distinct r starting 1: r * x")
    assert isinstance(total, syntax.Query)
    assert total.aggregate is not None
    assert total.aggregate.distinct


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("a starts b", syntax.Phrase("starts")),
        ("a ends day of b", syntax.Phrase("ends", precision="day")),
        ("a meets before b", syntax.Phrase("meets", relation="before")),
        ("a overlaps after day of b", syntax.Phrase("overlaps", relation="after", precision="day")),
        ("a starts same day or before end b", syntax.Phrase(
            "same", "start", "end", "before", inclusive=True, precision="day")),
        ("a properly included in b", syntax.Phrase("during", properly=True)),
        ("a occurs during b", syntax.Phrase("during")),
        ("a properly includes start b", syntax.Phrase("includes", right="start", properly=True)),
        ("a starts on or after b", syntax.Phrase("relative", "start", relation="after", inclusive=True)),
        ("a before or on month of b", syntax.Phrase(
            "relative", relation="before", inclusive=True, precision="month")),
        ("a starts less than 3 days before start b", syntax.Phrase(
            "relative", "start", "start", "before", offset=syntax.Quantity("3", "day", True),
            bound="less than")),
        ("a ends 2 hours or more after b", syntax.Phrase(
            "relative", "end", relation="after", offset=syntax.Quantity("2", "hour", True), bound="or more")),
        ("a ends properly within 3 days of start b", syntax.Phrase(
            "within", "end", "start", properly=True, offset=syntax.Quantity("3", "day", True))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_timing_phrases(text: str, phrase: syntax.Phrase) -> None:
    node = parse_expression(text)
    assert isinstance(node, syntax.Timing)
    assert node.phrase == phrase


def test_one_text_tells_all_its_errors() -> None:
    with pytest.raises(CqlErrors) as caught:
        parse("define A: 1 +\ndefine B: 2\ndefin D: 4\ndefine C: (3\n", "L")
    assert [(e.library, e.line, e.column) for e in caught.value.errors] == [
        ("L", 2, 8), ("L", 5, 1)]  # fmt: skip
    with pytest.raises(
        CqlErrors, match=r"L:1:1: a definition is expected here, not defin; did you mean define"
    ):
        parse("defin D: 4", "L")


def test_deep_nesting_and_long_chains_are_refused_or_read_in_linear_time() -> None:
    for text in ("(" * 5000, "not " * 5000, "{" * 5000, "- " * 5000, "if " * 5000, "1" + "+1" * 5000):
        with pytest.raises(CqlSyntaxError, match=r"nested too deeply|too long"):
            parse_expression(text)
    start = time.process_time()
    parse("".join(f"define D{i}: {{A a, (B) b, [C] c where x = '{i}'}}\n" for i in range(2000)))
    single = time.process_time() - start
    assert single < 10, "2,000 definitions take seconds: something is quadratic"


def texts() -> list[tuple[str, str, str]]:
    found = []
    for file in sorted(SUITE.glob("*.xml")) if SUITE.is_dir() else ():
        for test in ElementTree.parse(file).iter("{http://hl7.org/fhirpath/tests}test"):
            expression = test.find("{http://hl7.org/fhirpath/tests}expression")
            assert expression is not None
            found.append((str(test.get("name")), expression.text or "", expression.get("invalid") or "false"))
    return found


@pytest.mark.skipif(not SUITE.is_dir(), reason="../shared is not here")
def test_the_official_suite_parses() -> None:
    refused = {}
    for name, text, invalid in texts():
        try:
            parse_expression(text)
        except CqlError as error:
            if invalid == "false":
                refused[name] = str(error)
    assert not refused


def test_no_text_crashes_the_parser() -> None:
    chance = random.Random(5)
    seeds = [case["input"] for case in cases("precedence.yaml")] + [LIBRARY]
    words = re.findall(r"\w+|\W", " ".join(seeds))
    for _ in range(1500):
        tokens = re.findall(r"\w+|\W", chance.choice(seeds))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(tokens))
            tokens[at : at + chance.randint(0, 2)] = [chance.choice(words)] * chance.randint(0, 2)
            tokens = tokens or ["1"]
        for read in (parse, parse_expression):
            with contextlib.suppress(CqlError):
                read("".join(tokens))
