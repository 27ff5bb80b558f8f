"""search: one page, in Chinese, pinyin and initials."""

import json

import pytest
from tests.cli.conftest import Home
from tests.cli.test_records import ndjson, patient


@pytest.fixture(autouse=True, scope="module")
def two_people(home: Home) -> None:
    """For each process that runs some of these tests."""
    home.json("load", "-", stdin=ndjson(patient("a", "张", "三"), patient("b", "李", "四")))


def test_names_are_found_in_chinese_pinyin_and_initials(home: Home) -> None:
    assert json.loads(home.run("search", "Patient?name=zs", "--json").stdout)["id"] == "a"
    assert "李四" in home.run("search", "Patient?name=lisi").stdout
    assert "张三" in home.run("search", "Patient?name=张").stdout


def test_pages_follow_each_other(home: Home) -> None:
    first = home.run("search", "Patient?_count=1", "--json")
    cursor = first.stderr.rpartition("--cursor ")[2].strip()
    second = home.run("search", "Patient?_count=1", "--cursor", cursor, "--json")
    assert {json.loads(page.stdout)["id"] for page in (first, second)} == {"a", "b"}


def test_counting(home: Home) -> None:
    assert home.json("search", "Patient?_summary=count") == {"total": 2}


def test_what_cannot_be_searched_is_refused(home: Home) -> None:
    assert "nonsense" in home.run("search", "Patient?nonsense=1", code=3).stderr
    assert "write it like" in home.run("search", "?name=1", code=3).stderr
