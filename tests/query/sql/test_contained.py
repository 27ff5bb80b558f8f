"""What stands in a resource within a resource is kept as JSON, and found there once its type is said."""

from typing import Any

import pytest
from tests.query.sql.agreement import Data, differences

from shangyi.query.fhirpath import compile
from shangyi.query.sql import CompilationError

RESOURCES: list[dict[str, Any]] = [
    {
        "resourceType": "Observation",
        "id": "1",
        "status": "final",
        "code": {"text": "a"},
        "contained": [
            {"resourceType": "Organization", "id": "o", "name": "城关卫生院"},
            {
                "resourceType": "Patient",
                "id": "p",
                "active": True,
                "gender": "female",
                "birthDate": "1958-03",
                "name": [{"family": "单", "given": ["秀英", "a"]}, {"family": 'b"c'}],
                "multipleBirthInteger": 2,
                "address": [{"district": "d", "line": ["1"]}],
            },
        ],
    },
    {"resourceType": "Observation", "id": "2", "status": "final", "code": {"text": "b"}},
]


@pytest.fixture(scope="module")
def data() -> Data:
    return Data("Observation", RESOURCES)


@pytest.mark.parametrize(
    "text",
    [
        "contained.ofType(Patient).gender",
        "contained.ofType(Patient).name.given",
        "contained.ofType(Patient).name.where(family = '单').given.first()",
        "contained.ofType(Patient).birthDate < @1958-04",
        "contained.ofType(Patient).multipleBirth.ofType(integer) + 1",
        "contained.ofType(Patient).active",
        "contained.ofType(Patient).address.line.exists()",
        "contained.ofType(Patient).address.exists(district = 'd')",
        "contained.ofType(Organization).name | contained.ofType(Patient).name.family",
        "contained.ofType(Device).exists()",
        "contained.where($this is Patient).count()",
        "contained[1].ofType(Patient).name.count()",
    ],
)
def test_closures_and_sql_agree(data: Data, text: str) -> None:
    expression = compile(text, "Observation")
    assert differences(data, expression, data.compile(expression)) == []
    assert any(data.by_closures(expression))


@pytest.mark.parametrize("text", ["contained.name", "contained.ofType(DomainResource).id"])
def test_without_a_type_it_is_refused(data: Data, text: str) -> None:
    with pytest.raises(CompilationError):
        data.compile(compile(text, "Observation"))
