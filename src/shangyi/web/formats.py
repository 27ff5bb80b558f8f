"""Dates, ages and numbers as a clinician writes them: 10-20, 10 月 20 日, 68 岁, 5 个月, 6.3."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

from shangyi.i18n import translate

ZONE = ZoneInfo("Asia/Shanghai")
THIN_SPACE = "\u2009"
MONTHS_BELOW_YEARS = 3
"""Ages under 3 years are given in months (console guide)."""


def parse(value: str | dt.date | dt.datetime) -> dt.date:
    """The day, in the reader's zone, of a FHIR date, dateTime or instant; a partial date is its first day."""
    if isinstance(value, dt.datetime):
        return value.astimezone(ZONE).date()
    if isinstance(value, dt.date):
        return value
    if "T" in value:
        return dt.datetime.fromisoformat(value).astimezone(ZONE).date()
    year, month, day = [*value.split("-"), "01", "01"][:3]
    return dt.date(int(year), int(month), int(day))


def date(value: str | dt.date | dt.datetime | None, language: str = "zh-CN") -> str:
    """``2026-10-20``, or as much of it as was written."""
    if not value:
        return ""
    if isinstance(value, str) and "T" not in value:
        return value
    return parse(value).isoformat()


def day(
    value: str | dt.date | dt.datetime | None, language: str = "zh-CN", today: dt.date | None = None
) -> str:
    """``10-20`` within a year before today, else the whole date."""
    if not value or (isinstance(value, str) and len(value) < len("2026-10-20")):
        return value if isinstance(value, str) else ""
    shown, now = parse(value), today or dt.datetime.now(ZONE).date()
    return (
        shown.strftime("%m-%d")
        if dt.timedelta(0) <= now - shown < dt.timedelta(days=300)
        else shown.isoformat()
    )


def long_day(value: dt.date, language: str = "zh-CN") -> str:
    """``10 月 20 日 星期二`` or ``Tuesday 20 October``."""
    if language == "zh-CN":
        return f"{value.month} 月 {value.day} 日 星期{'一二三四五六日'[value.weekday()]}"
    return value.strftime("%A %-d %B")


def instant(value: str | dt.datetime | None, language: str = "zh-CN") -> str:
    """Date and minute in the reader's zone."""
    if not value:
        return ""
    moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.astimezone(ZONE).strftime("%Y-%m-%d %H:%M")


def age(birth_date: str | None, language: str = "zh-CN", at: dt.date | None = None) -> str:
    """Age at a day: years, months under 3 years, days in the first month; empty where no birth date is known."""
    if not birth_date:
        return ""
    born, now = parse(birth_date), at or dt.datetime.now(ZONE).date()
    months = (now.year - born.year) * 12 + now.month - born.month - (now.day < born.day)
    if months <= 0 and len(birth_date) >= len("2026-10-20"):
        return translate("{n} days old", language).format(n=max((now - born).days, 0))
    if months < MONTHS_BELOW_YEARS * 12:
        return translate("{n} months", language).format(n=max(months, 0))
    return translate("{n} years", language).format(n=months // 12)


def number(value: Decimal | float | int | None, places: int | None = None) -> str:
    """``1 284`` groups stay commas (1,284); decimals as written unless ``places`` rounds them."""
    if value is None:
        return ""
    return f"{value:,}" if places is None else f"{value:,.{places}f}"


def percent(part: float, whole: float, places: int = 1) -> str:
    """``47.2`` of a share, without the sign; an em dash where there is nobody to share."""
    return f"{100 * part / whole:.{places}f}" if whole else "—"
