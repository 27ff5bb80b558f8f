"""Case reports and hidden outbreaks: published rates, the order of instants, a truth that fits the records."""

import math
from datetime import date
from typing import Any

import pytest

from shangyi.synth import notifiable
from shangyi.synth.county import county
from shangyi.synth.outbreaks import outbreaks
from shangyi.synth.tables import table
from shangyi.synth.truth import truth

LAST = date(2026, 11, 22).toordinal()
FIRST = date(2016, 11, 22).toordinal()
YEARS = range(2016, 2027)


@pytest.fixture(scope="module")
def cards() -> list[notifiable.Case]:
    return [case for year in YEARS for case in notifiable.cases(7, FIRST, LAST, year)]


@pytest.fixture(scope="module")
def hidden() -> list[dict[str, Any]]:
    return list(truth(7, FIRST, LAST)["outbreaks"])


def test_each_disease_comes_at_its_published_rate(cards: list[notifiable.Case]) -> None:
    data = table("notifiable")
    for disease, entry in data["diseases"].items():
        rates = [entry["per_100k"][data["years"].index(min(year, 2024))] for year in range(2017, 2026)]
        expected = sum(rates) * county().population / 1e5 * data["local_share"]
        known = [c for c in cards if c.disease == disease and c.outbreak is None]
        found = sum(2017 <= date.fromordinal(c.onset).year <= 2025 for c in known)
        # Poisson, and good and bad years (lognormal weeks) of up to a quarter
        assert abs(found - expected) <= 4 * math.sqrt(expected) + 0.3 * expected + 3, disease


def test_the_disruption_of_2020_to_2022_shows(cards: list[notifiable.Case]) -> None:
    years = [date.fromordinal(c.onset).year for c in cards if c.disease == "hfmd" and c.outbreak is None]
    assert years.count(2020) < 0.7 * years.count(2019)


def test_a_few_thousand_reports_a_year_at_most(cards: list[notifiable.Case]) -> None:
    assert len(cards) <= 40_000
    assert max([date.fromordinal(c.onset).year for c in cards].count(year) for year in YEARS) <= 5_000


def test_instants_come_in_order(cards: list[notifiable.Case]) -> None:
    for case in cards:
        assert case.birth <= case.onset <= case.diagnosed // notifiable.DAY
        assert case.diagnosed < case.reported < case.reviewed
        assert case.corrected is None or case.corrected > case.reviewed
        assert case.reported // notifiable.DAY <= LAST


def test_offices_rest_at_weekends(cards: list[notifiable.Case]) -> None:
    days = [date.fromordinal(c.diagnosed // notifiable.DAY).weekday() for c in cards]
    assert days.count(6) < 0.7 * days.count(0)
    assert all(date.fromordinal(c.reviewed // notifiable.DAY).weekday() < 5 for c in cards)


def test_children_have_hand_foot_and_mouth_disease_and_adults_syphilis(cards: list[notifiable.Case]) -> None:
    def median(disease: str) -> float:
        ages = sorted((c.onset - c.birth) / 365.25 for c in cards if c.disease == disease)
        return ages[len(ages) // 2]

    assert median("hfmd") < 6
    assert median("syphilis") > 25


def test_a_third_of_the_outbreaks_is_small_and_one_still_runs(hidden: list[dict[str, Any]]) -> None:
    small = [o for o in hidden if o["excess"] < 10]
    assert 0.25 <= len(small) / len(hidden) <= 0.42
    assert [o for o in hidden if o["running"]]
    assert len({o["kind"] for o in hidden}) >= 6


@pytest.mark.parametrize("seed", [1, 7, 2024])
def test_every_seed_hides_one_that_still_runs(seed: int) -> None:
    running = [o for o in outbreaks(seed, FIRST, LAST) if max(o.onsets, default=0) == LAST]
    assert len(running) >= 1


def test_truth_names_its_cases_and_the_records_do_not(hidden: list[dict[str, Any]]) -> None:
    years = (2023, 2024, 2026)
    made = {f"Condition/{r['id']}": r for y in years for r in notifiable.reports(7, FIRST, LAST, y)}
    for outbreak in hidden:
        for case in [c for c in outbreak["cases"] if int(c.split("-")[1]) in years]:
            assert made[case]["code"]["coding"][0]["code"] == outbreak["code"]
        if outbreak["kind"] != "reporting-backlog":
            assert len(outbreak["cases"]) <= outbreak["excess"]
    assert not [r for r in made.values() if "outbreak" in str(r)]
