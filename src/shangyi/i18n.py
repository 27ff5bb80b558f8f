"""Texts in zh-CN and English: gettext catalogues, one domain a package, English as the key.

A catalogue is ``locale/zh_CN/LC_MESSAGES/<package>.po``, written by hand. Read at first use and kept, with a
reader of our own because compiled catalogues would be generated noise in the repository and babel's reader
is ten times slower at start (60 ms).
"""

import ast
from functools import cache
from importlib import resources

LANGUAGES = ("zh-CN", "en")
DEFAULT_LANGUAGE = "zh-CN"


def parse_po(text: str) -> dict[str, str]:
    """The entries of a gettext catalogue without plural forms: msgid → msgstr."""
    entries: dict[str, str] = {}
    parts: dict[str, str] = {}
    key = ""
    for line in [*text.splitlines(), 'msgid ""']:
        line = line.strip()
        if line.startswith("msgid "):
            if parts.get("msgid") and parts.get("msgstr"):
                entries[parts["msgid"]] = parts["msgstr"]
            parts, key = {"msgid": "", "msgstr": ""}, "msgid"
            line = line[6:]
        elif line.startswith("msgstr "):
            key, line = "msgstr", line[7:]
        if key and line.startswith('"'):
            parts[key] += ast.literal_eval(line)
    return entries


@cache
def catalogue(language: str) -> dict[str, str]:
    """All texts of a language, every domain together; empty for English."""
    if language == "en":
        return {}
    folder = resources.files("shangyi").joinpath("locale", language.replace("-", "_"), "LC_MESSAGES")
    entries: dict[str, str] = {}
    if folder.is_dir():
        for file in sorted(folder.iterdir(), key=lambda f: f.name):
            if file.name.endswith(".po"):
                entries.update(parse_po(file.read_text(encoding="utf-8")))
    return entries


PLACE = " (line {line}, column {column})"
"""What errors of expressions and queries add to a sentence."""


def translate(text: str, language: str = DEFAULT_LANGUAGE) -> str:
    """``text`` (English, the key) in ``language``; itself where there is no translation.

    A sentence that is followed by its ``PLACE`` in a text needs no entry of its own.
    """
    known = catalogue(language)
    if text not in known and text.endswith(PLACE) and (sentence := text.removesuffix(PLACE)) in known:
        return known[sentence] + known.get(PLACE, PLACE)
    return known.get(text, text)
