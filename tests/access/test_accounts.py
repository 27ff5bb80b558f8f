from concurrent.futures import ThreadPoolExecutor

import pytest

from shangyi.access import Access, Origin
from shangyi.access.limits import LIMITS, network
from shangyi.access.passwords import ALPHABET, check_strength, generate_password
from shangyi.errors import Conflict, Invalid, Throttled, Unauthenticated, Unprocessable

GOOD = "correct horse battery"


@pytest.fixture(scope="module")
def people(access: Access) -> Access:
    access.accounts.create("boss", GOOD, "administrator")
    access.accounts.create("李医生", GOOD, "clinician", "991302101", practitioner="Practitioner/li")
    access.accounts.create("victim", GOOD, "reader", "*")
    access.accounts.create("target", GOOD, "reader", "*")
    return access


def test_names_are_folded_and_unique(people: Access) -> None:
    assert people.accounts.get(" ＢＯＳＳ ").name == "boss"
    with pytest.raises(Conflict):
        people.accounts.create("BOSS", GOOD, "reader", "*")
    for name in ("", "a b", "x" * 65, "a\x00"):
        with pytest.raises(Invalid):
            people.accounts.create(name, GOOD, "reader", "*")


def test_a_role_that_reads_residents_says_its_area(people: Access) -> None:
    with pytest.raises(Unprocessable):
        people.accounts.create("nobody", GOOD, "clinician")
    with pytest.raises(Invalid):
        people.accounts.create("nobody", GOOD, "clinician", "99130")
    for role in ("owner", "system", "king"):
        with pytest.raises(Invalid):
            people.accounts.create("nobody", GOOD, role, "*")


@pytest.mark.parametrize("password", ["short", "1234567890", "aaaaaaaaaaaa", "mister-boss-1", "x" * 300])
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(Unprocessable):
        check_strength(password, "boss1" if "boss" not in password else "boss")


def test_made_passwords_are_strong_and_differ() -> None:
    made = {generate_password() for _ in range(50)}
    assert len(made) == 50
    assert all(set(password) <= set(ALPHABET + "-") for password in made)
    for password in made:
        check_strength(password, "boss")


def test_passwords_are_kept_as_argon2id(people: Access) -> None:
    with people.pool.connection() as connection:
        rows = connection.execute("select password, account::text from account").fetchall()
    assert all(row[0].startswith("$argon2id$") for row in rows)
    assert not any(GOOD in row[1] for row in rows)


def test_sign_in_says_who(people: Access) -> None:
    signed = people.sign_in("李医生", GOOD, Origin("10.0.0.1"))
    assert signed.principal.practitioner == "Practitioner/li"
    assert signed.principal.area.bounds == (991302101000, 991302101999)
    assert signed.cookie not in repr(signed)


def test_wrong_name_and_wrong_password_look_the_same(people: Access) -> None:
    texts = set()
    for name, password in (("boss", "wrong password"), ("nobody", GOOD), ("a b", GOOD)):
        with pytest.raises(Unauthenticated) as refused:
            people.sign_in(name, password, Origin("10.0.0.2"))
        texts.add(str(refused.value))
    assert len(texts) == 1


def test_the_last_administrator_stays(people: Access) -> None:
    boss = people.accounts.get("boss")
    with pytest.raises(Unprocessable):
        people.accounts.change(boss.id, disabled=True)
    with pytest.raises(Unprocessable):
        people.accounts.change(boss.id, role="reader", area="*")


def test_disabling_ends_sessions_and_sign_in(people: Access) -> None:
    account = people.accounts.create("leaver", GOOD, "reader", "*")
    signed = people.sign_in("leaver", GOOD, Origin("10.0.0.3"))
    owner = people.administration(people.owner_session())
    owner.change_account(account.id, disabled=True)
    with pytest.raises(Unauthenticated):
        people.browser_session(signed.cookie)
    with pytest.raises(Unauthenticated):
        people.sign_in("leaver", GOOD, Origin("10.0.0.3"))


def test_failures_lock_out_with_growing_delay_and_others_go_on(people: Access) -> None:
    here = Origin("10.1.1.1")
    for _ in range(LIMITS["both"].free):
        with pytest.raises(Unauthenticated):
            people.sign_in("victim", "wrong password", here)
    waits = []
    for _ in range(2):
        with pytest.raises(Throttled) as refused:
            people.sign_in("victim", GOOD, here)
        waits.append(refused.value.issues[0].args["seconds"])
        _let_time_pass(people, "both:victim@10.1.1.1")
        with pytest.raises(Unauthenticated):
            people.sign_in("victim", "wrong password", here)
    assert waits[1] > waits[0] * 1.5
    assert people.sign_in("victim", GOOD, Origin("10.1.1.2"))  # from elsewhere the person still comes in


def _let_time_pass(access: Access, key: str) -> None:
    with access.pool.connection() as connection:
        connection.execute(
            "update account_attempt set blocked = now() - interval '1 s' where key = %s", (key,)
        )


def test_guesses_at_once_are_counted_too(people: Access) -> None:
    def guess(number: int) -> str:
        try:
            people.sign_in("target", f"wrong password {number}", Origin("10.2.2.2"))
        except (Unauthenticated, Throttled) as error:
            return type(error).__name__
        return "in"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, range(16)))
    assert answers.count("Unauthenticated") <= LIMITS["both"].free + 8
    assert "Throttled" in answers


def test_success_forgets_the_failures(people: Access) -> None:
    here = Origin("10.3.3.3")
    for _ in range(LIMITS["both"].free - 1):
        with pytest.raises(Unauthenticated):
            people.sign_in("boss", "wrong password", here)
    assert people.sign_in("boss", GOOD, here)
    with people.pool.connection() as connection:
        found = connection.execute(
            "select 1 from account_attempt where key in ('account:boss', 'both:boss@10.3.3.3')"
        ).fetchall()
    assert found == []


def test_an_ipv6_house_counts_as_one() -> None:
    assert network("2001:db8::1") == network("2001:db8::ffff")
    assert network("2001:db8:0:1::1") != network("2001:db8::1")
    assert network("testclient") == "testclient"


def test_password_change_ends_every_other_session(people: Access) -> None:
    people.accounts.create("changer", GOOD, "reader", "*")
    first = people.sign_in("changer", GOOD, Origin("10.4.4.4"))
    second = people.sign_in("changer", GOOD, Origin("10.4.4.4"))
    with pytest.raises(Unauthenticated):
        people.change_password(second.cookie, "wrong password", "a new password", Origin("10.4.4.4"))
    new = people.change_password(second.cookie, GOOD, "a new password", Origin("10.4.4.4"))
    for cookie in (first.cookie, second.cookie):
        with pytest.raises(Unauthenticated):
            people.browser_session(cookie)
    assert people.browser_session(new.cookie).principal.name == "changer"
