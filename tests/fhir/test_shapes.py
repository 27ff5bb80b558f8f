"""Code written for a shape gives the answers that its checks give one by one."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shangyi.fhir import shapes
from shangyi.fhir.shapes import Check

LONGEST = 5


def _code(value: Any) -> bool:
    return value in ("a", "b")


def _text(value: Any) -> bool:
    return type(value) is str and bool(value.strip()) and len(value) <= LONGEST


def _flag(value: Any) -> bool:
    return type(value) is bool


def _pair(value: Any) -> Any:
    return type(value) is dict and tuple(value) == ("x",) and value["x"] == 1


CODE = shapes.ask(_code, shapes.KNOWN, {"a"})
TEXT = shapes.ask(_text, shapes.TEXT, LONGEST)
FLAG = shapes.ask(_flag, shapes.BOOLEAN)
PAIR = shapes.ask(_pair, shapes.SHAPED, {("x",): lambda value: value["x"] == 1}.get)
ONE_BY_ONE: dict[Check, Callable[[Any], Any]] = {CODE: _code, TEXT: _text, FLAG: _flag, PAIR: _pair}
TEXTS = ["a", "b", "c", "", " ", " a", "a b", "周", "\n a", "toolong"]
VALUES = st.sampled_from([*TEXTS, True, 0, None, 1.5, ["x"], {}, {"x": 1}, {"x": 2}, {"y": 1}])


def answer(check: Check, value: Any) -> bool:
    """As ``fast.sound`` takes it: a value that is not even of the right kind is not sound."""
    try:
        return bool(check(value))
    except TypeError:
        return False


@given(st.lists(st.tuples(st.sampled_from(list(ONE_BY_ONE)), VALUES), min_size=1, max_size=4))
def test_written_code_answers_as_the_checks_do(members: list[tuple[Check, Any]]) -> None:
    value = {f"m{n}": item for n, (_, item) in enumerate(members)}
    expected = all(answer(ONE_BY_ONE[check], item) for check, item in members)
    assert answer(shapes.written([check for check, _ in members]), value) is expected


@given(
    st.sampled_from(list(ONE_BY_ONE)),
    st.one_of(VALUES, st.lists(VALUES, max_size=4)),
    st.sampled_from([0, 2]),
)
def test_arrays_have_items_no_more_than_allowed_and_each_sound(check: Check, value: Any, most: int) -> None:
    expected = isinstance(value, list) and 0 < len(value) <= (most or 9)
    expected = expected and all(answer(ONE_BY_ONE[check], item) for item in value)
    many = shapes.each(check, most)
    assert answer(many, value) is expected
    assert answer(shapes.written([many]), {"m": value}) is expected


def test_code_is_written_when_a_shape_has_come_often_enough() -> None:
    kept: list[Check] = []
    one_by_one = shapes.judge([CODE, TEXT], kept.append)
    for meeting in range(shapes.MEETINGS):
        assert not kept, meeting
        assert one_by_one({"m": "a", "n": "x"})
    (written,) = kept
    assert written({"m": "a", "n": "x"})
    assert not written({"m": "c", "n": "x"})


def test_a_check_that_cannot_fail_is_not_asked() -> None:
    def never(value: Any) -> Any:
        pytest.fail("asked")

    assert shapes.written([shapes.ask(never, shapes.NOTHING)])({"m": 1})
