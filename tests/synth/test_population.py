"""Residents and households: the census, resident ids, and families that hold together."""

from collections import Counter
from datetime import date
from itertools import pairwise

import pytest

from shangyi.synth.build import iso
from shangyi.synth.households import Household, households
from shangyi.synth.population import BLOCK, Person
from shangyi.synth.tables import rows, table
from shangyi.terminology.gb11643 import check_character

UNTIL = date(2026, 11, 22).toordinal()


@pytest.fixture(scope="module")
def homes() -> list[Household]:
    return [home for block in range(12) for home in households(7, block, BLOCK, UNTIL, 10)]


@pytest.fixture(scope="module")
def persons(homes: list[Household]) -> list[Person]:
    return [member for home in homes for member in home.members]


def test_ages_and_sexes_follow_the_census(persons: list[Person]) -> None:
    living = [p for p in persons if p.death is None]
    whole = sum(int(row["male"]) + int(row["female"]) for row in rows("census2020"))
    found = Counter((p.sex, p.age // 5) for p in living)
    for row in rows("census2020"):
        for sex in ("male", "female"):
            expected = int(row[sex]) / whole * len(living)
            # a systematic sample of each block: at most one person a block away from the share
            assert abs(found[sex, int(row["age_from"]) // 5] - expected) <= 12


def test_the_census_file_agrees_with_the_published_shares() -> None:
    count = {int(r["age_from"]): int(r["male"]) + int(r["female"]) for r in rows("census2020")}
    whole = sum(count.values())
    assert round(sum(n for a, n in count.items() if a < 15) / whole * 100, 1) == 18.0
    assert round(sum(n for a, n in count.items() if a >= 65) / whole * 100, 1) == 13.5


def test_resident_ids_are_unique_well_formed_and_impossible(persons: list[Person]) -> None:
    ids = [p.resident_id for p in persons]
    assert len(set(ids)) == len(ids)
    for person, number in zip(persons, ids, strict=True):
        assert number.startswith("9913")
        assert number[6:14] == iso(person.birth).replace("-", "")
        assert int(number[16]) % 2 == (person.sex == "male")
        assert check_character(number[:17]) == number[17]


def test_check_digit_of_the_standard() -> None:
    assert check_character("11010519491231002") == "X"  # GB 11643-1999, annex A


def test_numbers_run_without_a_gap(persons: list[Person]) -> None:
    assert [p.number for p in persons] == list(range(len(persons)))


def test_households_have_the_size_of_the_census(homes: list[Household]) -> None:
    size = sum(len(home.members) for home in homes) / len(homes)
    assert abs(size - table("households")["mean_size"]["value"]) < 0.15


def test_families_hold_together(homes: list[Household]) -> None:
    ages = table("households")["motherhood_age"]
    for home in homes:
        assert home.members[0].relation == "head"
        assert sum(m.relation == "spouse" for m in home.members) <= 1
        assert len({m.village for m in home.members}) == 1
        for member in home.members:
            for child in member.children:
                assert member.sex == "female"
                assert ages["from"] <= member.age_on(child.birth) <= ages["to"]
            births = sorted(child.birth for child in member.children)
            assert all(later - earlier >= 300 for earlier, later in pairwise(births))
            if member.relation == "parent":
                assert member.age >= home.head.age + 20
        couple = [m for m in home.members if m.relation in ("head", "spouse")]
        assert len({m.sex for m in couple}) == len(couple)


def test_few_children_live_without_family(homes: list[Household]) -> None:
    alone = [h for h in homes if all(m.age < 18 for m in h.members if m.death is None)]
    assert not [h for h in alone if any(m.death is None for m in h.members)]


def test_no_woman_expects_a_child_when_she_is_too_old() -> None:
    ages, expecting = table("households")["motherhood_age"], 0
    for seed in range(20):
        for home in households(seed, 0, BLOCK, UNTIL, 10):
            for member in [m for m in home.members if m.due is not None]:
                expecting += 1
                assert member.sex == "female"
                assert ages["from"] <= member.age_on(UNTIL) <= ages["to"] + 1
    assert expecting > 10
