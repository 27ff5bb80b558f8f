import datetime as dt
from decimal import Decimal

import pytest

from shangyi.web import formats

TODAY = dt.date(2026, 10, 20)


@pytest.mark.parametrize(
    ("birth", "language", "shown"),
    [
        ("1958-03-14", "zh-CN", "68 岁"),
        ("1958-10-20", "en", "68 years"),
        ("1958-10-21", "en", "67 years"),
        ("2024-01-20", "zh-CN", "33 个月"),
        ("2026-10-20", "zh-CN", "出生 0 天"),
        ("2026-10-01", "en", "19 days old"),
        ("2026-09-20", "zh-CN", "1 个月"),
        ("2026-10", "zh-CN", "0 个月"),
        ("1958", "en", "68 years"),
    ],
)
def test_age_is_in_years_and_under_three_in_months(birth: str, language: str, shown: str) -> None:
    assert formats.age(birth, language, TODAY) == shown


def test_day_leaves_the_year_out_within_300_days_only() -> None:
    assert formats.day("2026-09-02", today=TODAY) == "09-02"
    assert formats.day("2024-09-02", today=TODAY) == "2024-09-02"
    assert formats.day("2026-10", today=TODAY) == "2026-10"


def test_an_instant_is_shown_in_the_readers_zone() -> None:
    assert formats.instant("2026-10-19T23:30:00Z") == "2026-10-20 07:30"
    assert formats.date("2026-10-19T23:30:00Z") == "2026-10-20"


def test_numbers_keep_their_decimals() -> None:
    assert formats.number(Decimal("1.20")) == "1.20"
    assert formats.number(1284) == "1,284"
    assert formats.percent(147, 312) == "47.1"
    assert formats.percent(0, 0) == "—"
