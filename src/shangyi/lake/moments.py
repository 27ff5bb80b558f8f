"""First and last instant of many dates at once, in the forms that nearly all are written in.

What ``store.search.date.bounds`` gives, at a thirtieth of its time: days, and instants with a zone to the second or the
millisecond. Whatever else there is (years, months, leap seconds, mistakes) is left to ``bounds`` itself.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from shangyi.store.search.date import ZONE

Rows = npt.NDArray[np.int64]
Text = npt.NDArray[np.uint8]
_SECOND, _DAY = 1_000_000, 86_400_000_000
_HERE = int(ZONE.utcoffset(None).total_seconds()) * _SECOND
_MONTHS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


class _Form(NamedTuple):
    """``shape``: the text with 0 for digits and ± for a sign; ``long``: microseconds from its first to its last."""

    shape: str
    long: int


_FORMS: Mapping[int, _Form] = {
    len(form.shape): form
    for form in (
        _Form("0000-00-00", _DAY - 1),
        _Form("0000-00-00T00:00:00Z", 999_999),
        _Form("0000-00-00T00:00:00.000Z", 999),
        _Form("0000-00-00T00:00:00±00:00", 999_999),
        _Form("0000-00-00T00:00:00.000±00:00", 999),
    )
}
"""By the length of the text."""


def bounds(values: pa.Array) -> tuple[Rows, Rows, npt.NDArray[np.bool_]]:
    """First and last microsecond since 1970 of texts, and for which of them these are known here."""
    low, known = np.zeros(len(values), np.int64), np.zeros(len(values), bool)
    high = low.copy()
    lengths = pc.binary_length(values).to_numpy(zero_copy_only=False)
    for length in np.unique(lengths):
        form = _FORMS.get(int(length))
        if form is None:
            continue
        rows = np.flatnonzero(lengths == length)
        texts = values.take(pa.array(rows))
        block = np.frombuffer(texts.buffers()[2], np.uint8, len(rows) * int(length)).reshape(len(rows), -1)
        found, sound = _instants(block, form.shape)
        low[rows], high[rows], known[rows] = found, found + form.long, sound
    return low, high, known


def _instants(block: Text, shape: str) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """The first microsecond of texts of one length, and which are of the shape and a time that there is."""
    sound = np.ones(len(block), bool)
    for at, sign in enumerate(shape):
        column = block[:, at]
        if sign == "0":
            sound &= (column >= 48) & (column <= 57)
        elif sign == "±":
            sound &= (column == 43) | (column == 45)
        else:
            sound &= column == ord(sign)
    year, month, day = _number(block, 0, 4), _number(block, 5, 2), _number(block, 8, 2)
    sound &= (year > 0) & (month >= 1) & (month <= 12)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    sound &= (day >= 1) & (day <= _MONTHS[np.clip(month, 0, 12)] + (leap & (month == 2)))
    time = _days(year, month, day) * _DAY
    if len(shape) == 10:
        return time - _HERE, sound
    hour, minute, second = (_number(block, at, 2) for at in (11, 14, 17))
    sound &= (hour <= 23) & (minute <= 59) & (second <= 59)
    time += ((hour * 60 + minute) * 60 + second) * _SECOND
    if shape[19] == ".":
        time += _number(block, 20, 3) * 1000
    if shape[-1] != "Z":
        hours, minutes = _number(block, len(shape) - 5, 2), _number(block, len(shape) - 2, 2)
        sound &= (hours <= 23) & (minutes <= 59)
        ahead = (hours * 60 + minutes) * 60 * _SECOND
        time -= np.where(block[:, len(shape) - 6] == 45, -ahead, ahead)
    return time, sound


def _number(block: Text, at: int, digits: int) -> Rows:
    found = np.zeros(len(block), np.int64)
    for place in range(at, at + digits):
        found = found * 10 + (block[:, place].astype(np.int64) - 48)
    return found


def _days(year: Rows, month: Rows, day: Rows) -> Rows:
    """Days since 1970-01-01 of the Gregorian calendar, counted in years that begin with March."""
    early = month <= 2
    years = year - early
    era, of_era = years // 400, years % 400
    of_year = (153 * (month + np.where(early, 9, -3)) + 2) // 5 + day - 1
    days: Rows = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    return days
