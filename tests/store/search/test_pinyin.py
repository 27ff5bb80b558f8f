import pytest

from shangyi.store.search.conditions.string import spellings as asked_as
from shangyi.store.search.pinyin import spellings
from shangyi.store.search.values import strings


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


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("单雄信", "单 单雄信 shan Shàn SHAN ｓｈａｎ shanxiongxin sxx"),
        ("曾国强", "zeng zgq 曾国"),
        ("解晓东", "xie xxd"),
        ("仇英", "qiu qy"),
        ("区志强", "ou ozq"),
        ("欧阳锋", "ouyang oyf 欧阳"),
        ("尉迟敬德", "yuchi ycjd yuchijingde"),
        ("万俟卨", "moqi mqx"),
        ("吕布", "lv lu lü lǚ LYU lvbu lubu lyubu lb"),
        ("繁钦", "po fan"),
        ("长孙无忌", "zhangsun zswj"),
        ("买买提·阿不都", "mmt 买买提 阿不都"),
        ("张 三", "张三 zhangsan zs"),
    ],
)
def test_names_are_found_however_they_are_typed(name: str, typed: str) -> None:
    kept = strings({"text": name}, "HumanName")
    for one in [*typed.split(), *{"张 三": ["zhang san", "张 三"]}.get(name, [])]:
        assert any(k.startswith(asked) for k in kept for asked in asked_as(one, name=True)), one


def test_family_and_given_are_names_too() -> None:
    assert "shan" in strings("单", "string", "family")
    assert "xiongxin" in strings("雄信", "string", "given")
    assert "shan" not in strings("单", "string", "title")
