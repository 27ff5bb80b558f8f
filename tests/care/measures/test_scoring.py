"""Who belongs where: the rules of each scoring."""

from decimal import Decimal
from typing import Any

import pytest
from tests.care.measures.measures import Given, criteria, definition, extension, population

from shangyi.care.measures import result, tally
from shangyi.care.measures.definition import (
    DENOMINATOR,
    DENOMINATOR_EXCEPTION,
    DENOMINATOR_EXCLUSION,
    INITIAL,
    MEASURED,
    MEASURED_EXCLUSION,
    NUMERATOR,
    NUMERATOR_EXCLUSION,
    OBSERVATION,
)
from shangyi.care.measures.results import Coded, Number, Outcome, dumps, loads
from shangyi.errors import Invalid
from shangyi.query.quantity import Quantity

PROPORTION = (
    INITIAL,
    DENOMINATOR,
    DENOMINATOR_EXCLUSION,
    NUMERATOR,
    NUMERATOR_EXCLUSION,
    DENOMINATOR_EXCEPTION,
)
RATIO = PROPORTION[:5]


def found(scoring: str, codes: tuple[str, ...], true: str) -> str:
    """The populations that a subject is in, who meets the criteria ``true``, by their initials."""
    marks = dict(zip("idxneo", codes, strict=False))
    given = {code: mark in true for mark, code in marks.items()}
    made = definition(scoring, *(population(code) for code in codes))
    (group,) = result(made, "Patient/1", Given(given)).groups
    assert group is not None
    return "".join(mark for mark, code in marks.items() if group.members[code])


@pytest.mark.parametrize(
    ("true", "expected"),
    [
        ("idxneo", "idx"),  # an exclusion comes before the numerator, and before an exception
        ("dxneo", ""),  # nobody outside the initial population
        ("ixneo", "i"),  # nor outside the denominator
        ("idno", "idn"),  # who meets the numerator is no exception
        ("ido", "ido"),
        ("idne", "idne"),
        ("ide", "id"),  # a numerator exclusion is of the numerator
        ("id", "id"),
        ("i", "i"),
    ],
)
def test_proportion(true: str, expected: str) -> None:
    assert found("proportion", PROPORTION, true) == expected


@pytest.mark.parametrize(
    ("true", "expected"),
    [
        ("idn", "idn"),
        ("in", "in"),  # a numerator need not lie in the denominator
        ("idxne", "idxne"),  # an exclusion from the denominator takes nobody out of the numerator
        ("ixe", "i"),
        ("dn", ""),
    ],
)
def test_ratio(true: str, expected: str) -> None:
    assert found("ratio", RATIO, true) == expected


def test_ratio_of_two_initial_populations() -> None:
    one = population(INITIAL, "Adults", "adults")
    two = population(INITIAL, "Stays", "stays")
    of = [extension("criteriaReference", id, "valueString") for id in ("adults", "stays")]
    made = definition(
        "ratio", one, two, population(DENOMINATOR, None, "", of[0]), population(NUMERATOR, None, "", of[1])
    )
    given = {"Adults": True, "Stays": False, DENOMINATOR: True, NUMERATOR: True}
    (group,) = result(made, "Patient/1", Given(given)).groups
    assert group is not None
    assert {key: len(items) for key, items in group.members.items()} == {
        "adults": 1,
        "stays": 0,
        DENOMINATOR: 1,
        NUMERATOR: 0,
    }


def test_each_episode_stands_for_itself() -> None:
    made = definition("proportion", *(population(code) for code in PROPORTION), basis="Encounter")
    given: dict[str, Any] = {
        INITIAL: ["a", "b", "c", "d", "e", "a", None],
        DENOMINATOR: ["a", "b", "c", "d", "z"],
        DENOMINATOR_EXCLUSION: ["a", "e"],
        NUMERATOR: ["a", "b", "c"],
        NUMERATOR_EXCLUSION: ["c", "d"],
        DENOMINATOR_EXCEPTION: ["c", "d"],
    }
    found = result(made, "Patient/1", Given(given))
    counted = tally(made, [found])
    counts = [counted.groups[0].count(code) for code in PROPORTION]
    assert counts == [5, 4, 1, 2, 1, 1]
    # (2 - 1) / (4 - 1 - 1)
    assert counted.groups[0].score() == Number(Decimal("0.5"))
    assert loads(dumps(found)) == found


def test_continuous_variable() -> None:
    made = definition(
        "continuous-variable",
        *(population(code) for code in (INITIAL, MEASURED, MEASURED_EXCLUSION)),
        population(OBSERVATION, "Days", "", extension("aggregateMethod", "median")),
        basis="Encounter",
    )
    given = {INITIAL: [1, 2, 3, 4, 5], MEASURED: [2, 3, 4, 5, 6], MEASURED_EXCLUSION: [5]}
    days = {2: 10, 3: None, 4: 13}
    found = result(made, "Patient/1", Given(given, Days=lambda item: days[item]))
    assert found.groups[0] == Outcome(
        {INITIAL: ("1", "2", "3", "4", "5"), MEASURED: ("2", "3", "4", "5"), MEASURED_EXCLUSION: ("5",)},
        {OBSERVATION: {"2": Number(Decimal(10)), "4": Number(Decimal(13))}},
    )
    assert tally(made, [found]).groups[0].score() == Number(Decimal("11.5"))


@pytest.mark.parametrize(
    ("method", "expected"),
    [("sum", "8"), ("average", "2"), ("median", "1.5"), ("minimum", "1"), ("maximum", "4"), ("count", "4")],
)
def test_aggregates_of_several_residents(method: str, expected: str) -> None:
    made = definition(
        "continuous-variable",
        population(INITIAL),
        population(MEASURED),
        population(OBSERVATION, "Value", "", extension("aggregateMethod", method)),
    )
    results = [
        result(made, f"Patient/{n}", Given({INITIAL: True, MEASURED: True, "Value": value}))
        for n, value in enumerate((1, 2, 4, 1))
    ]
    score = tally(made, results).groups[0].score()
    assert score == Number(Decimal(expected))


def test_quantities_are_brought_to_one_unit() -> None:
    made = definition(
        "continuous-variable",
        population(INITIAL),
        population(MEASURED),
        population(OBSERVATION, "Value", "", extension("aggregateMethod", "sum")),
    )
    given = [Quantity(Decimal(1), "kg"), Quantity(Decimal(500), "g")]
    results = [
        result(made, f"Patient/{n}", Given({INITIAL: True, MEASURED: True, "Value": value}))
        for n, value in enumerate(given)
    ]
    score = tally(made, results).groups[0].score()
    assert score is not None
    assert (score.value, score.unit) in ((Decimal("1.5"), "kg"), (Decimal(1500), "g"))


def test_ratio_of_observations() -> None:
    made = definition(
        "ratio",
        population(INITIAL),
        population(DENOMINATOR, None, "den"),
        population(DENOMINATOR_EXCLUSION),
        population(NUMERATOR, None, "num"),
        population(
            OBSERVATION,
            "Days",
            "",
            extension("criteriaReference", "den", "valueString"),
            extension("aggregateMethod", "sum"),
        ),
        population(
            OBSERVATION,
            "Falls",
            "",
            extension("criteriaReference", "num", "valueString"),
            extension("aggregateMethod", "count"),
        ),
        basis="Encounter",
    )
    given = {INITIAL: [1, 2, 3], DENOMINATOR: [1, 2, 3], DENOMINATOR_EXCLUSION: [3], NUMERATOR: [1]}
    values = Given(given, Days=lambda item: item * 10, Falls=lambda item: 1)
    # One fall in 10 + 20 days; the excluded stay's 30 days do not count.
    assert tally(made, [result(made, "Patient/1", values)]).groups[0].score() == Number(Decimal("0.03333333"))


def test_cohort() -> None:
    made = definition("cohort", population(INITIAL), basis="Encounter")
    counted = tally(made, [result(made, "Patient/1", Given({INITIAL: ["a", "b"]}))])
    assert counted.groups[0].count(INITIAL) == 2
    assert counted.groups[0].score() is None


def test_nobody_in_the_denominator_has_no_score() -> None:
    made = definition("proportion", *(population(code) for code in PROPORTION))
    given = dict.fromkeys(PROPORTION, False)
    assert tally(made, [result(made, "Patient/1", Given(given))]).groups[0].score() is None


def test_a_criterion_of_the_wrong_kind_is_a_fault() -> None:
    codes = (INITIAL, DENOMINATOR, NUMERATOR)
    for basis, value in (("boolean", ["a"]), ("Encounter", True)):
        made = definition("proportion", *(population(code) for code in codes), basis=basis)
        found = result(made, "Patient/1", Given(dict.fromkeys(codes, value)))
        assert found.groups == (None,)
        assert INITIAL in found.faults[0]


def test_a_fault_in_one_group_leaves_the_others() -> None:
    from tests.care.measures.measures import measure

    from shangyi.care.measures import read

    given = measure("cohort", population(INITIAL, "A"))
    given["group"] += measure("cohort", population(INITIAL, "B"))["group"]
    given["supplementalData"] = [{"criteria": criteria("C")}, {"id": "town", "criteria": criteria("D")}]
    values = Given({"A": Invalid("broken"), "B": True, "C": Invalid("no such code"), "D": "青河镇"})
    found = result(read(given), "Patient/1", values)
    assert found.groups[0] is None
    assert found.groups[1] == Outcome({INITIAL: ("Patient/1",)})
    assert found.faults == ("broken", "no such code")
    assert found.supplemental == {"town": (Coded("青河镇"),)}


def test_strata_by_value_and_by_criterion() -> None:
    stratifiers = [
        {"criteria": criteria("Sex")},
        {"criteria": criteria("Emergency")},
        {"component": [{"criteria": criteria("Sex")}, {"criteria": criteria("Ward")}]},
    ]
    made = definition("cohort", population(INITIAL), basis="Encounter", stratifier=stratifiers)
    values = Given({INITIAL: ["a", "b"], "Sex": "female", "Emergency": ["b"]}, Ward=lambda item: item * 2)
    (group,) = result(made, "Patient/1", values).groups
    assert group is not None
    sex, emergency, both = group.strata
    assert sex == {"a": (Coded("female"),), "b": (Coded("female"),)}
    assert emergency == {"a": (Coded("false"),), "b": (Coded("true"),)}
    assert both["b"] == (Coded("female"), Coded("bb"))
