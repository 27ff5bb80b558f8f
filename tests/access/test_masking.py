from shangyi.access.masking import RESIDENT_ID, hidden, mask_phone, mask_resident_id, masked


def test_masks() -> None:
    assert mask_resident_id("991302195503142217") == "9913··········17"
    assert mask_phone("138 0000 0921") == "138····0921"
    assert mask_phone("12345") == "····"
    patient = {
        "identifier": [{"system": RESIDENT_ID, "value": "991302195503142217"}],
        "telecom": [{"system": "email", "value": "a@b"}, {"system": "phone", "value": "13800000921"}],
    }
    assert masked(patient, "resident-id") == "9913··········17"
    assert masked(patient, "phone") == "138····0921"
    assert masked(patient, "insurance-number") is None


def test_numbers_are_masked_wherever_they_stand_and_only_those_of_residents() -> None:
    phone = {"system": "phone", "value": "13800000921"}
    patient = {
        "resourceType": "Patient",
        "identifier": [{"system": RESIDENT_ID, "value": "991302195503142217"}, {"value": "card 7"}],
        "contact": [{"telecom": [phone, {"system": "email", "value": "a@b"}]}],
    }
    shown, found = hidden(patient)
    assert shown["identifier"] == [{"system": RESIDENT_ID, "value": "9913··········17"}, {"value": "card 7"}]
    assert shown["contact"][0]["telecom"] == [
        {"system": "phone", "value": "138····0921"},
        {"system": "email", "value": "a@b"},
    ]
    assert found == {"resident-id", "phone"}
    assert patient["contact"][0]["telecom"][0]["value"] == "13800000921"  # the original is left alone
    clinic = {"resourceType": "Organization", "telecom": [phone], "contained": [patient]}
    shown, found = hidden(clinic)
    assert shown["telecom"] == [phone]
    assert shown["contained"][0]["contact"][0]["telecom"][0]["value"] == "138····0921"
    assert hidden({"resourceType": "Coverage", "subscriberId": "91321195803140019"}) == (
        {"resourceType": "Coverage", "subscriberId": "9132··········19"},
        {"insurance-number"},
    )
    assert hidden({"resourceType": "Observation", "status": "final"})[1] == frozenset()
