"""Every clinical code that a record holds has a Chinese and an English name."""

from datetime import date

from shangyi.synth import generate
from shangyi.synth.build import ATC, ICD10, LOINC
from shangyi.synth.displays import displays


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
