from pathlib import Path

import pytest

from shangyi.errors import Misconfigured
from shangyi.settings import Settings, describe, unknown


def test_values_are_read_from_the_environment(tmp_path: Path) -> None:
    settings = Settings.load(
        {"SHANGYI_HOME": str(tmp_path), "SHANGYI_PORT": "8090", "SHANGYI_LANGUAGE": "zh-CN"}
    )
    assert (settings.home, settings.port, settings.language) == (tmp_path, 8090, "zh-CN")
    assert settings.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHANGYI_PORT", "99999"),
        ("SHANGYI_PORT", "eighty"),
        ("SHANGYI_TIMEZONE", "Mars/Olympus"),
        ("SHANGYI_DATABASE_URL", "mysql://somewhere"),
        ("SHANGYI_LANGUAGE", "fr"),
        ("SHANGYI_HOST", "a b"),
        ("SHANGYI_PUBLIC_URL", "example.org"),
    ],
)
def test_a_value_that_cannot_be_read_says_what_it_has_to_be(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=rf"{name} .* has to be: \S"):
        Settings.load({name: value})


def test_a_password_is_not_shown() -> None:
    assert "geheim" not in repr(Settings.load({"SHANGYI_DATABASE_URL": "postgresql://a:geheim@host/db"}))


def test_an_unknown_name_is_found_with_the_one_meant() -> None:
    assert unknown({"SHANGYI_PROT": "1", "SHANGYI_PORT": "1", "PATH": "/"}) == [
        ("SHANGYI_PROT", "SHANGYI_PORT")
    ]
    assert unknown({"SHANGYI_XYZZY": "1"}) == [("SHANGYI_XYZZY", None)]


def test_every_setting_describes_itself() -> None:
    for row in describe():
        assert row.form, row.name
        assert row.meaning.endswith("."), row.name
