"""account and token."""

from tests.cli.conftest import Home


def test_accounts(home: Home) -> None:
    made = home.json("account", "add", "liwei", "--role", "clinician", "--area", "991301101000")
    assert len(made["password"]) >= 12
    given = home.json(
        "account", "add", "wang", "--role", "administrator", "--stdin", stdin=b"correct horse battery\n"
    )
    assert "password" not in given
    assert home.json("account", "password", "liwei")["password"] != made["password"]
    home.json("account", "disable", "liwei")
    assert {a["name"]: a["disabled"] for a in home.json("account", "list")} == {"liwei": True, "wang": False}


def test_what_cannot_be_is_refused(home: Home) -> None:
    assert "is not a role" in home.run("account", "add", "x", "--role", "king", code=3).stderr
    assert "area" in home.run("account", "add", "x", "--role", "reader", code=3).stderr
    assert home.run("account", "disable", "nobody", code=4).stdout == ""


def test_tokens(home: Home) -> None:
    made = home.json("token", "create", "laboratory", "--role", "reader", "--area", "*", "--days", "1")
    listed = home.json("token", "list")
    assert listed[0]["label"] == "laboratory"
    assert made["token"] not in str(listed)
    home.json("token", "revoke", str(made["id"]))
    assert home.json("token", "list")[0]["revoked"]
    assert home.run("token", "revoke", "999", code=4).stderr
