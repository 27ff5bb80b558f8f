from shangyi.access.masking import RESIDENT_ID, mask_phone, mask_resident_id, masked


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
