"""Whatever expression is written over whatever resources: closures and SQL agree, or SQL says that it has no form."""

import gzip
import json
from collections import defaultdict
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.query.sql.agreement import Data, differences
from tests.query.sql.expressions import expressions
from tests.shared import shared

from shangyi.query.errors import ExpressionError
from shangyi.query.fhirpath import compile
from shangyi.query.sql import CompilationError
from shangyi.query.sql.values import is_root

MADE: dict[str, list[dict[str, Any]]] = {
    "Patient": [
        {
            "id": "1",
            "active": True,
            "birthDate": "1958-03-14",
            "_birthDate": {"extension": [{"url": "urn:x", "valueDateTime": "1958-03-14T08:00:00+08:00"}]},
            "gender": "female",
            "name": [
                {"use": "official", "family": "单", "given": ["秀英", None], "_given": [None, {"id": "g"}]},
                {"family": "a", "given": ["final", "a"], "period": {"start": "2001", "end": "2001-05"}},
            ],
            "multipleBirthInteger": 2,
            "extension": [{"url": "a", "valueDecimal": Decimal("1.50")}, {"url": "b", "valueString": "kg"}],
        },
        {
            "id": "2",
            "active": False,
            "birthDate": "1974-12",
            "deceasedDateTime": "2014-02-01",
            "gender": "male",
        },
        {"id": "3", "deceasedBoolean": True, "_birthDate": {"id": "b"}, "name": [{"text": "nobody"}]},
        {"id": "4", "birthDate": "1950", "multipleBirthBoolean": False, "name": [{"given": ["a", "b"]}]},
        {"id": "5"},
    ],
    "Observation": [
        {
            "id": "1",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2"}], "text": "Height"},
            "effectiveDateTime": "2016-05-10T08:15:00.5+08:00",
            "valueQuantity": {
                "value": Decimal("170.30"),
                "unit": "cm",
                "code": "cm",
                "system": "http://unitsofmeasure.org",
            },
            "component": [{"valueInteger": 3}, {"valueString": "a"}, {"valueInteger": 3}],
        },
        {"id": "2", "status": "amended", "effectiveDateTime": "2014-02", "valueInteger": 7},
        {"id": "3", "effectivePeriod": {"start": "2014-02-01", "end": "2020"}, "valueTime": "08:30:00"},
        {"id": "4", "effectiveInstant": "2014-02-01T00:00:00Z", "valueDateTime": "2013-04-02T09:30:10Z"},
        {
            "id": "5",
            "effectiveDateTime": "2016-05-10",
            "valueQuantity": {"value": 5, "unit": "kg", "code": "kg"},
        },
    ],
}


@cache
def made(resource_type: str) -> Data:
    return Data(resource_type, [{"resourceType": resource_type, **r} for r in MADE[resource_type]])


@cache
def real() -> dict[str, Data]:
    """The first resources of each type of two Synthea records."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for file in sorted(shared("data/synthea-r4").glob("*.json.gz"))[:2]:
        bundle = json.loads(gzip.decompress(file.read_bytes()), parse_float=Decimal)
        for entry in bundle["entry"]:
            kept = found[entry["resource"]["resourceType"]]
            if len(kept) < 12:
                kept.append(entry["resource"])
    return {name: Data(name, resources) for name, resources in sorted(found.items())}


def agrees(data: Data, text: str) -> None:
    try:
        expression = compile(text, data.table.resource_type)
        value = data.compile(expression)
    except CompilationError as error:
        located = error.line > 0
        assert located
        return
    except ExpressionError:
        return
    if not is_root(value):
        assert differences(data, expression, value) == [], text


SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck))


@given(st.data())
@settings(SETTINGS, max_examples=400)
def test_on_made_up_resources(drawn: st.DataObject) -> None:
    data = made(drawn.draw(st.sampled_from(sorted(MADE))))
    agrees(data, drawn.draw(expressions(data.table.resource_type, data.table.columns)))


@given(st.data())
@settings(SETTINGS, max_examples=400)
def test_on_real_resources(drawn: st.DataObject) -> None:
    data = real()[drawn.draw(st.sampled_from(sorted(real())))]
    agrees(data, drawn.draw(expressions(data.table.resource_type, data.table.columns)))
