import threading
import time

import pytest

from shangyi.errors import Invalid
from shangyi.store import outbox
from shangyi.store.database import Store

WRITERS, WRITES = 6, 40


def test_a_reader_sees_every_version_once_and_in_order_while_others_write(store: Store) -> None:
    repository = store.repository
    done = threading.Event()
    failures: list[BaseException] = []

    def writer(number: int) -> None:
        try:
            for turn in range(WRITES):
                # two resources that all writers share, and one of its own
                for id_ in (f"shared{turn % 2}", f"own{number}"):
                    repository.update(
                        {
                            "resourceType": "Group",
                            "type": "person",
                            "actual": True,
                            "id": id_,
                            "quantity": number * 10_000 + turn,
                        }
                    )
        except BaseException as error:
            failures.append(error)

    seen: list[tuple[str, int]] = []
    cursor: str | None = None

    def reader() -> None:
        nonlocal cursor
        while True:
            last = done.is_set()
            changes, cursor = repository.changes(cursor, limit=7)
            seen.extend((change.version.reference, change.version.version) for change in changes)
            if last and not changes:
                return

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(WRITERS)]
    following = threading.Thread(target=reader)
    for thread in [*threads, following]:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    following.join()
    assert not failures
    assert len(seen) == len(set(seen)) == WRITERS * WRITES * 2
    for reference in {reference for reference, _ in seen}:
        versions = [version for name, version in seen if name == reference]
        assert versions == list(range(1, len(versions) + 1))


def test_an_open_writer_holds_back_what_comes_after_it(store: Store) -> None:
    _, cursor = store.repository.changes(limit=100_000)
    with store.pool.connection() as slow:
        slow.execute("select pg_current_xact_id()")
        store.repository.update({"resourceType": "Group", "type": "person", "actual": True, "id": "later"})
        assert store.repository.changes(cursor)[0] == []
    deadline = time.monotonic() + 30
    while not (changes := store.repository.changes(cursor)[0]) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [change.version.id for change in changes] == ["later"]


def test_only_some_types(store: Store) -> None:
    _, cursor = store.repository.changes(limit=100_000)
    store.repository.update({"resourceType": "Basic", "id": "b", "code": {"text": "x"}})
    store.repository.update({"resourceType": "Group", "type": "person", "actual": True, "id": "g"})
    changes, _ = store.repository.changes(cursor, types=["Basic"])
    assert [change.version.reference for change in changes] == ["Basic/b"]


def test_a_reader_keeps_its_place(store: Store) -> None:
    _, cursor = store.repository.changes(limit=3)
    with store.pool.connection() as connection:
        assert outbox.position(connection, "lake") is None
        outbox.advance(connection, "lake", cursor)
        outbox.advance(connection, "lake", cursor)
        assert outbox.position(connection, "lake") == cursor
        with pytest.raises(Invalid):
            outbox.advance(connection, "lake", "nonsense")
