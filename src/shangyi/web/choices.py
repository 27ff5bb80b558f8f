"""Codes as one types them: diagnoses, medicines, substances, relations; by Chinese, pinyin, initials, code or English.

The codes and their names are those of the data files of ``shangyi.synth`` and of the resident's own record.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from shangyi.store.search import pinyin
from shangyi.synth.build import ATC, ICD10
from shangyi.synth.displays import displays
from shangyi.synth.prescriptions import code_of, dosage, medicines
from shangyi.web.resident.reading import words

Resource = dict[str, Any]
MOST = 8
ADULT = 40
"""Years; whose dose is offered where it does not go by age."""
GROUP_OF_SUBSTANCES = 5
"""Letters of an ATC code that name a group, not a medicine (J01C: penicillins)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A code that can be chosen. ``dosage``: how the medicine is usually taken."""

    system: str
    code: str
    zh: str
    en: str = ""
    dosage: str = ""

    @property
    def value(self) -> str:
        """As a form sends it."""
        return f"{self.system}|{self.code}|{self.zh}"

    def concept(self) -> Resource:
        """The CodeableConcept."""
        return {"coding": [{"system": self.system, "code": self.code, "display": self.zh}], "text": self.zh}

    def label(self, language: str) -> str:
        """Its name in a language."""
        return self.en if language == "en" and self.en else self.zh


@dataclass(frozen=True, slots=True)
class _Spelled:
    choice: Choice
    starts: frozenset[str]


def _spell(choice: Choice) -> _Spelled:
    spellings = {choice.zh.casefold(), choice.code.casefold(), choice.code.casefold().split(".")[0]}
    spellings |= pinyin.spellings(choice.zh, surname=False) | set(choice.en.casefold().split())
    return _Spelled(choice, frozenset({*spellings, choice.en.casefold()} - {""}))


@cache
def catalogue(kind: str) -> Sequence[_Spelled]:
    """All choices of a kind: ``diagnosis``, ``medicine`` or ``allergy``."""
    found = [Choice(*display) for display in displays()]
    if kind == "diagnosis":
        chosen = [c for c in found if c.system == ICD10]
    else:
        groups = [c for c in found if c.system == ATC and len(c.code) < GROUP_OF_SUBSTANCES]
        products = [
            # Where the dose goes by age, whoever prescribes says it.
            Choice(
                *code_of(drug),
                drug["zh"],
                drug["en"],
                "" if "by_age" in drug else dosage(name, ADULT)["text"],
            )
            for name, drug in medicines().items()
        ]
        chosen = products if kind == "medicine" else [*groups, *products]
    return [_spell(choice) for choice in chosen]


KINDS = ("diagnosis", "medicine", "allergy")


def matching(kind: str, typed: str, own: Iterable[Choice] = (), limit: int = MOST) -> list[Choice]:
    """The choices that ``typed`` may mean: first what begins so, then what contains it; the resident's own before."""
    wanted = "".join(typed.split()).casefold()
    if not wanted or kind not in KINDS:
        return []
    ranked: list[tuple[int, int, Choice]] = []
    mine = [_spell(choice) for choice in own]
    for number, spelled in enumerate([*mine, *catalogue(kind)]):
        if any(s.startswith(wanted) for s in spelled.starts):
            ranked.append((0 if number < len(mine) else 1, number, spelled.choice))
        elif any(wanted in s for s in spelled.starts):
            ranked.append((2, number, spelled.choice))
    found: dict[tuple[str, str], Choice] = {}
    for _, _, choice in sorted(ranked, key=lambda entry: entry[:2]):
        found.setdefault((choice.code, choice.zh), choice)
    return list(found.values())[:limit]


def exact(kind: str, typed: str, value: str = "", own: Iterable[Choice] = ()) -> Choice | None:
    """The choice that a form sent (``value``), or that ``typed`` names in full (name or code)."""
    wanted = "".join(typed.split()).casefold()
    every = [*own, *(spelled.choice for spelled in catalogue(kind))]
    for choice in every:
        if value and choice.value == value:
            return choice
    named = [
        c
        for c in every
        if wanted
        and wanted in (c.zh.replace(" ", "").casefold(), c.code.casefold(), c.en.replace(" ", "").casefold())
    ]
    return named[0] if len({(c.code, c.zh) for c in named}) == 1 else None


def of_concept(concept: Resource | None, dose: str = "") -> Choice | None:
    """What a resource of the record says, as a choice; None where it has no code."""
    for coding in (concept or {}).get("coding", ()):
        if coding.get("code") and coding.get("system"):
            return Choice(coding["system"], coding["code"], words(concept), words(concept, "en"), dose)
    return None
