from typing import Any

import pytest

from shangyi.errors import Conflict, Invalid, NotFound, PreconditionFailed, ShangyiError
from shangyi.store.database import Store

ONE, TWO = "urn:uuid:11111111-1111-4111-8111-111111111111", "urn:uuid:22222222-2222-4222-8222-222222222222"


def bundle(*entries: dict[str, Any], type: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries)}


def entry(method: str, url: str, resource: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"request": {"method": method, "url": url, **more}}
    return found if resource is None else {**found, "resource": resource}


def group(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Group", "type": "person", "actual": True, **more}


def reference(target: str) -> dict[str, Any]:
    return {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": target}}


def test_circular_references_between_entries(store: Store) -> None:
    answer = store.repository.transaction(
        bundle(
            {"fullUrl": ONE, **entry("POST", "Basic", reference(TWO))},
            {"fullUrl": TWO, **entry("POST", "Basic", reference(ONE))},
        )
    )
    assert answer["type"] == "transaction-response"
    places = [item["response"]["location"].split("/_history/")[0] for item in answer["entry"]]
    assert [item["response"]["status"] for item in answer["entry"]] == ["201 Created"] * 2
    read = [store.repository.read(*place.split("/")).resource["subject"]["reference"] for place in places]
    assert read == places[::-1]


def test_answers_stand_in_the_order_of_the_bundle_and_work_in_that_of_the_specification(store: Store) -> None:
    store.repository.update(group(id="old"))
    answer = store.repository.transaction(
        bundle(
            entry("GET", "Group/put"),
            entry("PUT", "Group/put", group(id="put")),
            entry("POST", "Group", group()),
            entry("DELETE", "Group/old"),
            entry("DELETE", "Group/never"),
        )
    )
    assert [item["response"]["status"][:3] for item in answer["entry"]] == ["200", "201", "201", "204", "204"]
    assert answer["entry"][0]["resource"]["id"] == "put"


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (entry("PUT", "Group/all1", group(id="all1"), ifMatch='W/"9"'), PreconditionFailed),
        (entry("GET", "Group/nowhere"), NotFound),
        (entry("POST", "Basic", reference("urn:uuid:33333333-3333-4333-8333-333333333333")), Invalid),
        (entry("PUT", "Group/all0", group(id="all0", quantity=2)), Invalid),
        (entry("PUT", "Group/x", group(id="y")), Invalid),
        (entry("POST", "Nothing", {"resourceType": "Nothing"}), Invalid),
        (entry("POST", "Group", group(name="a\0b")), Invalid),
        (entry("FETCH", "Group/1"), Invalid),
    ],
)
def test_all_or_nothing(store: Store, bad: dict[str, Any], error: type[ShangyiError]) -> None:
    with pytest.raises(error):
        store.repository.transaction(bundle(entry("PUT", "Group/all0", group(id="all0")), bad))
    with pytest.raises(NotFound):
        store.repository.read("Group", "all0")


def test_two_writers_lose_nothing(store: Store) -> None:
    from threading import Thread

    store.repository.update(group(id="count", quantity=0))
    errors: list[BaseException] = []

    def add(resource: dict[str, Any]) -> dict[str, Any]:
        return {**resource, "quantity": resource["quantity"] + 1}

    def writer() -> None:
        for _ in range(10):
            while True:
                try:
                    store.repository.patch("Group", "count", add)
                    break
                except (PreconditionFailed, Conflict):
                    continue
                except BaseException as error:
                    errors.append(error)
                    return

    threads = [Thread(target=writer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert store.repository.read("Group", "count").resource["quantity"] == 40
