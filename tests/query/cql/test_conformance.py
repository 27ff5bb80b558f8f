"""The official suite of CQL, whole: text to typed tree to closures; exclusions.yaml argues every case that fails."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.query.cql.official import Case, cases, same

from shangyi.errors import ShangyiError
from shangyi.query.cql.closures import Codes, Engine, Evaluation, Resources
from shangyi.query.cql.translate import translate
from shangyi.query.cql.values import DateTime
from shangyi.terminology.definitions import Memory
from shangyi.terminology.service import Terminology

NOW = DateTime((2026, 11, 24, 12, 0, Decimal("0.000")), 0)
EXCLUDED = {
    case: group
    for group in yaml.safe_load((Path(__file__).parent / "exclusions.yaml").read_text(encoding="utf-8"))
    for case in group["cases"]
}
CASES = list(cases())


def value(expression: str) -> Any:
    at = Evaluation(Resources([]), Codes(Terminology(Memory())), now=NOW)
    return Engine(translate(f"define X: {expression}")).value("X", at)


def passes(case: Case) -> bool:
    if case.invalid or case.expected is None:
        try:
            value(case.expression)
        except ShangyiError:
            return True
        return False
    try:
        return same(value(case.expression), value(case.expected))
    except ShangyiError:
        return False


@pytest.mark.skipif(not CASES, reason="needs shared/conformance/cql beside the checkout")
def test_the_suite_is_whole() -> None:
    assert len(CASES) == 1823
    assert {case.id for case in CASES} >= EXCLUDED.keys()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_official_case(case: Case) -> None:
    expected = case.id not in EXCLUDED
    assert passes(case) is expected, case.expression
