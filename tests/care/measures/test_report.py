"""What a MeasureReport says."""

from datetime import datetime
from typing import Any

from tests.care.measures.measures import Given, criteria, measure, population

from shangyi.care.measures import INDIVIDUAL, SUBJECT_LIST, SUMMARY, Period, read, report, result, tally
from shangyi.care.measures.definition import DENOMINATOR, INITIAL, NUMERATOR
from shangyi.errors import Invalid
from shangyi.fhir import json
from shangyi.fhir.validation import validate

MADE = datetime.fromisoformat("2026-01-02T08:00:00+08:00")
MEASURE = measure(
    "proportion",
    population(INITIAL),
    population(DENOMINATOR),
    population(NUMERATOR),
    stratifier=[{"id": "town", "code": {"text": "Town"}, "criteria": criteria("Town")}],
)
MEASURE["supplementalData"] = [{"id": "sex", "code": {"text": "Sex"}, "criteria": criteria("Sex")}]
DEFINITION = read(MEASURE)


def resident(number: int, controlled: bool, town: str | None, sex: Any = "female") -> Any:
    given = {INITIAL: True, DENOMINATOR: True, NUMERATOR: controlled, "Town": town, "Sex": sex}
    return result(DEFINITION, f"Patient/{number}", Given(given))


RESIDENTS = [resident(1, True, "青河"), resident(2, False, "青河"), resident(3, True, "白石", "male")]


def counts(element: dict[str, Any]) -> list[int]:
    return [population["count"] for population in element["population"]]


def sound(resource: dict[str, Any]) -> None:
    """Valid by our own validation, as the record would keep it."""
    problems = [issue for issue in validate(json.loads(json.dumps(resource))) if issue.severity == "error"]
    assert not problems, problems


def test_summary() -> None:
    made = report(tally(DEFINITION, RESIDENTS), SUMMARY, Period.parse("2025").days, MADE)
    sound(made)
    assert made["measure"] == "urn:measure|1"
    assert made["period"] == {"start": "2025-01-01", "end": "2025-12-31"}
    (group,) = made["group"]
    assert counts(group) == [3, 3, 2]
    assert str(group["measureScore"]["value"]) == "0.66666667"
    (stratifier,) = group["stratifier"]
    assert stratifier["code"] == [{"text": "Town"}]
    by_town = {stratum["value"]["text"]: stratum for stratum in stratifier["stratum"]}
    assert counts(by_town["青河"]) == [2, 2, 1]
    assert str(by_town["白石"]["measureScore"]["value"]) == "1"
    sexes = [
        (o["component"][0]["valueCodeableConcept"]["text"], o["valueInteger"]) for o in made["contained"]
    ]
    assert sexes == [("female", 2), ("male", 1)]


def test_subject_list() -> None:
    made = report(tally(DEFINITION, RESIDENTS, lists=True), SUBJECT_LIST, ("2025-01-01", "2025-12-31"), MADE)
    sound(made)
    numerator = made["group"][0]["population"][2]
    (listed,) = [r for r in made["contained"] if f"#{r['id']}" == numerator["subjectResults"]["reference"]]
    assert [entry["item"]["reference"] for entry in listed["entry"]] == ["Patient/1", "Patient/3"]


def test_individual() -> None:
    made = report(
        tally(DEFINITION, RESIDENTS[:1]),
        INDIVIDUAL,
        ("2025-01-01", "2025-12-31"),
        MADE,
        "Patient/1",
        ["Observation/1"],
    )
    sound(made)
    assert made["subject"] == {"reference": "Patient/1"}
    assert made["evaluatedResource"] == [{"reference": "Observation/1"}]
    assert made["contained"][0]["valueCodeableConcept"] == {"text": "female"}


def test_who_could_not_be_evaluated_is_said() -> None:
    broken = resident(4, True, Invalid("two births"))  # type: ignore[arg-type]
    made = report(tally(DEFINITION, [*RESIDENTS, broken]), SUMMARY, ("2025-01-01", "2025-12-31"), MADE)
    sound(made)
    assert counts(made["group"][0]) == [3, 3, 2]
    assert made["contained"][-1]["issue"][0]["diagnostics"] == "two births"
    alone = report(tally(DEFINITION, [broken]), INDIVIDUAL, ("2025-01-01", "2025-12-31"), MADE, "Patient/4")
    assert alone["status"] == "error"


def test_a_value_that_is_not_known_is_a_stratum_too() -> None:
    made = report(tally(DEFINITION, [resident(1, True, None)]), SUMMARY, ("2025-01-01", "2025-12-31"), MADE)
    sound(made)
    (stratum,) = made["group"][0]["stratifier"][0]["stratum"]
    assert stratum["value"]["coding"][0]["code"] == "unknown"


def test_periods() -> None:
    assert Period.parse("2024-02").days == ("2024-02-01", "2024-02-29")
    assert Period.parse("2025", "2026-03").days == ("2025-01-01", "2026-03-31")
    for start, end in (("2025", "2024"), ("last year", None), ("2025-13", None)):
        try:
            Period.parse(start, end)
        except Invalid:
            continue
        raise AssertionError((start, end))
