"""Dates read many at once say what the record's search says of each."""

import random

import pyarrow as pa
import pytest

from shangyi.errors import Invalid
from shangyi.lake import moments
from shangyi.store.search import date

MADE = [
    "1970-01-01", "0001-01-01", "9999-12-31", "2000-02-29", "1900-02-29", "2024-02-30", "2023-00-10", "2023-13-01",
    "2023-10-00", "0000-10-10", "2023", "2023-05", "", "2023-05-06T24:00:00Z", "2023-05-06T23:59:60+08:00",
    "2023-05-06T23:60:00Z", "2023-05-06T12:30+08:00", "2023-05-06T12:30:01.5Z", "2023-05-06T12:30:01.123456Z",
    "2023-05-06T12:30:01.123-09:30", "2023-05-06 12:30:01+08:00", "2023-05-06T12:30:01+24:00", "２０２３-05-06",
    "2023-05-06T12:30:01-00:00", "2023-05-06T12:30:01+05:60", "2023/05/06", "2023-05-06t12:30:01z", "1582-10-10",
]  # fmt: skip


def written(rng: random.Random) -> str:
    text = f"{rng.randint(1, 9999):04}-{rng.randint(1, 12):02}-{rng.randint(1, 31):02}"
    if rng.random() < 0.3:
        return text
    text += f"T{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"
    text += rng.choice(["", ".000", f".{rng.randint(0, 999):03}"])
    return text + rng.choice(["Z", f"{rng.choice('+-')}{rng.randint(0, 23):02}:{rng.randint(0, 59):02}"])


def test_as_one_at_a_time() -> None:
    rng = random.Random(4)
    texts = [*MADE, *(written(rng) for _ in range(3000))]
    low, high, known = moments.bounds(pa.array(texts))
    for text, first, last, sure in zip(texts, low, high, known, strict=True):
        if sure:
            assert (first, last) == date.bounds(text), text
    assert known.mean() > 0.9  # the 29th to 31st of short months apart
    for text, sure in zip(texts[len(MADE) :], known[len(MADE) :], strict=True):
        if not sure:
            with pytest.raises(Invalid):
                date.bounds(text)
