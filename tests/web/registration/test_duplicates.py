"""Who may be the same person: the requirements of issue 3, and who is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shangyi.web.registration.duplicates import Likeness, compare, likely, rules

ID = "991321195803140029"


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (Likeness("甲", resident_id=ID), Likeness("乙", resident_id=ID), "same-resident-id"),
        (Likeness("单秀兰", birth="1958-03-14"), Likeness("单秀兰", birth="1958-03-14"), "same-birth"),
        (Likeness("张丽", birth="1980-01-02"), Likeness("章莉", birth="1980-01-02"), "same-pinyin"),
        (Likeness("王建国", phone="13900000001"), Likeness("王建军", phone="13900000001"), "similar-name"),
        (Likeness("李娜", birth="1990-05-06"), Likeness("李娜", birth="1990-06-05"), "swapped-birth"),
        (
            Likeness("王强", birth="1970-01-01", resident_id=ID),
            Likeness("王强", birth="1970-01-01", resident_id=ID[:-2] + "39"),
            "near-resident-id",
        ),
        (Likeness("甲乙", insurance="91"), Likeness("丙丁", insurance="91"), "same-insurance"),
    ],
)
def test_a_likely_duplicate_is_warned_of_with_its_reason(one: Likeness, other: Likeness, reason: str) -> None:
    points, reasons = compare(one, other)
    assert points >= rules()["warn_from"]
    assert reason in reasons


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # a common name and nothing else
        (Likeness("王伟", "male", "1980-01-02"), Likeness("王伟", "male", "1961-07-09")),
        # born on one day
        (Likeness("王伟", "male", "1980-01-02"), Likeness("陈杰", "male", "1980-01-02")),
        # father and son with the family's phone
        (
            Likeness("王建国", "male", "1950-02-03", phone="13900000001"),
            Likeness("王建军", "male", "1978-02-03", phone="13900000001"),
        ),
        # mother and daughter
        (
            Likeness("李兰", "female", "1960-02-03", phone="13900000001", village="991321100001"),
            Likeness("周敏", "female", "1985-02-03", phone="13900000001", village="991321100001"),
        ),
        (Likeness("王伟"), Likeness()),
    ],
)
def test_others_are_not(one: Likeness, other: Likeness) -> None:
    assert compare(one, other)[0] < rules()["warn_from"]


PEOPLE = st.builds(
    Likeness,
    name=st.sampled_from(["单秀兰", "单秀蓝", "单兰", "王伟", ""]),
    sex=st.sampled_from(["male", "female", "unknown"]),
    birth=st.sampled_from(["1958-03-14", "1958-03", "1990-01-02", ""]),
    resident_id=st.sampled_from([ID, ID[:-2] + "39", ""]),
    phone=st.sampled_from(["13900000001", ""]),
)


@given(PEOPLE, PEOPLE)
def test_comparing_is_the_same_both_ways(one: Likeness, other: Likeness) -> None:
    assert compare(one, other) == compare(other, one)


def test_the_likeliest_comes_first_and_merged_records_not_at_all() -> None:
    person = Likeness("单秀兰", birth="1958-03-14", phone="13900000001")
    name = [{"text": "单秀兰"}]
    phone = [{"system": "phone", "value": "+86 139 0000 0001"}]
    patients = [
        {"resourceType": "Patient", "id": "a", "name": name, "birthDate": "1958-03-14"},
        {"resourceType": "Patient", "id": "b", "name": name, "birthDate": "1958-03-14", "telecom": phone},
        {
            "resourceType": "Patient",
            "id": "c",
            "name": name,
            "birthDate": "1958-03-14",
            "link": [{"type": "replaced-by", "other": {"reference": "Patient/b"}}],
        },
    ]
    found = likely(person, patients)
    assert [match.patient["id"] for match in found] == ["b", "a"]
    assert found[0].certain
    assert found[0].sentences("zh-CN")[:2] == ["姓名相同", "电话相同"]
    assert all(rule["zh"] and rule["en"] for rule in rules()["rules"].values())
