"""Which of several versions a canonical reference means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shangyi.terminology import versions


@pytest.mark.parametrize(
    "ordered",
    [
        [None, "1", "1.0.1", "1.2.0", "1.10.0", "2.0.0"],
        ["2023-09-01", "2024", "2024-03", "2024-03-01"],
        ["1.0.0-beta", "1.0.0"],
        ["4.0.0-ballot", "4.0.0", "4.0.1"],
    ],
)
def test_newer_versions_sort_later(ordered: list[str | None]) -> None:
    assert sorted(sorted(ordered, key=str), key=versions.order) == ordered


@pytest.mark.parametrize(
    ("version", "wanted", "meant"),
    [
        ("1.2.0", None, True),
        ("1.2.0", "1.2.0", True),
        ("1.2.0", "1.x", True),
        ("1.2.0", "1.x.x", True),
        ("1.2.0", "1.2.*", True),
        ("1.2.0", "1.3.x", False),
        ("1.2.0", "1", False),
        ("1.2.0", "1.x.1", False),
        ("1.2", "1.2.x", True),
        (None, "1.x", False),
    ],
)
def test_a_reference_may_leave_parts_open(version: str | None, wanted: str | None, meant: bool) -> None:
    assert versions.matches(version, wanted) is meant


@given(st.text(), st.text())
def test_any_text_can_stand_for_a_version(a: str, b: str) -> None:
    assert versions.matches(a, a)
    assert (versions.order(a) < versions.order(b)) or (versions.order(a) >= versions.order(b))
