"""Case reports and hidden outbreaks: published rates, the order of instants, a truth that fits the records."""

import csv
import gzip
import math
from datetime import date
from typing import Any

import numpy as np
import pytest
from tests.shared import shared

from shangyi.synth import incidence, notifiable
from shangyi.synth.calendar import in_term
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
    """Years whose months were all published; good and bad weeks (lognormal) beside Poisson."""
    table_ = table("notifiable")
    spread = table_["week_noise"] / math.sqrt(1 - table_["week_persistence"] ** 2)
    for disease in table_["diseases"]:
        rate = sum(incidence.monthly(disease, year, m) for year in range(2017, 2024) for m in range(1, 13))
        expected = rate * county().population / 1e5
        known = [c for c in cards if c.disease == disease and c.outbreak is None]
        found = sum(2017 <= date.fromordinal(c.onset).year <= 2023 for c in known)
        # the best month holds up to a quarter of all cases in some five correlated weeks
        assert abs(found - expected) <= 4 * math.sqrt(expected) + 4 * spread / math.sqrt(60) * expected + 1, (
            disease
        )


def test_months_are_those_that_were_published() -> None:
    """Against the table of China CDC's monthly counts, over the populations that the data file names."""
    counts: dict[tuple[str, str], float] = {}
    with gzip.open(
        shared("data/surveillance/cn_notifiable_monthly.csv.gz"), "rt", encoding="utf-8-sig"
    ) as file:
        for row in csv.DictReader(file):
            counts.setdefault((row["DiseasesCN"], row["Date"][:7]), float(row["Cases"]))
    people = {2016: 1392.32e6, 2019: 1410.08e6, 2020: 1412.12e6, 2023: 1409.67e6}
    for disease, name in (
        ("hfmd", "手足口病"),
        ("influenza", "流行性感冒"),
        ("pertussis", "百日咳"),
        ("mumps", "流行性腮腺炎"),
    ):
        for year, population in people.items():
            for month in range(1, 13):
                published = counts.get((name, f"{year}-{month:02d}"))
                if published is not None:
                    rate = published / population * 1e5
                    assert incidence.monthly(disease, year, month) == pytest.approx(rate, rel=0.006, abs=5e-4)


def test_days_of_a_month_keep_its_total() -> None:
    random = np.random.default_rng(1)
    days = list(range(date(2023, 9, 1).toordinal(), date(2023, 9, 30).toordinal() + 1))
    mean = sum(incidence.expected(random, "conjunctivitis", days).sum() for _ in range(300)) / 300
    assert mean == pytest.approx(
        incidence.monthly("conjunctivitis", 2023, 9) * county().population / 1e5, rel=0.06
    )


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


def test_schools_have_their_outbreaks_in_term_and_never_two() -> None:
    for seed in range(6):
        schools = [o for o in outbreaks(seed, FIRST, LAST) if o.place and o.place.pupils]
        assert len({o.place.id for o in schools if o.place}) == len(schools)
        for outbreak in schools:
            span = range(outbreak.start, min(outbreak.start + 28, outbreak.end + 1, LAST + 1))
            assert any(in_term(day) for day in span)
