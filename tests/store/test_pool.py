"""Failures of PostgreSQL are errors of ours."""

import pytest

from shangyi.errors import Invalid, Misconfigured, ShangyiError, TooLarge, Unavailable
from shangyi.store.database import Store

CASES: list[tuple[str, type[ShangyiError]]] = [
    ("select pg_sleep(10)", Unavailable),
    ("select chr(0)", TooLarge),
    ("select 1/0", Invalid),
    ("select '1'::int8 * 9223372036854775807 * 2", Invalid),
    ("set transaction read only; create table x ()", Unavailable),
    ("set role pg_monitor; create table public.x ()", Misconfigured),
    ("select pg_terminate_backend(pg_backend_pid())", Unavailable),
]


@pytest.mark.parametrize(("statement", "error"), CASES, ids=[statement for statement, _ in CASES])
def test_a_failure_is_typed_and_the_next_one_works(
    store: Store, statement: str, error: type[ShangyiError]
) -> None:
    with Store(store.conninfo, statement_seconds=0.3) as opened:
        with pytest.raises(error) as caught, opened.pool.connection() as connection:
            connection.execute(statement.encode())
        assert type(caught.value) is error
        with opened.pool.connection() as connection:
            assert connection.execute("select current_user").fetchone() == ("shangyi",)


def test_a_database_that_is_not_there_is_said() -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        Store("postgresql://nobody@127.0.0.1:1/nothing")
