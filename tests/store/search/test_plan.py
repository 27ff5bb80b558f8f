"""Every way of finding a page finds the same (docs/decisions/0005-search-plans.md)."""

from typing import Any

import pytest

from shangyi.store import frequency, keys
from shangyi.store.database import Store
from shangyi.store.model import SearchRequest
from shangyi.store.search import plan

LOINC = "http://loinc.org"


def observation(number: int) -> dict[str, Any]:
    codes = [{"system": LOINC, "code": "often" if number % 7 else "seldom"}]
    if number % 5 == 0:
        codes.append({"system": LOINC, "code": "also"})
    record: dict[str, Any] = {
        "resourceType": "Observation",
        "id": f"o{number:03}",
        "status": "final" if number % 2 else "amended",
        "code": {"coding": codes},
    }
    if number % 11 == 0:
        start, end = f"201{number % 10}-01-01", "2026-06-30"
        return record | {"effectivePeriod": {"start": start, "end": end}}
    return record | {"effectiveDateTime": f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}"}


@pytest.fixture(scope="module")
def filled(store: Store) -> Store:
    for number in range(120):
        store.repository.update(observation(number))
    return store


def ids(store: Store, query: str) -> list[str]:
    """All pages."""
    parameters = [(part.partition("=")[0], part.partition("=")[2]) for part in query.split("&")]
    seen: list[str] = []
    cursor: list[tuple[str, str]] = []
    while True:
        page = store.repository.search(SearchRequest("Observation", [*parameters, *cursor]))
        seen += [version.id for version in page.matches]
        if page.next is None:
            return seen
        cursor = [("_cursor", page.next)]


QUERIES = [
    f"code={LOINC}|often&_count=7",
    f"code={LOINC}|also&_count=7",
    f"code={LOINC}|often&date=ge2026-03&_count=9",
    f"code={LOINC}|often&date=ge2026-06-30&_count=9",
    f"code={LOINC}|also&date=lt2026-03-04&_count=5",
    f"code={LOINC}|often&date=2026-03&_count=50",
    f"code={LOINC}|often&date=ap2026-03-01&_count=50",
    f"code={LOINC}|often&status=amended&_sort=date&_count=6",
    "status=final&date=ge2026-02&date=le2026-06&_count=6",
    "status=final&_count=6",
    "status=final&date=eb2026-03&_sort=date&_count=6",
    "date=ge2026-02&_count=8",
    "date=2026-03&_count=8",
    "status:not=final&_count=8",
    "status=final&_sort=-_lastUpdated&_count=8",
    "_sort=_lastUpdated&_count=8",
    f"code={LOINC}|often&_sort=-_lastUpdated&_count=8",
]


@pytest.mark.parametrize("query", QUERIES)
def test_the_ways_agree(filled: Store, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    monkeypatch.setattr(plan.Plan, "rows", lambda self: None)
    free = ids(filled, query)
    monkeypatch.undo()
    assert free
    assert len(free) == len(set(free))
    assert ids(filled, query) == free

    tokens = [keys.token("Observation", "status", status) for status in ("final", "amended")]
    monkeypatch.setattr(
        frequency, "estimate", lambda connection, wanted: dict.fromkeys([*wanted, *tokens], 10**6)
    )
    assert ids(filled, query) == free
    for length in (7, 40):
        monkeypatch.setattr(plan, "SHORT", length)
        monkeypatch.setattr(plan, "LONG", length)
        assert ids(filled, query) == free
