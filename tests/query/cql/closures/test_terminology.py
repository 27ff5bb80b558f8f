import pytest

from shangyi.errors import NotFound
from shangyi.query.cql.closures import Codes
from shangyi.query.cql.values import Code, CodeSystem, ValueSet
from shangyi.query.errors import EvaluationError
from shangyi.terminology.definitions import Memory
from shangyi.terminology.service import Terminology

SYSTEM = {
    "resourceType": "CodeSystem",
    "url": "urn:s",
    "content": "complete",
    "hierarchyMeaning": "is-a",
    "concept": [{"code": "a", "concept": [{"code": "a1"}]}, {"code": "b"}],
}


def value_set(url: str, *includes: dict[str, object]) -> dict[str, object]:
    return {
        "resourceType": "ValueSet",
        "url": url,
        "status": "active",
        "compose": {"include": list(includes)},
    }


CODES = Codes(
    Terminology(
        Memory(
            [
                SYSTEM,
                value_set("urn:v", {"system": "urn:s", "concept": [{"code": "a"}, {"code": "a1"}]}),
                value_set(
                    "urn:two",
                    {"system": "urn:s", "concept": [{"code": "a"}]},
                    {"system": "urn:t", "concept": [{"code": "a"}]},
                ),
            ]
        )
    )
)


def test_value_sets() -> None:
    assert CODES.expand(ValueSet("urn:v")) == [Code("a", "urn:s"), Code("a1", "urn:s")]
    assert CODES.in_valueset(Code("a", "urn:s", display="A"), ValueSet("urn:v")) is True
    assert CODES.in_valueset(Code("b", "urn:s"), ValueSet("urn:v")) is False
    assert CODES.in_valueset(Code("a"), ValueSet("urn:v")) is True
    with pytest.raises(EvaluationError, match="could be of several"):
        CODES.in_valueset(Code("a"), ValueSet("urn:two"))
    with pytest.raises(NotFound, match="urn:missing"):
        CODES.expand(ValueSet("urn:missing"))


def test_code_systems() -> None:
    assert CODES.in_codesystem(Code("b", "urn:s"), CodeSystem("urn:s")) is True
    assert CODES.in_codesystem(Code("c", "urn:s"), CodeSystem("urn:s")) is False
    assert CODES.subsumes(Code("a", "urn:s"), Code("a1", "urn:s")) is True
    assert CODES.subsumes(Code("a1", "urn:s"), Code("a", "urn:s")) is False
    assert CODES.subsumes(Code("a", "urn:s"), Code("a", "urn:t")) is False
