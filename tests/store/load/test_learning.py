"""Dictionaries that a load learns while it goes on."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.databases import Databases

from shangyi.errors import Unavailable
from shangyi.store.database import Store
from shangyi.store.integrity import verify
from shangyi.store.load import learning, load, prepare
from shangyi.store.types import NUMBERS

GROUP, ORGANIZATION = NUMBERS["Group"], NUMBERS["Organization"]


@pytest.fixture
def empty(databases: Databases) -> Iterator[Store]:
    """A store without dictionaries."""
    with Store(databases.new()) as store:
        yield store


def written(path: Path, kind: str, count: int, language: str = "a", **more: Any) -> Path:
    """NDJSON of resources that have words of a language in common."""
    chance = random.Random(language)
    terms = ["".join(chance.choices("bcdfghjklmnpqrstvwxyz", k=12)) for _ in range(60)]
    with path.open("w") as file:
        for number in range(count):
            name = " ".join(chance.choices(terms, k=8))
            file.write(
                json.dumps({"resourceType": kind, "id": f"{language}{number}", **more, "name": name}) + "\n"
            )
    return path


def groups(path: Path, count: int, language: str = "a") -> Path:
    return written(path, "Group", count, language, type="person", actual=True)


def learnt(store: Store) -> Counter[int]:
    """How many dictionaries each type has."""
    with store.pool.connection() as connection:
        return Counter(row[0] for row in connection.execute("select type from dictionary").fetchall())


def packed_by(store: Store, kind: int, id: str) -> int:
    """The type whose dictionary this resource was packed with."""
    with store.pool.connection() as connection:
        row = connection.execute(
            "select d.type from resource r join dictionary d using (coding) where r.type = %s and r.id = %s",
            [kind, id.encode()],
        ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("workers", [0, 2])
def test_a_type_that_comes_later_in_bulk_gets_a_dictionary_of_its_own(
    empty: Store, tmp_path: Path, workers: int
) -> None:
    groups(tmp_path / "1.ndjson", 2600)
    written(tmp_path / "2.ndjson", "Organization", 5200)
    assert load(empty, [tmp_path], workers=workers).added == 7800
    assert set(learnt(empty)) == {0, GROUP, ORGANIZATION}
    assert packed_by(empty, GROUP, "a2599") == GROUP
    assert packed_by(empty, ORGANIZATION, "a0") == packed_by(empty, ORGANIZATION, "a5199") == ORGANIZATION
    assert empty.repository.read("Organization", "a5199").resource["id"] == "a5199"
    assert verify(empty).problems == []


def test_more_of_the_same_kind_is_learnt_once_and_another_kind_again(empty: Store, tmp_path: Path) -> None:
    load(empty, [groups(tmp_path / "1.ndjson", 2000)], workers=0)
    first = learnt(empty)
    load(empty, [groups(tmp_path / "2.ndjson", 3000)], workers=0)
    assert learnt(empty) == first
    load(empty, [groups(tmp_path / "3.ndjson", 1000, "b")], workers=0)
    assert learnt(empty) == first + Counter({GROUP: 1})
    assert verify(empty).problems == []


def test_few_resources_are_worth_no_dictionary(empty: Store, tmp_path: Path) -> None:
    load(empty, [groups(tmp_path / "1.ndjson", learning.STAGES[0] - 1)], workers=0)
    assert not learnt(empty)


def test_what_is_kept_to_learn_from_is_bounded(
    empty: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "MOST_BYTES_IN_ALL", 20_000)
    seen: list[int] = []
    ready = learning.Learning._ready

    def watched(self: learning.Learning, *item: Any) -> Any:
        seen.append(self._size)
        return ready(self, *item)

    monkeypatch.setattr(learning.Learning, "_ready", watched)
    written(tmp_path / "1.ndjson", "Group", 300, type="person", actual=True)
    written(tmp_path / "2.ndjson", "Organization", 300)
    written(tmp_path / "3.ndjson", "Location", 300)
    assert load(empty, [tmp_path], workers=0).added == 900
    assert seen
    assert max(seen) < 20_000
    assert verify(empty).problems == []


def test_a_worker_that_cannot_reach_the_database_says_so() -> None:
    with pytest.raises(Unavailable):
        prepare.work("host=/nowhere dbname=nothing", 2, frozenset(), [], [])
