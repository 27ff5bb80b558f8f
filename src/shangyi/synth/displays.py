"""Chinese and English names of every code that the county uses, so that a page can show either."""

from collections.abc import Iterator

from shangyi.synth.build import ATC, BASE, ICD10, LOINC
from shangyi.synth.conditions import definitions
from shangyi.synth.prescriptions import code_of, medicines, substance
from shangyi.synth.tables import table

Display = tuple[str, str, str, str]
"""(system, code, Chinese, English)."""


def _pairs() -> Iterator[Display]:
    for condition in definitions().values():
        yield ICD10, condition["code"], condition["zh"], condition["en"]
    passing = (*table("acute")["illnesses"], *table("endings")["causes"])
    for entry in (*passing, *table("notifiable")["diseases"].values()):
        yield ICD10, entry["code"], entry["zh"], entry["en"]
    programmes = table("programmes")
    stages = (
        *programmes["programmes"],
        programmes["delivery"],
        programmes["delivery"]["caesarean"],
        programmes["postnatal"],
    )
    high_risk = [stage["high_risk"] for stage in stages if "high_risk" in stage]
    for stage in (*stages, *high_risk):
        if "reason" in stage:
            code, zh, en = stage["reason"]
            yield ICD10, code, zh, en
    observations = table("observations")
    measured = [data for data in observations.values() if "loinc" in data]
    for data in (*measured, *observations["panels"].values(), table("smoking")["observation"]):
        yield LOINC, data["loinc"], data["zh"], data["en"]
    for drug in medicines().values():
        yield *code_of(drug), *substance(drug)
        yield *code_of(drug), drug["zh"], drug["en"]
    for allergy in table("allergies")["allergies"]:
        yield ATC, allergy["atc"], allergy["zh"], allergy["en"]
    vaccines = table("vaccines")
    for vaccine in (*vaccines["national"], *vaccines["campaigns"]):
        yield vaccines["system"], vaccine["code"], vaccine["zh"], vaccine["en"]
    for code, (zh, en) in table("institutions")["types"].items():
        yield f"{BASE}/CodeSystem/institution-type", code, zh, en
    for system, codes in table("english")["codes"].items():
        for code, (zh, en) in codes.items():
            yield f"{BASE}/CodeSystem/{system}", code, zh, en


def displays() -> list[Display]:
    """Every distinct one; medicines of one ATC code differ by their Chinese text."""
    return list(dict.fromkeys(_pairs()))


def words() -> dict[str, str]:
    """English of the county's words that stand without a code."""
    return {zh: en for kind in table("english")["words"].values() for zh, en in kind.items()}
