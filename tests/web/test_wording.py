"""English for what the county says in Chinese; what somebody wrote stays."""

from typing import Any

from shangyi.synth.build import ATC, BASE
from shangyi.synth.prescriptions import dosage as written
from shangyi.synth.prescriptions import medication
from shangyi.web.wording import concept, dosage


def order(*instructions: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "MedicationRequest", "dosageInstruction": list(instructions)}


def test_a_product_keeps_its_own_name_among_those_of_its_substance() -> None:
    assert concept(medication("smectite"), "en") == "Diosmectite 3 g powder"
    assert concept(medication("smectite_child"), "en") == "Diosmectite 1 g powder (child)"
    assert concept(medication("smectite"), "zh-CN") == "蒙脱石散 3g"
    unknown = {"coding": [{"system": ATC, "code": "A07BC05"}], "text": "思密达"}
    assert concept(unknown, "en") == "Diosmectite"


def test_the_county_s_own_codes_and_words_are_translated() -> None:
    kind = {
        "coding": [{"system": f"{BASE}/CodeSystem/encounter-type", "code": "follow-up"}],
        "text": "慢性病随访",
    }
    assert concept(kind, "en") == "Chronic-illness follow-up"
    assert concept({"text": "诺如病毒"}, "en") == "Norovirus"
    assert concept({"text": "头晕三天"}, "en") == "头晕三天"
    assert concept(None, "en") == ""


def test_a_dosage_is_translated_where_the_text_is_its_structure() -> None:
    metformin = order(written("metformin", 60))
    assert dosage(metformin, "zh-CN") == "每次0.5g，每日3次，餐中口服"
    assert dosage(metformin, "en") == "0.5 g, 3 times a day, by mouth with meals"
    glargine = order(written("glargine", 60))
    assert dosage(glargine, "en") == "14 units, once a day, under the skin at bedtime"
    doctor = order(written("metformin", 60) | {"text": "早晚各一片，饭后"})
    assert dosage(doctor, "en") == "早晚各一片，饭后"
    assert dosage(order({"text": "遵医嘱"}), "en") == "遵医嘱"
    assert dosage({}, "en") == ""
