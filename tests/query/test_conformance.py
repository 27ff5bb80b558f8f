from shangyi.query.conformance import validate


def test_a_resource_is_held_to_the_specification() -> None:
    patient = {"resourceType": "Patient", "gender": "male", "birthDate": "1958-03-14"}
    assert validate(patient) == []
    assert [issue.expression for issue in validate(patient | {"gender": "m"})] == ["Patient.gender"]
