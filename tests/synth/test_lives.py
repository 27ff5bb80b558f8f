"""Children grow, women carry, people die: what a paediatrician, an obstetrician and a registrar look at."""

from collections import defaultdict
from datetime import date
from itertools import pairwise

import pytest
from tests.synth.charts import UNTIL, code, county, day, living, years

from shangyi.synth.tables import line, table


def test_children_grow_along_their_curve() -> None:
    """Heights within three standard deviations of the WHO medians, never shrinking; weights likewise."""
    growth = table("observations")["growth"]
    for record in county():
        sex = record["Patient"][0]["gender"]
        for id, part in (("height", 0.13), ("weight", 0.42)):
            loinc = table("observations")[id]["loinc"]
            found = sorted(
                (day(o["effectiveDateTime"]), float(o["valueQuantity"]["value"]))
                for o in record["Observation"]
                if code(o["code"]) == loinc and years(record, day(o["effectiveDateTime"])) < 15
            )
            for at, value in found:
                median = line(growth["age"], growth[id][sex], years(record, at))
                assert abs(value / median - 1) < part, (record["Patient"][0]["id"], at, id, value, median)
            if id == "height":
                assert all(later > earlier - 0.8 for (_, earlier), (_, later) in pairwise(found))


def doses() -> dict[str, dict[str, list[tuple[date, int]]]]:
    found: dict[str, dict[str, list[tuple[date, int]]]] = {}
    for record in county():
        given: dict[str, list[tuple[date, int]]] = defaultdict(list)
        for dose in record["Immunization"]:
            number = dose["protocolApplied"][0]["doseNumberPositiveInt"]
            given[code(dose["vaccineCode"])].append((day(dose["occurrenceDateTime"]), number))
        found[record["Patient"][0]["id"]] = given
    return found


def test_doses_are_apart_and_counted() -> None:
    for given in doses().values():
        for vaccine, times in given.items():
            times.sort()
            assert all((later - earlier).days >= 21 for (earlier, _), (later, _) in pairwise(times)), vaccine
            if vaccine != "influenza":
                numbers = [number for _, number in times]
                assert len(set(numbers)) == len(numbers), (vaccine, times)


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        # by the programme of the day: (vaccine, doses by 20 months)
        (
            (date(2017, 3, 1), date(2018, 6, 1)),
            {"IPV": 1, "bOPV": 2, "DTaP": 4, "MR": 1, "MMR": 1, "HepB": 3},
        ),
        (
            (date(2020, 6, 1), date(2023, 3, 1)),
            {"IPV": 2, "bOPV": 1, "DTaP": 4, "MR": 0, "MMR": 2, "HepB": 3},
        ),
    ],
)
def test_children_have_the_doses_of_the_programme_of_their_years(
    born: tuple[date, date], expected: dict[str, int]
) -> None:
    given = doses()
    children = [
        r["Patient"][0]
        for r in county()
        if born[0] <= day(r["Patient"][0]["birthDate"]) <= born[1] and living(r)
    ]
    assert len(children) >= 8
    full = 0
    for child in children:
        early = {
            vaccine: sum(
                (at - day(child["birthDate"])).days < 640 for at, _ in given[child["id"]].get(vaccine, [])
            )
            for vaccine in expected
        }
        full += early == expected
        assert all(early[vaccine] <= count for vaccine, count in expected.items())
    assert full / len(children) > 0.6


def test_girls_of_13_have_the_national_hpv_doses_since_november_2025() -> None:
    given = doses()
    girls = [
        r["Patient"][0]["id"]
        for r in county()
        if r["Patient"][0]["gender"] == "female"
        and date(2012, 1, 1) <= day(r["Patient"][0]["birthDate"]) <= date(2013, 5, 1)
    ]
    assert girls
    assert sum(len(given[girl].get("HPV2", [])) >= 1 for girl in girls) / len(girls) > 0.5
    for record in county():
        if record["Patient"][0]["gender"] == "male":
            assert "HPV2" not in given[record["Patient"][0]["id"]]


def test_every_birth_has_antenatal_visits_before_it() -> None:
    """Five and more by the norm; some women come less often. Blood pressure of a healthy pregnancy stays normal."""
    counts = []
    for record in county():
        births = [day(e["period"]["start"]) for e in record["Encounter"] if code(e["type"][0]) == "delivery"]
        for birth in births:
            visits = [
                day(e["period"]["start"])
                for e in record["Encounter"]
                if code(e["type"][0]) == "antenatal" and 0 < (birth - day(e["period"]["start"])).days < 280
            ]
            if (birth - date(2016, 11, 22)).days > 280:
                counts.append(len(visits))
        assert all((later - earlier).days > 320 for earlier, later in pairwise(sorted(births)))
    assert len(counts) > 50
    assert sum(n >= 5 for n in counts) / len(counts) > 0.9


def test_some_women_are_with_child_on_the_last_day() -> None:
    carrying = 0
    for record in county():
        antenatal = [e["period"]["start"] for e in record["Encounter"] if code(e["type"][0]) == "antenatal"]
        born = [e["period"]["start"] for e in record["Encounter"] if code(e["type"][0]) == "delivery"]
        carrying += any(a > "2026-08-20" and not any(b > a for b in born) for a in antenatal)
    assert 1 <= carrying <= 30


def test_the_dead_have_a_last_illness_or_died_at_home() -> None:
    dead = [r for r in county() if not living(r)]
    stays = 0
    for record in dead:
        end = record["Patient"][0]["deceasedDateTime"]
        for visit in record["Encounter"]:
            if "hospitalization" in visit and code(visit["hospitalization"]["dischargeDisposition"]) == "exp":
                stays += 1
                assert visit["period"]["end"][:10] == end
    assert 0.2 <= stays / len(dead) <= 0.6
    for record in county():
        assert not living(record) or not any(
            code(e.get("hospitalization", {}).get("dischargeDisposition", {"coding": [{"code": ""}]}))
            == "exp"
            for e in record["Encounter"]
        )


def test_marital_status_fits_age_and_household() -> None:
    old = [r["Patient"][0] for r in county() if living(r) and years(r, UNTIL) >= 75]
    texts = [p["maritalStatus"]["text"] for p in old]
    assert texts.count("丧偶") > texts.count("未婚")
    for record in county():
        if years(record, UNTIL) < 20:
            assert "maritalStatus" not in record["Patient"][0]


def test_visits_fall_on_weekdays_as_the_calendar_says() -> None:
    counts = [0] * 7
    for record in county():
        for visit in record["Encounter"]:
            if code(visit["type"][0]) == "follow-up":
                counts[day(visit["period"]["start"]).weekday()] += 1
    weights = table("calendar")["visits"]["clinic"]
    for weekday in range(5):  # holidays move some from weekends and to the days after
        share = counts[weekday] / sum(counts)
        assert share == pytest.approx(weights[weekday] / sum(weights), abs=0.03)
