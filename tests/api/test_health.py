from collections.abc import Callable

from tests.api.conftest import Client


def test_health_and_readiness_need_no_signing_in(as_role: Callable[..., Client]) -> None:
    nobody = as_role(None)
    assert nobody.get("/health").json() == {"status": "ok"}
    ready = nobody.get("/ready")
    assert ready.status_code == 200
    assert ready.json()["checks"] == {"database": True, "migrations": True, "disk": True}


def test_a_database_of_another_release_is_not_ready(as_role: Callable[..., Client], store: object) -> None:
    with store.pool.connection() as connection:  # type: ignore[attr-defined]
        connection.execute("insert into migration (number, name, checksum) values (9999, 'later', '')")
    answer = as_role(None).get("/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] is False
