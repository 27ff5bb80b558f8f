"""Daily tables: seasons, weekends, closed schools, and the outbreaks that show in them."""

from datetime import date
from itertools import islice

import pytest

from shangyi.synth import daily
from shangyi.synth.calendar import holiday
from shangyi.synth.county import county
from shangyi.synth.outbreaks import outbreaks

LAST = date(2026, 11, 22).toordinal()
FIRST = date(2016, 11, 22).toordinal()
DAYS = range(FIRST, LAST + 1)


@pytest.fixture(scope="module")
def syndromes() -> dict[tuple[str, str, str], int]:
    return {(str(a), str(b), str(c)): int(n) for a, b, c, n in daily.syndromes(7, DAYS)}


def test_every_day_institution_and_syndrome_has_a_count(syndromes: dict[tuple[str, str, str], int]) -> None:
    places = {place for _, place, _ in syndromes}
    kinds = {kind for _, _, kind in syndromes}
    assert len(syndromes) == len(DAYS) * len(places) * len(kinds)
    assert min(syndromes.values()) >= 0


def test_influenza_like_illness_peaks_in_winter(syndromes: dict[tuple[str, str, str], int]) -> None:
    def total(months: set[str]) -> int:
        return sum(n for (day, _, kind), n in syndromes.items() if kind == "ili" and day[5:7] in months)

    assert total({"12", "01"}) > 1.6 * total({"06", "07"})


def test_weekends_have_fewer_visits(syndromes: dict[tuple[str, str, str], int]) -> None:
    totals = [0] * 7
    for (day, _, _), count in syndromes.items():
        totals[date.fromisoformat(day).weekday()] += count
    assert totals[6] < 0.8 * totals[0]


def test_schools_report_on_school_days_and_see_their_outbreak() -> None:
    rows = list(daily.school_absence(7, DAYS))
    ill = {(str(day), str(place)): int(sick) for day, place, _, absent, sick in rows}
    assert all(date.fromisoformat(day).weekday() < 5 for day, _ in ill)
    assert not [day for day, _ in ill if holiday(date.fromisoformat(day).toordinal())]
    assert all(int(sick) <= int(absent) <= int(enrolled) for _, _, enrolled, absent, sick in rows)
    schools = [o for o in outbreaks(7, FIRST, LAST) if o.place and o.place.pupils and len(o.onsets) >= 12]
    raised = 0
    for outbreak in schools:
        assert outbreak.place
        here = [n for (_, place), n in ill.items() if place == outbreak.place.id]
        window = {date.fromordinal(d).isoformat() for d in range(outbreak.start, outbreak.end + 1)}
        during = [n for (day, place), n in ill.items() if place == outbreak.place.id and day in window]
        raised += bool(during) and max(during) > sum(here) / len(here) * 2
    assert raised >= len(schools) / 2


def test_populations_add_up_to_the_county() -> None:
    total = sum(int(row[4]) for row in daily.populations())
    assert total == county().population


def test_the_same_seed_sells_the_same_boxes() -> None:
    def first(seed: int) -> list[daily.Row]:
        return list(islice(daily.pharmacy_sales(seed, DAYS), 30_000))

    assert first(3) == first(3)
    assert first(3) != first(4)
