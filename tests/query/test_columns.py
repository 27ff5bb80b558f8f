"""The contract of columns: kinds by the R4 tables, and descriptions that survive a manifest."""

import json

import pytest

from shangyi.errors import Invalid
from shangyi.fhir import definitions
from shangyi.query.columns import FLAT, Column, Table, kind_of

CODING = Column("coding", "struct", True, (Column("system", "text"), Column("code", "text")))
TABLE = Table(
    "Observation",
    (
        Column("id", "text"),
        Column("code", "struct", fields=(CODING, Column("text", "text"))),
        Column("contained", "json", True),
        Column("valueBoolean", "boolean"),
        Column("valueInteger", "integer"),
    ),
    frozenset({"extension.extension.extension"}),
)


def test_a_table_survives_json() -> None:
    assert Table.from_json(json.loads(json.dumps(TABLE.to_json()))) == TABLE


def test_fields_are_found_by_name() -> None:
    code = TABLE.column("code")
    assert code is not None
    assert code.field("coding") == CODING
    assert code.field("id") is None
    assert TABLE.column("subject") is None


@pytest.mark.parametrize("plain", [{"name": "a", "kind": "decimal"}, {"kind": "text"}, {}])
def test_other_json_is_refused(plain: dict[str, str]) -> None:
    with pytest.raises(Invalid, match="not the description of a column"):
        Column.from_json(plain)


@pytest.mark.parametrize(
    ("type_name", "kind"),
    [
        ("boolean", "boolean"),
        ("positiveInt", "integer"),
        ("decimal", "text"),
        ("date", "text"),
        ("instant", "text"),
        ("id", "text"),
        ("xhtml", "text"),
        ("Resource", "json"),
        ("Quantity", "struct"),
        ("Patient.contact", "struct"),
    ],
)
def test_kinds_go_by_the_type(type_name: str, kind: str) -> None:
    assert kind_of(type_name) == kind


def test_every_type_of_an_element_has_a_kind() -> None:
    for name in definitions.type_names():
        for element in definitions.structure(name).elements:
            for type_name in element.types:
                assert kind_of(type_name) in ("text", "boolean", "integer", "json", "struct")


def test_no_fhir_key_is_like_a_flat_column() -> None:
    for name in definitions.resource_types():
        keys = set(definitions.structure(name).properties)
        assert not keys & set(FLAT)
