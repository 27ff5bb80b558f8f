"""GB 11643-1999."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shangyi.errors import Invalid
from shangyi.terminology.gb11643 import check_character, parse

TODAY = dt.date(2026, 11, 24)


def test_the_standards_own_examples() -> None:
    # annex A of the standard
    assert check_character("11010519491231002") == "X"
    assert check_character("44052418800101001") == "4"
    found = parse("11010519491231002X", TODAY)
    assert (found.division, found.birth, found.sex) == ("110105", dt.date(1949, 12, 31), "female")


@pytest.mark.parametrize(
    "text", ["１１０１０５１９４９１２３１００２Ｘ", "110105 19491231 002x", "110105-19491231-002X"]
)
def test_it_is_read_as_people_write_it(text: str) -> None:
    assert parse(text, TODAY).value == "11010519491231002X"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "17 digits"),
        ("110105194912310021", "check digit"),
        ("11010519491331002X", "does not exist"),
        ("11010520991231002X", "not possible"),
        ("1101051949123100", "17 digits"),
        ("1101051949123100٢X", "17 digits"),
    ],
)
def test_what_is_wrong_is_said(text: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        parse(text, TODAY)


@given(
    day=st.dates(dt.date(1900, 1, 1), TODAY),
    serial=st.integers(0, 999),
    place=st.integers(0, 16),
    other=st.integers(1, 9),
)
def test_one_wrong_digit_is_always_noticed(day: dt.date, serial: int, place: int, other: int) -> None:
    first = f"991321{day:%Y%m%d}{serial:03d}"
    number = first + check_character(first)
    assert parse(number, TODAY).sex == ("male" if serial % 2 else "female")
    wrong = number[:place] + str((int(number[place]) + other) % 10) + number[place + 1 :]
    with pytest.raises(Invalid):
        parse(wrong, TODAY)


@given(day=st.dates(dt.date(1900, 1, 1), TODAY), serial=st.integers(0, 999), place=st.integers(0, 15))
def test_two_neighbours_exchanged_are_noticed(day: dt.date, serial: int, place: int) -> None:
    first = f"991321{day:%Y%m%d}{serial:03d}"
    number = first + check_character(first)
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if swapped != number:
        with pytest.raises(Invalid):
            parse(swapped, TODAY)
