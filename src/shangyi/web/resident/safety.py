"""What is asked about before a visit is recorded: values that are rare, medicines against an allergy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shangyi.synth.build import ATC
from shangyi.web.correction.void import is_void
from shangyi.web.resident.limits import limits, other_unit, usual
from shangyi.web.resident.reading import codes, words
from shangyi.web.resident.visit import MEASURED, Entry

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Warning:
    """``key`` is what a confirmation names; ``field`` where it stands; ``text`` an English template with ``args``."""

    key: str
    field: str
    text: str
    args: dict[str, str]


def warnings(entry: Entry, allergies: Iterable[Resource]) -> list[Warning]:
    """All that has to be confirmed, in the order of the form."""
    found = []
    for name in MEASURED:
        value = getattr(entry, name)
        if value is None or usual(name, value):
            continue
        unit, other = limits()[name]["unit"], other_unit(name, value)
        args = {"value": str(value), "unit": unit}
        if other:
            text = "{value} {unit}? If it was in {other}, it is {meant} {unit}"
            args |= {"other": other[0], "meant": str(other[1])}
        else:
            text = "{value} {unit} is rare: measure again, or confirm"
        found.append(Warning(f"{name}={value}", name, text, args))
    known = [a for a in allergies if counts(a)]
    for number, medicine in enumerate([*entry.medicines, *entry.repeats]):
        against = [a for a in known if crosses(a.get("code") or {}, medicine.name, medicine.code)]
        if against:
            field = f"medicine-{number}" if number < len(entry.medicines) else "again"
            substances = "、".join(words(a.get("code")) for a in against)
            args = {"medicine": medicine.name, "substance": substances}
            found.append(
                Warning(f"{medicine.name}!{substances}", field, "Allergic to {substance}: {medicine}?", args)
            )
    return found


def counts(allergy: Resource) -> bool:
    """Whether an allergy holds now."""
    ended = {"resolved", "inactive"} & set(codes(allergy.get("clinicalStatus")))
    refuted = {"refuted", "entered-in-error"} & set(codes(allergy.get("verificationStatus")))
    return not (is_void(allergy) or ended or refuted)


def crosses(substance: Resource, name: str, code: str) -> bool:
    """Whether a medicine is, or belongs to, a substance: by ATC (J01C holds J01CA04), else by the words."""
    for group in codes(substance, ATC):
        if code and code.startswith(group):
            return True
    said = words(substance).removesuffix("类")
    return bool(said) and (said in name or _stem(name) in said)


def _stem(name: str) -> str:
    """The name of a medicine without its strength."""
    return name.split(" ")[0] or name


def confirmation(found: Sequence[Warning]) -> str:
    """What a form sends back to say that these, and no others, were seen."""
    return "\n".join(sorted(warning.key for warning in found))
