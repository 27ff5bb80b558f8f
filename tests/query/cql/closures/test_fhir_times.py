"""Times of FHIR beside those of CQL."""

import pytest

from shangyi.query.cql.closures import Codes, Engine, Evaluation, Resources
from shangyi.query.cql.translate import translate
from shangyi.terminology.definitions import Memory
from shangyi.terminology.service import Terminology

VISIT = "Interval[@2025-02-27T14:40:00.000Z, @2025-02-27T14:55:00.000Z]"


@pytest.mark.parametrize(
    ("instant", "within"),
    [
        ("2025-02-27T14:40:00Z", True),  # absent milliseconds are 0
        ("2025-02-27T22:40:00+08:00", True),
        ("2025-02-27T14:55:00Z", True),
        ("2025-02-27T14:55:01Z", False),
        ("2025-02-27", None),  # an absent time is not known
    ],
)
def test_absent_milliseconds(instant: str, within: bool | None) -> None:
    program = translate(
        "library T using FHIR version '4.0.1' context Patient\n"
        f"define Within: First([Observation]).effective as FHIR.dateTime during {VISIT}"
    )
    observation = {"resourceType": "Observation", "effectiveDateTime": instant}
    at = Evaluation(Resources([observation]), Codes(Terminology(Memory())))
    assert Engine(program).value("Within", at) is within
