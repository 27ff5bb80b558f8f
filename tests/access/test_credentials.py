from datetime import timedelta

import pytest
from tests.people import VILLAGE, session

from shangyi.access import Access, Origin
from shangyi.access.credentials import TOKEN_PREFIX, digest
from shangyi.errors import Forbidden, Invalid, Unauthenticated

GOOD = "correct horse battery"


@pytest.fixture(scope="module")
def cookie_of(access: Access) -> str:
    access.accounts.create("reader", GOOD, "reader", "*")
    return access.sign_in("reader", GOOD, Origin("10.0.0.1")).cookie


def test_secrets_are_kept_as_hashes(access: Access, cookie_of: str) -> None:
    token = access.tokens.create("lab", "reader", "*", timedelta(days=1), "owner")
    with access.pool.connection() as connection:
        kept = connection.execute("select hash, account_session::text from account_session").fetchall()
        kept += connection.execute("select hash, account_token::text from account_token").fetchall()
    assert {digest(cookie_of), digest(token.secret)} <= {row[0] for row in kept}
    assert not any(cookie_of in row[1] or token.secret in row[1] for row in kept)
    assert token.secret not in repr(token)
    assert token.secret.startswith(TOKEN_PREFIX)


def test_a_cookie_that_the_browser_brings_is_not_kept(access: Access, cookie_of: str) -> None:
    planted = "planted-by-somebody-else"
    signed = access.sign_in("reader", GOOD, Origin("10.0.0.1"), previous=planted)
    assert signed.cookie != planted
    with pytest.raises(Unauthenticated):
        access.browser_session(planted)
    again = access.sign_in("reader", GOOD, Origin("10.0.0.1"), previous=signed.cookie)
    with pytest.raises(Unauthenticated):
        access.browser_session(signed.cookie)
    assert access.browser_session(again.cookie)


@pytest.mark.parametrize("change", ["seen = now() - interval '61 minutes'", "expires = now()"])
def test_a_session_ends(access: Access, cookie_of: str, change: str) -> None:
    signed = access.sign_in("reader", GOOD, Origin("10.0.0.1"))
    assert access.browser_session(signed.cookie)
    with access.pool.connection() as connection:
        connection.execute(f"update account_session set {change} where hash = %s", (digest(signed.cookie),))
    access.cache.clear()
    with pytest.raises(Unauthenticated):
        access.browser_session(signed.cookie)


def test_sign_out(access: Access, cookie_of: str) -> None:
    signed = access.sign_in("reader", GOOD, Origin("10.0.0.1"))
    access.sign_out(signed.cookie, Origin("10.0.0.1"))
    with pytest.raises(Unauthenticated):
        access.browser_session(signed.cookie)
    access.sign_out(signed.cookie, Origin("10.0.0.1"))


def test_a_token_has_its_role_and_area_until_it_is_revoked(access: Access) -> None:
    owner = access.administration(access.owner_session())
    made = owner.create_token("lab system", "clinician", VILLAGE, timedelta(hours=1))
    principal = access.bearer_session(made.secret).principal
    assert (principal.role, principal.area.digits) == ("clinician", VILLAGE)
    assert made.token in owner.tokens()
    owner.revoke_token(made.token.id)
    with pytest.raises(Unauthenticated):
        access.bearer_session(made.secret)


def test_a_token_expires(access: Access) -> None:
    made = access.tokens.create("short", "reader", "*", timedelta(hours=1), "owner")
    with access.pool.connection() as connection:
        connection.execute("update account_token set expires = now() where id = %s", (made.token.id,))
    with pytest.raises(Unauthenticated):
        access.bearer_session(made.secret)
    for lifetime in (timedelta(0), timedelta(days=400)):
        with pytest.raises(Invalid):
            access.tokens.create("x", "reader", "*", lifetime, "owner")


@pytest.mark.parametrize("role", ["clinician", "epidemiologist", "analyst", "reader"])
def test_only_an_administrator_manages_accounts_and_tokens(access: Access, role: str) -> None:
    mine = access.administration(session(access, role))
    for call in (
        mine.accounts,
        mine.tokens,
        lambda: mine.create_account("evil", "administrator", "*"),
        lambda: mine.create_token("evil", "administrator", "*", timedelta(days=1)),
        lambda: mine.change_account(1, role="administrator"),
        lambda: mine.reset_password(1),
        lambda: mine.revoke_token(1),
    ):
        with pytest.raises(Forbidden):
            call()  # type: ignore[operator]


def test_unknown_tokens_are_recorded(access: Access) -> None:
    with pytest.raises(Unauthenticated):
        access.bearer_session("sy_unknown", Origin("10.9.9.9"))
    access.drain.flush()
    with access.pool.connection() as connection:
        row = connection.execute(
            "select outcome, address, detail from audit_event order by id desc limit 1"
        ).fetchone()
    assert row == (8, "10.9.9.9", "reason=unknown bearer token")
