"""The grammar, held against the official suite: what it calls a syntax error is one, all else has a tree."""

import xml.etree.ElementTree as ET
from decimal import Decimal

import pytest
from tests.shared import shared

from shangyi.query import tree
from shangyi.query.errors import ParseError
from shangyi.query.parser import parse


def test_official_suite_parses() -> None:
    root = ET.parse(shared("conformance/fhirpath/tests-fhir-r4.xml"))
    expressions = [case.find("expression") for case in root.iter("test")]
    assert len(expressions) == 935
    for expression in expressions:
        assert expression is not None
        invalid = expression.get("invalid")
        try:
            parse(expression.text or "")
        except ParseError:
            assert invalid, expression.text
        else:
            assert invalid != "syntax", expression.text


def test_precedence() -> None:
    one = tree.Literal(1)
    assert parse("1 | 1 is Integer") == tree.Binary(
        "|", one, tree.TypeTest("is", one, tree.TypeName("", "Integer"))
    )
    assert parse("-1.abs()") == tree.Unary("-", tree.Call(one, "abs", ()))
    assert parse("1 + 1 * 1") == tree.Binary("+", one, tree.Binary("*", one, one))


def test_literals() -> None:
    assert parse("4 days") == tree.QuantityLiteral(Decimal(4), "day", True)
    assert parse("1.20 'mg'") == tree.QuantityLiteral(Decimal("1.20"), "mg", False)
    assert parse(r"'P\u0065ter'") == tree.Literal("Peter")
    assert parse("@2014-01T") == tree.TemporalLiteral("DateTime", "2014-01T")
    assert parse("%`ext-x`") == tree.External("ext-x")


def test_every_node_knows_its_place() -> None:
    node = parse("Patient\n  .name[0]")
    assert isinstance(node, tree.Index)
    assert (node.span.start, node.span.end) == (0, 18)
    assert (node.index.span.line, node.index.span.column) == (2, 9)


def test_error_shows_line_column_and_context() -> None:
    with pytest.raises(ParseError) as caught:
        parse("Patient.name.\n  given ? 3")
    assert (caught.value.line, caught.value.column) == (2, 9)
    assert caught.value.context == "  given ? 3\n        ^"


@pytest.mark.parametrize("text", ["", "a.", "(a", "a b", "'x", "2 + /* open", "$that", "a.b(1,", "(" * 5000])
def test_not_of_the_grammar(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)
