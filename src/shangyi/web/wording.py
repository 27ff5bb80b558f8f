"""What the record says in Chinese only, in English: names of codes, words and dosages of the county's own.

A terminology service comes later. What somebody wrote in words of their own stays as it is.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from shangyi.synth import displays
from shangyi.synth.prescriptions import dosage_text
from shangyi.synth.tables import table
from shangyi.web.resident.reading import words

Resource = dict[str, Any]


@cache
def _english() -> Mapping[tuple[str, str, str], str]:
    """By system, code and Chinese name; without the name what the code means (the substance, not one of its products)."""
    found: dict[tuple[str, str, str], str] = {}
    for system, code, chinese, english in displays.displays():
        found[system, code, chinese] = english
        found.setdefault((system, code, ""), english)
    return found


@cache
def _words() -> Mapping[str, str]:
    """By the Chinese words alone."""
    return {chinese: english for _, _, chinese, english in displays.displays()} | displays.words()


def english(system: str, code: str, chinese: str = "") -> str:
    """The English name of a code, of the product where its Chinese name tells it, or nothing."""
    known = _english()
    return known.get((system, code, chinese)) or known.get((system, code, ""), "")


def display(coding: dict[str, str], language: str) -> str:
    """The name of a coding as kept by ``care.standing``."""
    found = "" if language == "zh-CN" else english(coding.get("system", ""), coding.get("code", ""))
    return found or coding.get("display", "") or coding.get("code", "")


def concept(value: dict[str, Any] | None, language: str) -> str:
    """The words of a CodeableConcept; in English the English name of a code or word that is known."""
    written = words(value, language)
    if language == "zh-CN":
        return written
    for coding in (value or {}).get("coding", ()):
        if found := english(coding.get("system", ""), coding.get("code", ""), words(value, "zh-CN")):
            return found
    return _words().get(written, written)


def dosage(order: Resource, language: str) -> str:
    """How a medicine is taken; in English where the text says no more than the structure beside it."""
    instruction: Resource = next(iter(order.get("dosageInstruction", ())), {})
    written = str(instruction.get("text", ""))
    return written if language == "zh-CN" else _dosage(instruction) or written


def _dosage(instruction: Resource) -> str:
    """The structure in English, empty where the text is not what the county writes for it."""
    repeat = instruction.get("timing", {}).get("repeat", {})
    route = instruction.get("route", {}).get("text", "")
    dose: Resource = next(
        (d["doseQuantity"] for d in instruction.get("doseAndRate", ()) if "doseQuantity" in d), {}
    )
    amount, unit, times = (
        dose.get("value", ""),
        dose.get("unit", table("words")["as_needed"]),
        repeat.get("frequency"),
    )
    known = _words()
    if instruction.get("text") != dosage_text(amount, unit, times, route) or route not in known:
        return ""
    often = {1: "once a day", 2: "twice a day"}.get(times, f"{times} times a day")
    return ", ".join((f"{amount} {known.get(unit, unit)}".strip(), often, known[route]))
