import pytest

from shangyi.store.search.pinyin import spellings


@pytest.mark.parametrize(
    ("name", "full", "initials"),
    [
        ("单雄信", "shanxiongxin", "sxx"),
        ("曾国藩", "zengguofan", "zgf"),
        ("欧阳锋", "ouyangfeng", "oyf"),
        ("仇士良", "qiushiliang", "qsl"),
        ("解缙", "xiejin", "xj"),
        ("区大相", "oudaxiang", "odx"),
        ("查良镛", "zhaliangyong", "zly"),
        ("任我行", "renwoxing", "rwx"),
        ("华佗", "huatuo", "ht"),
        ("尉迟恭", "yuchigong", "ycg"),
        ("吕布", "lvbu", "lb"),
        ("吕布", "lubu", "lb"),
    ],
)
def test_surnames_are_read_as_surnames(name: str, full: str, initials: str) -> None:
    assert {full, initials} <= spellings(name)


def test_a_given_name_alone_is_not_read_as_a_surname() -> None:
    assert "danyi" in spellings("单一", surname=False)
    assert "danyi" not in spellings("单一")


def test_what_is_not_chinese_has_no_pinyin() -> None:
    assert spellings("Smith") == frozenset()
