"""Ids that come again are found in parts, and hashes that are alike by chance are told apart."""

import random
from pathlib import Path

import pyarrow as pa
import pytest

from shangyi.lake import repeated
from shangyi.lake.repeated import Ids
from shangyi.lake.spool import Spools


@pytest.mark.parametrize(("at_once", "alike"), [(1_000_000, 1_000_000), (64, 10), (7, 1)])
def test_the_last_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int, alike: int) -> None:
    monkeypatch.setattr(repeated, "AT_ONCE", at_once)
    monkeypatch.setattr(repeated, "ALIKE", alike)
    monkeypatch.setattr(repeated, "hash", lambda text: len(text), raising=False)  # most are alike by chance
    rng = random.Random(1)
    given = [f"{'x' * rng.randint(0, 9)}{rng.randint(0, 40)}" for _ in range(500)]
    spools, ids = Spools(tmp_path), Ids(tmp_path / "ids", "_row")
    held = [spools.spool("a"), spools.spool("b")]
    for start in range(0, len(given), 50):
        part = given[start : start + 50]
        ids.add(part, len(part))
        for number, spool in enumerate(held):
            rows = [start + at for at in range(len(part)) if hash(part[at]) % 2 == number]
            spool.add(pa.table({"id": [given[row] for row in rows], "_row": pa.array(rows, pa.int64())}))
    last = {id: row for row, id in enumerate(given)}
    assert ids.superseded(held).tolist() == [row for row, id in enumerate(given) if last[id] != row]
    assert not (tmp_path / "ids").exists()
    assert Ids(tmp_path / "none", "_row").superseded(held).tolist() == []
