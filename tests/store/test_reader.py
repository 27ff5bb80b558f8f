"""Reads by key survive what happens to connections (store/reader.py)."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from shangyi.errors import Unavailable
from shangyi.store import reader
from shangyi.store.database import Store
from shangyi.store.reader import Reader


def number(row: tuple[bytes | None, ...]) -> int:
    assert row[0] is not None
    return int.from_bytes(row[0], "big", signed=True)


def test_values_are_integers_and_lists_of_them(store: Store) -> None:
    rows = store.repository.reader.rows(
        "select x from unnest(%s::bigint[]) x where x between %s and %s order by x",
        ([5, -(2**63), 7, 2**63 - 1], -6, 2**63 - 1),
    )
    assert [number(row) for row in rows] == [5, 7, 2**63 - 1]
    assert store.repository.reader.rows("select null::bigint where %s = 1", (1,)) == [(None,)]


def test_a_connection_that_the_server_ended_is_made_anew(store: Store) -> None:
    written = store.repository.create({"resourceType": "Patient", "gender": "female"}).version
    assert store.repository.read("Patient", written.id) == written
    with psycopg.connect(store.conninfo, autocommit=True) as other:
        ended = other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'shangyi read' and datname = current_database()"
        ).fetchall()
    assert ended
    assert store.repository.read("Patient", written.id) == written


def test_many_threads_share_few_connections(store: Store) -> None:
    with ThreadPoolExecutor(16) as threads:
        found = list(
            threads.map(
                lambda n: number(store.repository.reader.rows("select %s::bigint + 1", (n,))[0]), range(400)
            )
        )
    assert found == list(range(1, 401))
    with psycopg.connect(store.conninfo) as other:
        row = other.execute(
            "select count(*) from pg_stat_activity"
            " where application_name = 'shangyi read' and datname = current_database()"
        ).fetchone()
    assert row is not None
    assert 1 <= row[0] <= reader.CONNECTIONS


def test_a_wrong_statement_is_an_error_and_the_connection_goes_on(store: Store) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        store.repository.reader.rows("select 1 / %s::int", (0,))
    assert store.repository.reader.rows("select 1 / %s::int", (1,)) == [(b"\0\0\0\1",)]


def test_without_a_database_it_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "WAIT_S", 0.1)
    with pytest.raises(Unavailable):
        Reader("host=/nowhere dbname=none connect_timeout=1").rows("select 1", ())
