"""Strings (http://hl7.org/fhir/R4/search.html#string): from the start of the text or of a word, folded."""

from collections.abc import Iterator, Sequence
from typing import Any

from shangyi.errors import Invalid
from shangyi.store import keys
from shangyi.store.model import Version
from shangyi.store.search import text, values
from shangyi.store.search.catalogue import Parameter
from shangyi.store.search.conditions.base import (
    Condition,
    Narrow,
    Reader,
    not_supported,
    read_by,
    split,
    unescape,
)
from shangyi.store.search.path import Path
from shangyi.store.search.path import values as at

NAMES = ("family", "given")


def condition(type: str, parameter: Parameter, modifier: str, value: str) -> Condition:
    """A string parameter, with ``:contains`` and ``:exact``."""
    if modifier not in ("", "exact", "contains"):
        raise not_supported(modifier, parameter)
    parts: list[str] = []
    given: list[Any] = [[keys.parameter(type, home) for home in parameter.homes]]
    wanted = [unescape(one) for one in split(value)]
    name = any(path.type == "HumanName" or path.steps[-1][0] in NAMES for path in parameter.paths)
    for one in wanted:
        for folded in spellings(one, name and not modifier):
            if not folded:
                raise Invalid("The parameter {name} has no value", name=parameter.code)
            if modifier == "contains":
                parts.append("position(%s in x.value) > 0")
                given.append(folded)
            else:
                parts.append("x.value >= %s and x.value < %s")
                given += [folded, folded + "\U0010ffff"]
    rows = f"select x.rid from search_string x where x.parameter = any(%s) and ({' or '.join(parts)})"
    sql = f"s.rid in ({rows})"
    if not modifier:
        reading = read_by(parameter, reader(wanted, name, parameter.paths[0].steps[-1][0]))
        return Condition(sql, tuple(given), narrow=Narrow(rows, tuple(given), reading))
    if modifier == "contains":
        return Condition(sql, tuple(given))

    def exactly(versions: Sequence[Version]) -> list[bool]:
        return [
            any(word in wanted for path in parameter.paths for word in _words(path, version))
            for version in versions
        ]

    return Condition(sql, tuple(given), recheck=exactly)


def _words(path: Path, version: Version) -> Iterator[str]:
    for value in at(path, version.resource):
        yield from values.words(value, path.type)


def spellings(value: str, name: bool = False) -> list[str]:
    """The folded text; for a name also without its gaps (``zhang san``) and with ü written ``lyu`` as in passports."""
    folded = text.fold(value)[: text.VALUE_LENGTH]
    found = [folded]
    if name and folded.isascii():
        joined = folded.replace(" ", "")
        found += [joined, joined.replace("lyu", "lv").replace("nyu", "nv")]
    return list(dict.fromkeys(found))


def reader(wanted: Sequence[str], name: bool = False, part: str = "") -> Reader:
    """Whether a string of a resource, in an element ``part``, meets one of these, as without a modifier."""
    asked = tuple(folded for one in wanted for folded in spellings(one, name))

    def meets(found: Any, kind: str) -> bool:
        return any(value.startswith(asked) for value in values.strings(found, kind, part))

    return meets
