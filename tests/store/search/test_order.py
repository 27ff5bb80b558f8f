"""Orders and pages (http://hl7.org/fhir/R4/search.html#sort): complete, in order, and stable while others write."""

import threading
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.search.asking import ask, in_order

from shangyi.errors import NotSupported
from shangyi.store.database import Store
from shangyi.store.model import SearchRequest


def patient(id: str, family: str | None, born: str | None, died: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"resourceType": "Patient", "id": id}
    if family:
        found["name"] = [{"family": family}]
    if born:
        found["birthDate"] = born
    if died:
        found["deceasedDateTime"] = died
    return found


def measured(id: str, value: str | None, when: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"text": "x"},
        "effectiveDateTime": when,
    }
    return found | ({"valueQuantity": {"value": Decimal(value)}} if value else {})


@pytest.fixture(scope="module")
def filled(store: Store) -> Store:
    for record in [
        patient("p1", "Wang", "1990-01-01"),
        patient("p2", "Li", "1980-01-01", "2020-01-01"),
        patient("p3", "Wang", "1970-01-01", "2019-01-01"),
        patient("p4", None, "1960-01-01"),
        patient("p5", "Chen", None),
        measured("o1", "5.5", "2026-01-01"),
        measured("o2", "5.25", "2026-01-02"),
        measured("o3", None, "2026-01-03"),
        measured("o4", "100", "2026-01-04"),
    ]:
        store.repository.update(record)
    return store


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("Patient?_sort=birthdate", "p5 p4 p3 p2 p1"),
        ("Patient?_sort=-birthdate", "p1 p2 p3 p4 p5"),
        ("Patient?_sort=family,birthdate", "p4 p5 p2 p3 p1"),
        ("Patient?_sort=family,-birthdate", "p4 p5 p2 p1 p3"),
        ("Patient?_sort=-family,birthdate", "p3 p1 p2 p5 p4"),
        ("Patient?_sort=-death-date,-birthdate", "p2 p3 p1 p4 p5"),
        ("Observation?_sort=value-quantity", "o3 o2 o1 o4"),
        ("Observation?_sort=-value-quantity", "o4 o1 o2 o3"),
        ("Observation?_sort=-value-quantity&status=final", "o4 o1 o2 o3"),
        ("Observation?_sort=_lastUpdated", "o1 o2 o3 o4"),
        ("Observation?_sort=-date", "o4 o3 o2 o1"),
        ("Observation?", "o4 o3 o2 o1"),
    ],
)
@pytest.mark.parametrize("count", [1, 2, 20])
def test_orders_hold_over_pages(filled: Store, query: str, order: str, count: int) -> None:
    assert in_order(filled, f"{query}&_count={count}") == order


@pytest.mark.parametrize("sort", ["gender", "general-practitioner"])
def test_what_gives_no_order_is_refused(filled: Store, sort: str) -> None:
    with pytest.raises(NotSupported):
        ask(filled, f"Patient?_sort={sort}")


SORTS = ("", "date", "-date", "_lastUpdated", "_id", "value-quantity,-date", "-value-quantity")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sort=st.sampled_from(SORTS),
    count=st.integers(1, 9),
    values=st.lists(st.integers(0, 5), min_size=1, max_size=25),
    checked=st.booleans(),
)
def test_a_row_that_stays_is_on_one_page_whatever_is_written(
    store: Store, sort: str, count: int, values: list[int], checked: bool
) -> None:
    """Others create, change and delete around the reader; what stays comes exactly once."""
    code = f"c{abs(hash((sort, count, tuple(values), checked)))}"
    concept = {"coding": [{"system": "urn:c", "code": code, "display": "stays"}]}

    def record(id: str, value: int) -> dict[str, Any]:
        return measured(id, str(value), f"2026-01-{value % 28 + 1:02}") | {"code": concept}

    kept = [f"{code}-{number}" for number in range(len(values))]
    for id, value in zip(kept, values, strict=True):
        store.repository.update(record(id, value))
    stop = threading.Event()

    def disturb() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            id = f"{code}-other-{turn % 7}"
            store.repository.update(record(id, turn % 6))
            if turn % 3 == 0:
                store.repository.delete("Observation", id)

    writer = threading.Thread(target=disturb)
    writer.start()
    try:
        query = [("code", f"urn:c|{code}"), ("_count", str(count))]
        query += [("_sort", sort)] if sort else []
        query += [("code:text", "stays")] if checked else []
        seen: list[str] = []
        cursor: list[tuple[str, str]] = []
        for _ in range(200):
            page = store.repository.search(SearchRequest("Observation", [*query, *cursor]))
            seen += [version.id for version in page.matches]
            if page.next is None:
                break
            cursor = [("_cursor", page.next)]
    finally:
        stop.set()
        writer.join()
    assert sorted(id for id in seen if "other" not in id) == sorted(kept)
