"""Pinyin and initials of Chinese names, surnames read as surnames (单 Shàn, 曾 Zēng, 欧阳 Ōuyáng).

The readings of surnames that differ from the character's commonest are in ``surnames.txt``; all other
characters come from pypinyin, loaded at the first Chinese name. A character with several common readings in a
given name gives several spellings, at most ``LIMIT``.
"""

from functools import cache, lru_cache
from importlib import resources
from itertools import islice, product

from shangyi.store.search.text import VALUE_LENGTH, is_han

LIMIT = 4
"""Spellings kept for one name."""


@cache
def surnames() -> dict[str, tuple[str, ...]]:
    """Surname → its readings, plain letters, ü written v."""
    text = resources.files("shangyi.store.search").joinpath("surnames.txt").read_text(encoding="utf-8")
    lines = (line.split("#")[0].split() for line in text.splitlines())
    return {fields[0]: tuple(fields[1:]) for fields in lines if fields}


@lru_cache(maxsize=16384)
def readings(character: str) -> tuple[str, ...]:
    """Readings of one character, commonest first; itself where it is not Chinese."""
    if not is_han(character):
        return (character,)
    from pypinyin import Style, pinyin

    first = pinyin(character, style=Style.NORMAL)[0][0]
    others = pinyin(character, style=Style.NORMAL, heteronym=True)[0]
    return (first, *(reading for reading in others if reading != first))[:2]


def _split(name: str) -> tuple[list[tuple[str, ...]], str]:
    """The readings of each character of the surname, and the rest of the name."""
    known = surnames()
    for length in (2, 1):
        if len(name) >= length and name[:length] in known:
            spelled = known[name[:length]]
            if length == 2:
                return [(part,) for part in spelled], name[2:]
            return [spelled], name[1:]
    return [], name


def _phrase(text: str) -> list[tuple[str, ...]]:
    """The readings of each character of a given name: the one in its phrase first."""
    from pypinyin import lazy_pinyin

    if not all(map(is_han, text)):
        return [readings(character) for character in text]
    spelled = lazy_pinyin(text)
    if len(spelled) != len(text):
        return [readings(character) for character in text]
    return [
        (phrase, *(r for r in readings(character) if r != phrase))[:2]
        for phrase, character in zip(spelled, text, strict=True)
    ]


def spellings(name: str, surname: bool = True) -> frozenset[str]:
    """Full pinyin and initials of ``name`` (``shanxiongxin``, ``sxx``); empty where nothing is Chinese.

    ``surname``: the name begins with a surname. False for a given name alone.
    """
    return _spellings(name[:VALUE_LENGTH], surname)


@lru_cache(maxsize=16384)
def _spellings(name: str, surname: bool) -> frozenset[str]:
    name = "".join(name.split()).casefold()
    if not any(map(is_han, name)):
        return frozenset()
    head, rest = _split(name) if surname else ([], name)
    parts = head + (_phrase(rest) if rest else [])
    found: set[str] = set()
    for chosen in islice(product(*parts), LIMIT):
        found.add("".join(chosen))
        found.add("".join(part[0] for part in chosen))
        if "v" in "".join(chosen):
            found.add("".join(chosen).replace("v", "u"))
    return frozenset(spelling[:VALUE_LENGTH] for spelling in found)
