"""Every way of finding a page finds the same (docs/decisions/0005-search-plans.md)."""

from typing import Any

import pytest

from shangyi.store import frequency, keys
from shangyi.store.database import Store
from shangyi.store.model import EVERYTHING, Scope, SearchRequest
from shangyi.store.search import execute, plan, seen
from shangyi.store.search.index import DIVISION

LOINC = "http://loinc.org"
VILLAGE, TOWN = 520999001001, Scope((520999001000, 520999001999))


def resident(number: int) -> dict[str, Any]:
    """Six residents in three villages of two towns, and one of nowhere."""
    code = {"code": str(VILLAGE + (number // 2) % 2 + 1000 * (number // 4))}
    record: dict[str, Any] = {"resourceType": "Patient", "id": f"p{number}"}
    return (
        record
        if number == 6
        else record | {"address": [{"extension": [{"url": DIVISION, "valueCoding": code}]}]}
    )


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
    if number % 3:
        record["valueQuantity"] = {"value": number, "unit": "mg" if number % 4 else "g"}
    if number % 13:
        record["subject"] = {"reference": f"Patient/p{number % 7}"}
    if number % 11 == 0:
        start, end = f"201{number % 10}-01-01", "2026-06-30"
        return record | {"effectivePeriod": {"start": start, "end": end}}
    return record | {"effectiveDateTime": f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}"}


@pytest.fixture(scope="module")
def filled(store: Store) -> Store:
    for number in range(7):
        store.repository.update(resident(number))
    for number in range(120):
        store.repository.update(observation(number))
    return store


def ids(store: Store, query: str, scope: Scope = EVERYTHING, type: str = "Observation") -> list[str]:
    """All pages."""
    parameters = [(part.partition("=")[0], part.partition("=")[2]) for part in query.split("&")]
    seen: list[str] = []
    cursor: list[tuple[str, str]] = []
    while True:
        page = store.repository.search(SearchRequest(type, [*parameters, *cursor]), scope)
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


SCOPES = {
    "town": TOWN,
    "village": Scope((VILLAGE, VILLAGE)),
    "shared": Scope((VILLAGE, VILLAGE), shared=frozenset({"Observation"})),
    "nobody lives there": Scope((VILLAGE + 500, VILLAGE + 500)),
}


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
@pytest.mark.parametrize("query", QUERIES)
def test_the_ways_agree_within_an_area(
    filled: Store, monkeypatch: pytest.MonkeyPatch, query: str, scope: Scope
) -> None:
    monkeypatch.setattr(plan.Plan, "rows", lambda self: None)
    free = ids(filled, query, scope)
    monkeypatch.undo()
    assert bool(free) == (scope is not SCOPES["nobody lives there"])
    assert set(free) <= set(ids(filled, query))
    for few in (0, 100):  # each asked about singly, or gathered where they are few
        monkeypatch.setattr(seen, "FEW", few)
        monkeypatch.setattr(frequency, "estimate", lambda connection, wanted: dict.fromkeys(wanted, 0))
        assert ids(filled, query, scope) == free
        monkeypatch.setattr(frequency, "estimate", lambda connection, wanted: dict.fromkeys(wanted, 10**6))
        for length in (7, 1000):
            monkeypatch.setattr(plan, "SHORT", length)
            monkeypatch.setattr(plan, "LONG", length)
            assert ids(filled, query, scope) == free


@pytest.mark.parametrize("scope", [EVERYTHING, *SCOPES.values()], ids=["all", *SCOPES])
@pytest.mark.parametrize(
    "query",
    [
        f"_has:Observation:patient:code={LOINC}|often&_count=2",
        f"_has:Observation:patient:code={LOINC}|also&_has:Observation:patient:status=final&_count=50",
        f"_has:Observation:patient:code={LOINC}|none",
        f"_has:Observation:patient:code={LOINC}|often&_sort=name&_count=2",
    ],
)
def test_what_refers_is_gathered_or_asked_for(
    filled: Store, monkeypatch: pytest.MonkeyPatch, query: str, scope: Scope
) -> None:
    monkeypatch.setattr(plan.Plan, "rows", lambda self: None)
    free = ids(filled, query, scope, "Patient")
    monkeypatch.undo()
    assert bool(free) == (scope is not SCOPES["nobody lives there"] and "none" not in query)
    for few in (0, 100):
        monkeypatch.setattr(seen, "FEW", few)
        for often in (0, 10**6):
            monkeypatch.setattr(frequency, "estimate", lambda connection, t, n=often: dict.fromkeys(t, n))
            for probed in (2, 500):
                monkeypatch.setattr(plan, "PROBED", probed)
                assert ids(filled, query, scope, "Patient") == free


@pytest.mark.parametrize("scope", [EVERYTHING, *SCOPES.values()], ids=["all", *SCOPES])
@pytest.mark.parametrize(
    "query",
    [
        "value-quantity=gt40&_count=7",
        "value-quantity=ge40&value-quantity=lt100||mg&date=ge2026-03&_count=7",
        f"code={LOINC}|often&value-quantity=sa10&_sort=date&_count=7",
        f"code={LOINC}|also&value-quantity=gt20&date=ge2026-03&_count=3",
        "value-quantity=gt1000",
    ],
)
def test_values_are_gathered_or_a_filter_of_the_walk(
    filled: Store, monkeypatch: pytest.MonkeyPatch, query: str, scope: Scope
) -> None:
    monkeypatch.setattr(plan.Plan, "rows", lambda self: None)
    free = ids(filled, query, scope)
    monkeypatch.undo()
    assert bool(free) == (scope is not SCOPES["nobody lives there"] and "1000" not in query)
    checked = execute.checked
    filters: list[bool] = []

    def in_vain(*given: Any) -> Any:
        filters.append(len(given) > 5)
        return None if len(given) > 5 else checked(*given)

    monkeypatch.setattr(execute, "checked", in_vain)
    for frequent in (0, 1000):
        monkeypatch.setattr(execute, "FREQUENT", frequent)
        for few in (0, 100):
            monkeypatch.setattr(seen, "FEW", few)
            for length in (7, 1000):
                monkeypatch.setattr(plan, "LONG", length)
                assert ids(filled, query, scope) == free
    assert any(filters)
