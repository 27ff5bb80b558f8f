"""Files and lines: the same whatever the number of processes, the truth apart."""

import csv
import json
from datetime import date
from pathlib import Path

import pytest
import yaml

from shangyi.errors import Invalid
from shangyi.store.load.sources import SUFFIXES
from shangyi.synth import generate, lines, write
from shangyi.synth.daily import TABLES

UNTIL = date(2026, 11, 22)


def test_lines_are_the_same_with_two_processes() -> None:
    assert list(lines(260, 5, UNTIL)) == list(lines(260, 5, UNTIL, processes=2))


def test_write_fills_the_folder(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    counts = write(tmp_path, 30, 5, UNTIL, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1]
    assert counts["Patient"] == 30
    for kind, count in counts.items():
        assert len((tmp_path / f"{kind}.ndjson").read_bytes().splitlines()) == count
    for name, heading in TABLES.items():
        with (tmp_path / f"{name}.csv").open(encoding="utf-8") as file:
            assert tuple(next(csv.reader(file))) == heading
    assert json.loads((tmp_path / "boundaries.geojson").read_text(encoding="utf-8"))["features"]
    truth = yaml.safe_load((tmp_path / "truth" / "outbreaks.yaml").read_text(encoding="utf-8"))
    assert truth["outbreaks"]
    records = {f"{kind}.ndjson" for kind in counts}  # all that a load of the folder takes up
    assert {path.name for path in tmp_path.rglob("*") if path.suffix in SUFFIXES} == records
    assert not [file for file in tmp_path.glob("*.ndjson") if b"outbreak" in file.read_bytes()]


@pytest.mark.parametrize(
    ("residents", "seed", "until"), [(0, 1, UNTIL), (1, -1, UNTIL), (1, 1, date(1990, 1, 1))]
)
def test_what_cannot_be_made_is_refused(residents: int, seed: int, until: date) -> None:
    with pytest.raises(Invalid):
        next(iter(generate(residents, seed, until)))
