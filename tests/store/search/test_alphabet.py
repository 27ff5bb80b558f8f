"""Residents in order of name by walking along the strings: the same as by putting all in order."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.store.search.asking import ask

from shangyi.store.database import Store
from shangyi.store.model import EVERYTHING, Scope
from shangyi.store.search import alphabet
from shangyi.store.search.catalogue import catalogue
from shangyi.store.search.index import DIVISION
from shangyi.store.types import NUMBERS

VILLAGE = 520999001001
NAMES = [
    "王小明",
    "Wang Xiaoming",
    "李四",
    "单雄信",
    "曾国藩",
    "Anna Maria Li",
    "阿依古丽",
    "欧阳修",
    None,
    "",
]


@pytest.fixture(scope="module")
def filled(store: Store) -> Store:
    for number in range(60):
        name = NAMES[number % len(NAMES)]
        record: dict[str, Any] = {"resourceType": "Patient", "id": f"p{number}", "gender": "female"}
        if name:
            record["name"] = [{"text": name, "family": name[0], "given": [name[1:]]}]
            if number % 3 == 0:
                record["name"].append({"text": f"曾用名{number % 4}"})
        code = {"code": str(VILLAGE + number % 2)}
        record["address"] = [{"extension": [{"url": DIVISION, "valueCoding": code}]}]
        store.repository.update(record)
    return store


def pages(store: Store, query: str, scope: Scope) -> Iterator[str]:
    following = ""
    while True:
        page = ask(store, query + following, scope)
        yield from (version.id for version in page.matches)
        if page.next is None:
            return
        following = f"&_cursor={page.next}"


@pytest.mark.parametrize("scope", [EVERYTHING, Scope((VILLAGE, VILLAGE))], ids=["all", "village"])
@pytest.mark.parametrize("count", [1, 7, 100])
@pytest.mark.parametrize("sort", ["name", "-name"])
def test_the_walk_is_in_order(
    filled: Store, monkeypatch: pytest.MonkeyPatch, sort: str, count: int, scope: Scope
) -> None:
    query = f"Patient?_sort={sort}&_count={count}"
    walked: list[bool] = []

    rows = alphabet.Walk.rows

    def told(*given: Any) -> Any:
        found = rows(*given)
        walked.append(found is not None)
        return found

    monkeypatch.setattr(alphabet.Walk, "rows", told)
    found = list(pages(filled, query, scope))
    assert all(walked)
    assert len(found) == len(set(found)) == (60 if scope is EVERYTHING else 30)
    monkeypatch.setattr(alphabet.Walk, "rows", lambda *given: None)
    assert list(pages(filled, query, scope)) == found


def test_the_walk_gives_up(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    found = list(pages(filled, "Patient?_sort=name&_count=5", EVERYTHING))
    monkeypatch.setattr(alphabet, "MOST", 0)
    assert list(pages(filled, "Patient?_sort=name&_count=5", EVERYTHING)) == found


@pytest.mark.parametrize("asked", alphabet.WALKED)
def test_the_index_of_what_lacks_a_value_is_for_this_parameter(filled: Store, asked: tuple[str, str]) -> None:
    type, code = asked
    assert alphabet.WALKED[asked] == (
        f"s.type = {NUMBERS[type]} and (s.tokens[1] & {1 << catalogue(type)[code].bit}) = 0"
    )
    with filled.pool.connection() as connection:
        row = connection.execute(
            "select pg_get_expr(indpred, indrelid) from pg_index where indexrelid = 'search_unnamed'::regclass"
        ).fetchone()
    assert row is not None
    spoken = row[0].replace("'", "").replace("::bigint", "").replace("(", "").replace(")", "").lower()
    assert spoken == alphabet.WALKED[asked].replace("s.", "").replace("(", "").replace(")", "")
