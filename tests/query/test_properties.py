"""Whatever is written: a tree survives its own text, and nothing but our errors comes out of an evaluation."""

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shangyi.query import tree
from shangyi.query.errors import ExpressionError, ParseError
from shangyi.query.fhirpath import Expression, compile
from shangyi.query.parser import BINARY, parse
from shangyi.query.printer import write
from shangyi.query.resolve.functions import SIGNATURES
from shangyi.query.types import ANYTHING, ItemType, one

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "contained": [{"resourceType": "Organization", "id": "o", "name": "城关卫生院"}],
    "managingOrganization": {"reference": "#o"},
    "name": [
        {"use": "official", "family": "单", "given": ["秀英", None], "_given": [None, {"id": "g"}]},
        {"text": "Ann", "period": {"start": "2001", "end": "2001-05"}},
    ],
    "birthDate": "1958-03-14",
    "_birthDate": {"extension": [{"url": "urn:x", "valueDateTime": "1958-03-14T08:00:00+08:00"}]},
    "extension": [
        {
            "url": "urn:q",
            "valueQuantity": {"value": Decimal("1.50"), "code": "kg", "system": "http://unitsofmeasure.org"},
        },
        {"url": "urn:i", "valueInteger": 3},
    ],
}
NAMES = [
    "name",
    "given",
    "family",
    "birthDate",
    "extension",
    "value",
    "active",
    "period",
    "start",
    "contained",
    "id",
]
TYPES = ["string", "Quantity", "HumanName", "Integer", "Patient", "dateTime"]

names = st.sampled_from([*NAMES, "Patient", "div", "a b", "true"])
leaves = st.one_of(
    st.just(tree.Empty()),
    st.builds(
        tree.Literal, st.one_of(st.booleans(), st.integers(0, 2**31), st.text(st.characters(codec="utf-8")))
    ),
    st.builds(tree.Literal, st.decimals(0, 10**9, places=3)),
    st.builds(tree.TemporalLiteral, st.just("Date"), st.sampled_from(["2014", "2014-01", "2014-01-31"])),
    st.builds(
        tree.TemporalLiteral, st.just("DateTime"), st.sampled_from(["2014T", "2014-01-01T08:05+08:00"])
    ),
    st.builds(tree.TemporalLiteral, st.just("Time"), st.sampled_from(["08", "23:59:59.999"])),
    st.builds(
        tree.QuantityLiteral,
        st.decimals(0, 10**6, places=2),
        st.sampled_from(["mg", "cm", "[lb_av]"]),
        st.just(False),
    ),
    st.builds(
        tree.QuantityLiteral,
        st.decimals(0, 99, places=1),
        st.sampled_from(["year", "day", "second"]),
        st.just(True),
    ),
    st.builds(tree.Variable, st.just("this")),
    st.builds(tree.External, st.sampled_from(["resource", "context", "rootResource", "ucum", "vs-gender"])),
    st.builds(tree.Member, st.none(), names),
)


def grown(inner: st.SearchStrategy[tree.Node]) -> st.SearchStrategy[tree.Node]:
    types = st.builds(tree.TypeName, st.just(""), st.sampled_from(TYPES))
    arguments = st.lists(inner, max_size=2).map(tuple)
    functions = st.sampled_from(sorted(set(SIGNATURES) - {"now", "today", "timeOfDay"}))
    operators = st.sampled_from(sorted(set(BINARY) - {"is", "as"}))
    return st.one_of(
        st.builds(tree.Member, inner, names),
        st.builds(tree.Call, st.one_of(st.none(), inner), functions, arguments),
        st.builds(tree.TypeTest, st.sampled_from(["is", "as", "ofType"]), inner, types),
        st.builds(tree.Index, inner, inner),
        st.builds(tree.Unary, st.sampled_from("+-"), inner),
        st.builds(tree.Binary, operators, inner, inner),
    )


keys = st.sampled_from(
    [*NAMES, "url", "reference", "code", "resourceType", "_given", "_birthDate", "valueQuantity"]
)
documents = st.dictionaries(
    keys,
    st.recursive(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.just(Decimal("1.5")),
            st.sampled_from(["Patient", "#o", "2024"]),
        ),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)),
        max_leaves=10,
    ),
)
trees = st.recursive(leaves, grown, max_leaves=12)


@given(trees)
@settings(max_examples=300, deadline=None)
def test_a_tree_survives_its_own_text(node: tree.Node) -> None:
    assert parse(write(node)) == node


@given(trees)
@settings(max_examples=1500, deadline=None)
def test_nothing_but_our_errors(node: tree.Node) -> None:
    text = write(node)
    located = True
    try:
        Expression(text, one(ItemType("FHIR", "Patient"))).evaluate(PATIENT)
    except ExpressionError as error:
        located = error.line > 0
    assert located


EXPRESSIONS = [
    "descendants()",
    "children().children()",
    "extension('urn:x').value",
    "birthDate.extension('urn:x').exists()",
    "name.given.join(',')",
    "extension.value.resolve().name",
    "extension.value.ofType(Quantity) > 1 'kg'",
    "name.distinct() | contained",
    "descendants().pathname()",
    "name ~ contact.name",
    "conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')",
    "extension.value.memberOf('http://hl7.org/fhir/ValueSet/administrative-gender')",
    "name.checkModifiers('x').elementDefinition()",
]


@given(documents, st.sampled_from(EXPRESSIONS))
@settings(max_examples=1000, deadline=None)
def test_nothing_but_our_errors_on_documents_of_any_shape(document: dict[str, Any], text: str) -> None:
    with contextlib.suppress(ExpressionError):
        compile(text, "Patient").evaluate({**document, "resourceType": "Patient"})


@given(st.text(alphabet="abPatient.()[]{}|&=<>!~+-*/'`%$@0123T:, \n\\u\"é"))
@settings(max_examples=500, deadline=None)
def test_any_text_is_an_expression_or_a_parse_error(text: str) -> None:
    try:
        node = parse(text)
    except ParseError:
        return
    assert parse(write(node)) == node


@pytest.mark.parametrize(
    "text", ["name" + ".given" * 3000, "1" + " + 1" * 3000, "(" * 3000, "-" * 3000 + "1"]
)
def test_depth_has_an_end(text: str) -> None:
    with pytest.raises(ParseError, match="nested too deeply"):
        Expression(text, ANYTHING)
