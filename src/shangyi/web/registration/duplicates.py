"""Who of the record may be the person that is being registered: scored, each point with its reason.

The rules stand in ``web/data/duplicates.yaml``.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml  # type: ignore[import-untyped]

from shangyi.access import masking
from shangyi.store.merging import replaced_by
from shangyi.store.search import pinyin
from shangyi.web.resident.reading import person_name
from shangyi.web.residents import DIVISION, home

Resource = dict[str, Any]


@cache
def rules() -> dict[str, Any]:
    """The rule file."""
    text = resources.files("shangyi.web").joinpath("data", "duplicates.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


@dataclass(frozen=True, slots=True)
class Likeness:
    """What is compared of a person; empty where unknown. ``birth`` is an ISO date, or a part of one."""

    name: str = ""
    sex: str = ""
    birth: str = ""
    resident_id: str = ""
    insurance: str = ""
    phone: str = ""
    village: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """A resident who may be meant. ``reasons``: rules of the file, the weightiest first."""

    patient: Resource
    points: int
    reasons: tuple[str, ...]

    @property
    def certain(self) -> bool:
        """Whether it is hardly anybody else."""
        return self.points >= int(rules()["certain_from"])

    def sentences(self, language: str) -> list[str]:
        """The reasons in words."""
        return [rules()["rules"][name]["zh" if language == "zh-CN" else "en"] for name in self.reasons]


def likeness(patient: Resource) -> Likeness:
    """What is compared of a Patient."""
    village = ""
    for extension in home(patient).get("extension", ()):
        if extension.get("url") == DIVISION:
            village = extension.get("valueCoding", {}).get("code", "")
    return Likeness(
        person_name(patient),
        patient.get("gender", ""),
        patient.get("birthDate", ""),
        masking.resident_id(patient) or "",
        masking.insurance_number(patient) or "",
        digits(masking.phone(patient) or ""),
        village,
    )


def digits(phone: str) -> str:
    """A phone number without spaces, hyphens and the country's prefix."""
    found = "".join(c for c in phone if c.isdigit())
    return found[2:] if len(found) == 13 and found.startswith("86") else found


def same_pinyin(one: str, other: str) -> bool:
    """Whether two names can be read the same, tones aside."""
    whole = [{s for s in pinyin.spellings(name) if len(s) > len(name)} for name in (one, other)]
    return bool(whole[0] & whole[1])


def one_apart(one: str, other: str) -> bool:
    """Whether two texts differ in one character: another one, one more, or two neighbours exchanged."""
    if len(one) == len(other):
        places = [i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        swapped = (
            len(places) == 2 and one[places[0]] == other[places[1]] and one[places[1]] == other[places[0]]
        )
        return len(places) == 1 or swapped
    short, long = sorted((one, other), key=len)
    return len(long) - len(short) == 1 and any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


def compare(one: Likeness, other: Likeness) -> tuple[int, tuple[str, ...]]:
    """The points that two people share, and the rules that gave or took them."""
    found: list[str] = []
    if one.resident_id and other.resident_id:
        if one.resident_id == other.resident_id:
            found.append("same-resident-id")
        else:
            near = one_apart(one.resident_id, other.resident_id)
            found.append("near-resident-id" if near else "other-resident-id")
    if one.insurance and one.insurance == other.insurance:
        found.append("same-insurance")
    found += _names(one.name, other.name)
    found += _births(one.birth, other.birth)
    if one.phone and one.phone == other.phone:
        found.append("same-phone")
    if one.village and one.village == other.village:
        found.append("same-village")
    known = {"male", "female"}
    if one.sex in known and other.sex in known and one.sex != other.sex:
        found.append("other-sex")
    points = {name: int(rules()["rules"][name]["points"]) for name in found}
    return sum(points.values()), tuple(sorted(found, key=lambda name: -abs(points[name])))


def _names(one: str, other: str) -> list[str]:
    one, other = "".join(one.split()).casefold(), "".join(other.split()).casefold()
    if not one or not other:
        return []
    if one == other:
        return ["same-name"]
    if same_pinyin(one, other):
        return ["same-pinyin"]
    return ["similar-name"] if len(one) > 1 and one[0] == other[0] and one_apart(one, other) else []


def _births(one: str, other: str) -> list[str]:
    if not one or not other:
        return []
    if one == other and len(one) == 10:
        return ["same-birth"]
    if (
        len(one) == len(other) == 10
        and one[:4] == other[:4]
        and (one[5:7], one[8:]) == (other[8:], other[5:7])
    ):
        return ["swapped-birth"]
    years = abs(int(one[:4]) - int(other[:4]))
    if years == 0:
        return ["same-birth-year"]
    return ["other-generation"] if years > int(rules()["generation_years"]) else []


def likely(person: Likeness, candidates: Iterable[Resource]) -> list[Match]:
    """Those of ``candidates`` that are worth a warning, the likeliest first; merged records are left out."""
    found = {}
    for patient in candidates:
        if replaced_by(patient) is None:
            points, reasons = compare(person, likeness(patient))
            if points >= int(rules()["warn_from"]):
                found[patient["id"]] = Match(patient, points, reasons)
    return sorted(found.values(), key=lambda match: -match.points)


def questions(person: Likeness) -> list[list[tuple[str, str]]]:
    """The searches that find candidates: by number, by phone, by birth date, by name."""
    found: list[list[tuple[str, str]]] = []
    if person.resident_id:
        found.append([("identifier", f"{masking.RESIDENT_ID}|{person.resident_id}")])
    if person.insurance:
        found.append([("identifier", f"{masking.INSURANCE_NUMBER}|{person.insurance}")])
    if person.phone:
        found.append([("phone", person.phone)])
    if is_date(person.birth):
        found.append([("birthdate", person.birth), ("_count", "100")])
    if len(person.name) > 1:
        found.append([("name", person.name), ("_count", "50")])
    return found


def is_date(text: str) -> bool:
    """Whether ``text`` is a whole ISO date."""
    try:
        return len(text) == 10 and bool(dt.date.fromisoformat(text))
    except ValueError:
        return False
