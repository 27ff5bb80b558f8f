"""The test patients of the package: in, out, exactly on each limit, without the data."""

import pytest

from shangyi.care.measures.cases import evaluate
from shangyi.knowledge import named
from shangyi.knowledge.testing import Outcome, differences, run

PACKAGE = named("cn-basic-public-health")
OUTCOMES = {outcome.case.name: outcome for outcome in run(PACKAGE, evaluate)}


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES)
def test_a_test_patient_is_counted_as_promised(outcome: Outcome) -> None:
    assert outcome.fault is None
    assert [str(difference) for difference in outcome.differences] == []
    assert outcome.counts


def test_every_population_of_every_measure_has_patients_in_and_out() -> None:
    seen: dict[tuple[str, str, str], set[int]] = {}
    for outcome in OUTCOMES.values():
        for expected in outcome.case.expected:
            for promised in differences(expected, {}):
                key = (promised.measure, promised.group, promised.population)
                seen.setdefault(key, set()).add(promised.expected)
    for id, measure in PACKAGE.measures.items():
        for group in measure["group"]:
            for population in group["population"]:
                code = population["code"]["coding"][0]["code"]
                assert seen[id, group["id"], code] == {0, 1}, (id, group["id"], code)


def test_a_wrong_promise_is_told() -> None:
    (outcome,) = (o for o in OUTCOMES.values() if o.case.name == "older-examined")
    report = outcome.case.expected[0]
    wrong = {**report, "group": [{**report["group"][0], "population": []}]}
    assert [d.found for d in differences(report, wrong)] == [None, None, None]


def test_strata_are_by_place_sex_and_age() -> None:
    case = OUTCOMES["hypertension-controlled"].case
    report = evaluate(PACKAGE, PACKAGE.measures["hypertension"], case, ("2025-01-01", "2025-12-31"))
    strata = {s["id"]: s["stratum"][0]["value"]["text"] for s in report["group"][0]["stratifier"]}
    assert strata == {
        "town": "991321100000",
        "village": "991321100005",
        "sex": "female",
        "age-group": "45-54",
    }
