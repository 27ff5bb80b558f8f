"""Each rule against small records; the limits are those of the guideline that the rule names."""

import datetime as dt
from typing import Any

import msgspec
import pytest
from tests.care.standing.records import examination, measured, order, patient, pressure, problem

from shangyi.care.standing import facts
from shangyi.care.standing.evaluate import evaluate
from shangyi.care.standing.rules import rules

TODAY = dt.date(2026, 11, 20)
HYPERTENSION, DIABETES = problem("I10.x00", "2020-01-01", "高血压病"), problem("E11.900", "2020-01-01")


def holding(*resources: dict[str, Any], on: str = "2026-11-20") -> dict[str, dict[str, Any]]:
    """The states that hold on a day, with their facts."""
    day = dt.date.fromisoformat(on)
    bodies = [(r["resourceType"], r["id"], msgspec.json.encode(r)) for r in resources]
    found = evaluate(facts.read(bodies), TODAY)
    return {s.state: s.facts for s in found if s.begins <= day < s.ends and ":" not in s.state}


def test_rules_name_only_rules_before_them() -> None:
    seen: set[str] = set()
    for rule in rules():
        assert {*rule.within, *rule.without} <= seen, rule.id
        assert rule.id not in seen
        seen.add(rule.id)


@pytest.mark.parametrize(
    ("born", "reading", "controlled"),
    [
        ("1970-05-01", (139, 89), True),
        ("1970-05-01", (140, 80), False),
        ("1970-05-01", (120, 90), False),
        ("1960-05-01", (149, 89), True),
        ("1960-05-01", (150, 80), False),
        ("1961-11-19", (145, 80), True),
        ("1961-11-21", (145, 80), False),
    ],
)
def test_pressure_is_controlled_by_the_target_of_the_age(
    born: str, reading: tuple[int, int], controlled: bool
) -> None:
    found = holding(patient(born=born), HYPERTENSION, pressure("2026-11-19", *reading))
    assert ("hypertension.controlled" in found) == controlled
    assert ("hypertension.uncontrolled" in found) != controlled


def test_the_first_reading_above_target_and_the_second_are_told_apart() -> None:
    once = holding(patient(), HYPERTENSION, pressure("2026-09-01", 130, 80), pressure("2026-11-01", 152, 80))
    assert "pressure.uncontrolled_once" in once
    assert "pressure.uncontrolled_again" not in once
    twice = holding(patient(), HYPERTENSION, pressure("2026-09-01", 145, 80), pressure("2026-11-01", 152, 88))
    assert twice["pressure.uncontrolled_again"] == {
        "value": "152/88",
        "unit": "mmHg",
        "date": "2026-11-01",
        "reference": "Observation/bp-p1-2026-11-01",
        "count": 2,
        "since": "2026-09-01",
        "limit": "140/90",
    }
    assert "pressure.uncontrolled_once" not in twice


@pytest.mark.parametrize(
    ("reading", "dangerous"), [((180, 80), True), ((150, 110), True), ((179, 109), False)]
)
def test_danger_asks_for_one_of_both(reading: tuple[int, int], dangerous: bool) -> None:
    found = holding(patient(), HYPERTENSION, pressure("2026-11-10", *reading))
    assert ("pressure.crisis" in found) == dangerous
    assert ("pressure.uncontrolled_once" in found) != dangerous, "the most urgent reason is given alone"


def test_a_later_reading_ends_the_danger() -> None:
    found = holding(
        patient(), HYPERTENSION, pressure("2026-11-10", 190, 100), pressure("2026-11-12", 135, 85)
    )
    assert "pressure.crisis" not in found
    assert "hypertension.controlled" in found


def test_a_reading_counts_for_twelve_months() -> None:
    found = holding(patient(), HYPERTENSION, pressure("2025-11-19", 150, 95))
    assert found["pressure.overdue"]["date"] == "2025-11-19"
    assert "pressure.uncontrolled_once" not in found
    assert "hypertension.controlled" not in found
    assert holding(patient(), HYPERTENSION)["pressure.overdue"] == {}


def test_four_days_of_readings_in_a_year_are_followed_up() -> None:
    days = ("2026-01-10", "2026-04-10", "2026-07-10", "2026-10-10")
    readings = [pressure(day, 130, 80) for day in days]
    assert "hypertension.managed" in holding(patient(), HYPERTENSION, *readings)
    assert "hypertension.managed" not in holding(patient(), HYPERTENSION, *readings[1:])


def test_treatment_is_an_order_within_twelve_months() -> None:
    assert "hypertension.treated" in holding(patient(), HYPERTENSION, order("C08CA01", "2025-11-21"))
    found = holding(patient(), HYPERTENSION, order("C08CA01", "2025-11-20"), order("A10BA02", "2026-11-01"))
    assert "hypertension.untreated" in found


def test_the_past_is_answered_too() -> None:
    record = (patient(), HYPERTENSION, pressure("2026-05-01", 130, 80), pressure("2026-10-01", 160, 90))
    assert "hypertension.controlled" in holding(*record, on="2026-08-01")
    assert "hypertension.controlled" not in holding(*record)


def test_high_pressure_without_a_diagnosis_is_to_be_measured_again_from_35_years() -> None:
    assert "pressure.screening" in holding(patient(born="1991-11-20"), pressure("2026-11-20", 142, 80))
    assert "pressure.screening" not in holding(patient(born="1991-11-21"), pressure("2026-11-20", 142, 80))
    assert "pressure.screening" not in holding(patient(), HYPERTENSION, pressure("2026-11-20", 142, 80))


def test_glucose_and_hba1c_are_for_diabetics() -> None:
    values = (measured("14771-0", "2026-11-01", 16.7, "mmol/L"), measured("4548-4", "2026-11-01", 7.0, "%"))
    assert {"glucose.crisis", "hba1c.high"} <= holding(patient(), DIABETES, *values).keys()
    assert not {"glucose.crisis", "hba1c.high"} & holding(patient(), *values).keys()
    low = holding(patient(), DIABETES, measured("14771-0", "2026-11-01", 3.9, "mmol/L"))
    assert "glucose.crisis" in low


@pytest.mark.parametrize(("value", "dangerous"), [(16.7, True), (16.6, False), (4.0, False), (3.9, True)])
def test_a_random_glucose_is_as_dangerous_as_a_fasting_one_for_a_month(value: float, dangerous: bool) -> None:
    recent = TODAY - dt.timedelta(days=20)
    found = holding(patient(), DIABETES, measured("14749-6", recent.isoformat(), value, "mmol/L"))
    assert ("glucose.random_crisis" in found) == dangerous
    long_ago = TODAY - dt.timedelta(days=40)
    over = holding(patient(), DIABETES, measured("14749-6", long_ago.isoformat(), value, "mmol/L"))
    assert "glucose.random_crisis" not in over


def test_the_examination_is_asked_for_each_calendar_year_from_65() -> None:
    assert holding(patient(born="1960-01-01"), examination("2025-12-31"))["older.unexamined"] == {
        "date": "2025-12-31",
        "reference": "Encounter/exam-p1-2025-12-31",
    }
    assert "older.examined" in holding(patient(born="1960-01-01"), examination("2026-01-02"))
    assert "older" not in holding(patient(born="1961-11-21"))


def test_what_was_entered_in_error_or_refuted_does_not_count() -> None:
    wrong = pressure("2026-11-10", 190, 120) | {"status": "entered-in-error"}
    refuted = {"coding": [{"code": "refuted"}]}
    found = holding(patient(), HYPERTENSION | {"verificationStatus": refuted}, wrong)
    assert "pressure.crisis" not in found
    assert "hypertension" not in found


def test_nothing_holds_after_death() -> None:
    found = holding(patient(deceasedDateTime="2026-11-15"), HYPERTENSION, pressure("2026-11-10", 190, 120))
    assert found == {}


def test_a_body_that_cannot_be_read_is_passed_over() -> None:
    found = facts.read(
        [("Patient", "p1", b'{"birthDate": 3}'), ("Observation", "o", b"{"), ("Device", "d", b"{}")]
    )
    assert found.born is None
