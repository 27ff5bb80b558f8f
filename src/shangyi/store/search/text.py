"""Folding of text, so that a search meets what people mean: width, case, accents and spacing aside."""

import re
import unicodedata
from functools import lru_cache

from shangyi.store.keys import REMEMBERED_LENGTH

_GAPS = re.compile(r"[\W_]+", re.UNICODE)
_PLAIN = re.compile(r"[a-z0-9 ]*\Z")
LOOKED_AT = 4096
"""Characters of a string that are searched by their words: no name or address is longer."""

VALUE_LENGTH = 64
"""Characters kept of a folded string in ``search_string``."""


def fold(text: str) -> str:
    """NFKC, casefolded, without accents; every run of other characters is one space.

    http://hl7.org/fhir/R4/search.html#string: "insensitive to casing and included combining characters".
    """
    return (_fold if len(text) <= REMEMBERED_LENGTH else _fold.__wrapped__)(text)


@lru_cache(maxsize=8192)
def _fold(text: str) -> str:
    folded = text.casefold()
    if not _PLAIN.match(folded):
        decomposed = unicodedata.normalize("NFKD", folded)
        folded = unicodedata.normalize("NFKC", "".join(c for c in decomposed if not unicodedata.combining(c)))
        folded = folded.casefold()
    return _GAPS.sub(" ", folded).strip()


def is_han(character: str) -> bool:
    """A Chinese character (CJK unified ideographs, their extensions, compatibility forms, and 〇)."""
    point = ord(character)
    return 0x4E00 <= point <= 0x9FFF or 0x3400 <= point <= 0x4DBF or point >= 0x20000 or character == "〇"


def grams(folded: str) -> set[str]:
    """What ``:contains`` looks for: single and pairs of Chinese characters, three of anything else.

    A text shorter than its gram has none; the caller then compares the strings themselves.
    """
    found: set[str] = set()
    for word in folded.split(" "):
        for start, character in enumerate(word):
            if is_han(character):
                found.add(character)
                if start + 1 < len(word) and is_han(word[start + 1]):
                    found.add(word[start : start + 2])
            elif start + 2 < len(word) and not is_han(word[start + 1]) and not is_han(word[start + 2]):
                found.add(word[start : start + 3])
    return found


def starts(folded: str) -> set[str]:
    """The strings a starts-with search compares: the whole text and from each of its words on."""
    found = {folded[:VALUE_LENGTH]} if folded else set()
    position = folded.find(" ")
    while position >= 0:
        found.add(folded[position + 1 : position + 1 + VALUE_LENGTH])
        position = folded.find(" ", position + 1)
    return found


def without_prefixes(values: set[str]) -> list[str]:
    """``values`` without those that begin another: they are found through the longer one."""
    kept: list[str] = []
    for value in sorted(values, reverse=True):
        if not (kept and kept[-1].startswith(value)):
            kept.append(value)
    return kept
