"""Every clinical code that a record holds has a Chinese and an English name."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from shangyi.synth import generate
from shangyi.synth.build import ATC, BASE, ICD10, LOINC
from shangyi.synth.displays import displays, words
from shangyi.synth.prescriptions import medicines
from shangyi.synth.tables import table


def test_every_clinical_code_has_both_names() -> None:
    known = {(system, code, zh) for system, code, zh, en in displays() if en and zh != en}
    used = set()
    for resource in generate(120, 9, date(2026, 11, 22)):
        for name in ("code", "medicationCodeableConcept"):
            for coding in (
                resource.get(name, {}).get("coding", []) if isinstance(resource.get(name), dict) else []
            ):
                if coding["system"] in (ICD10, LOINC, ATC):
                    used.add((coding["system"], coding["code"], coding["display"]))
    assert used
    assert used <= known


def test_every_code_and_word_of_the_county_s_own_has_an_english_name() -> None:
    known = {(system, code) for system, code, _, en in displays() if en.isascii()}
    shown = {
        "encounter-type",
        "insurance",
        "family-relation",
        "case-class",
        "case-status",
        "episode-type",
        "report",
    }
    used = {
        (coding["system"], coding["code"])
        for resource in generate(120, 9, date(2026, 11, 22))
        for coding in codings(resource)
        if coding.get("system", "").removeprefix(f"{BASE}/CodeSystem/") in shown
    }
    assert {system.rpartition("/")[2] for system, _ in used} == shown
    assert used <= known
    pathogens = {p for d in table("notifiable")["diseases"].values() for p in d.get("pathogens", ())}
    taken = {part for drug in medicines().values() for part in (drug["route"], drug["dose"][1])}
    assert {word for word in pathogens | taken if not word.isascii() and word != "μg"} <= set(words())


def codings(value: Any) -> Iterator[dict[str, str]]:
    """Every Coding in a resource."""
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from codings(part)
    if isinstance(value, dict) and {"system", "code"} <= value.keys():
        yield value
