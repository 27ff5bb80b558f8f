"""Names of codes in English, where the record holds the Chinese name only (a terminology service comes later)."""

from functools import cache
from typing import Any

from shangyi.synth.displays import displays
from shangyi.web.resident.reading import words


@cache
def _english() -> dict[tuple[str, str], str]:
    return {(system, code): english for system, code, _, english in displays()}


def english(system: str, code: str) -> str:
    """The English name of a code, or nothing."""
    return _english().get((system, code), "")


def display(coding: dict[str, str], language: str) -> str:
    """The name of a coding as kept by ``care.standing``."""
    found = "" if language == "zh-CN" else english(coding.get("system", ""), coding.get("code", ""))
    return found or coding.get("display", "") or coding.get("code", "")


def concept(value: dict[str, Any] | None, language: str) -> str:
    """The words of a CodeableConcept; in English the English name of a code that is known."""
    if language != "zh-CN":
        for coding in (value or {}).get("coding", ()):
            if found := english(coding.get("system", ""), coding.get("code", "")):
                return found
    return words(value, language)
