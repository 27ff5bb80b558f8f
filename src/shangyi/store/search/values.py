"""What a value is searched by: tokens, references, strings, uris, by its FHIR type."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from shangyi.store.search import pinyin, text

Value = Any


_SEPARATORS = re.compile(r"[\s().\-]+")
_TELEPHONE = re.compile(r"\+?\d+")
_CHINA = re.compile(r"(?:\+|00)86(?=\d{7,})")


def telecom(value: str) -> str:
    """A telephone number or address as it is compared: without separators, +86 aside, in lower case."""
    digits = _CHINA.sub("", _SEPARATORS.sub("", value))
    return digits if _TELEPHONE.fullmatch(digits) else "".join(value.split()).casefold()


def tokens(value: Value, type: str) -> Iterator[str]:
    """The spellings under which a token is found: ``system|code``, ``code`` and ``system|``."""
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        if type == "CodeableConcept" or "coding" in value:
            for coding in value.get("coding", ()):
                yield from pair(coding.get("system"), coding.get("code"))
        elif type == "Identifier":
            yield from pair(value.get("system"), value.get("value"))
        elif type == "ContactPoint":
            if "value" in value:
                yield telecom(str(value["value"]))
        else:
            yield from pair(value.get("system"), value.get("code"))


def pair(system: str | None, code: str | None) -> Iterator[str]:
    """``system|code`` (``|code`` without a system), ``code``, and ``system|``, which any code of the system has."""
    if code:
        yield f"{system or ''}|{code}"
        yield code
    if system:
        yield f"{system}|"


def references(value: Value, type: str) -> Sequence[str]:
    """``Type/id`` without version; a URL or URN as it is; ``identifier:system|value`` of a logical one.

    A canonical with its version, and without: who names no version means any.
    """
    if isinstance(value, str):
        return (value, value.partition("|")[0]) if "|" in value else (value,)
    if not isinstance(value, dict):
        return ()
    found: list[str] = []
    reference = value.get("reference")
    if isinstance(reference, str) and not reference.startswith("#"):
        found.append(reference.partition("/_history/")[0])
    identifier = value.get("identifier")
    if isinstance(identifier, dict) and identifier.get("value"):
        found.append(f"identifier:{identifier.get('system', '')}|{identifier['value']}")
    return found


def points_to(reference: str, target: str) -> bool:
    """Whether a reference, relative or absolute, is to a resource of this type: what can be told without reading it."""
    return reference.startswith(target + "/") or f"/{target}/" in reference


NAME_PARTS = ("text", "family", "given", "prefix", "suffix")
ADDRESS_PARTS = ("text", "line", "city", "district", "state", "country", "postalCode")


def words(value: Value, type: str) -> Iterator[str]:
    """The strings in a value that a string parameter looks at."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        parts = NAME_PARTS if type == "HumanName" else ADDRESS_PARTS
        for part in parts:
            inner = value.get(part)
            for word in inner if isinstance(inner, list) else [inner]:
                if isinstance(word, str):
                    yield word


def strings(value: Value, type: str, part: str = "") -> set[str]:
    """Folded strings to compare from the start: each word on, and pinyin and initials of Chinese names.

    ``part``: the element that holds it; ``family`` and ``given`` are names too.
    """
    found: set[str] = set()
    for word in words(value, type):
        found |= text.starts(text.fold(word[: text.LOOKED_AT]))
    if part in ("family", "given") and isinstance(value, str):
        found |= pinyin.spellings(value, surname=part == "family")
    if type == "HumanName" and isinstance(value, dict):
        whole = value.get("text") or "".join(
            [value.get("family") or "", *(g for g in value.get("given", ()) if g)]
        )
        found |= pinyin.spellings(whole)
        if value.get("given"):
            found |= pinyin.spellings("".join(g for g in value["given"] if g), surname=False)
        if any(map(text.is_han, whole)):
            folded = text.fold(whole[: text.LOOKED_AT])
            found |= text.starts(folded) | {folded.replace(" ", "")[: text.VALUE_LENGTH]}
    return set(text.without_prefixes(found))
