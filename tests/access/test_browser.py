import pytest

from shangyi.access.browser import check_csrf, cookie_attributes, csrf_token, csrf_valid
from shangyi.errors import Forbidden

OURS = "https://record.example"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites() -> None:
    attributes = cookie_attributes(secure=True)
    assert attributes["httponly"]
    assert attributes["secure"]
    assert attributes["samesite"] == "lax"
    assert attributes["key"].startswith("__Host-")
    assert not cookie_attributes(secure=False)["secure"]


def test_a_token_is_new_each_time_and_of_one_session() -> None:
    first, second = csrf_token("cookie"), csrf_token("cookie")
    assert first != second
    assert csrf_valid("cookie", first)
    assert csrf_valid("cookie", second)
    assert not csrf_valid("another", first)
    for wrong in (None, "", "x", "é", first[:-4], "A" * 88):
        assert not csrf_valid("cookie", wrong)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin"},
        {"origin": OURS},
        {"origin": "https://record.example:443"},
        {"referer": OURS + "/residents"},
    ],
)
def test_our_own_pages_pass(headers: dict[str, str]) -> None:
    token = csrf_token("cookie")
    check_csrf("POST", headers, OURS, "cookie", token)
    check_csrf("POST", {**headers, "x-csrf-token": token}, OURS, "cookie")
    with pytest.raises(Forbidden):
        check_csrf("POST", headers, OURS, "cookie", None)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "http://record.example"},
        {"origin": "null"},
        {"referer": "https://record.example.evil.example/"},
    ],
)
def test_other_sites_do_not(headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        check_csrf("POST", headers, OURS, "cookie", csrf_token("cookie"))
    check_csrf("GET", headers, OURS, "cookie")
