import datetime as dt

import pytest

from shangyi.access import Principal, Role
from shangyi.fhir import json
from shangyi.query.conformance import validate
from shangyi.web import formats
from shangyi.web.registration.form import read
from shangyi.web.registration.resources import Surroundings, bundle, human_name

NOW = dt.datetime(2026, 11, 24, 9, 30, tzinfo=formats.ZONE)
KEY = "0b9c1a52-5f43-4a0e-9a53-0d6a4a3c1b11"
FORM = {"key": KEY, "name": "单秀兰", "resident_id": "11010519491231002x", "village": "991321100001"}
DOCTOR = Principal("account:1", "doctor", "李敏", Role.CLINICIAN, practitioner="Practitioner/d1")


def test_a_resident_id_fills_sex_and_birth_date() -> None:
    person = read(FORM, NOW)
    assert not person.problems
    assert (person["sex"], person["birth"]) == ("female", "1949-12-31")


@pytest.mark.parametrize(
    "text", ["19491231", "1949.12.31", "1949/12/31", "1949年12月31日", "１９４９１２３１", "1949-12-31"]
)
def test_a_date_is_read_as_people_write_it(text: str) -> None:
    person = read(FORM | {"birth": text}, NOW)
    assert (person["birth"], dict(person.problems)) == ("1949-12-31", {})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("birth", "1949-12-30"),
        ("birth", "tomorrow"),
        ("sex", "male"),
        ("resident_id", "110105194912310021"),
        ("phone", "12"),
        ("village", ""),
        ("contact_phone", "13900000001"),
        ("insurance_number", "123"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(field: str, value: str) -> None:
    beside = {"contact_phone": "contact_name", "insurance_number": "insurance"}.get(field, field)
    assert list(read(FORM | {field: value}, NOW).problems) == [beside]


def test_somebody_without_a_number_is_registered_too() -> None:
    person = read({"name": "Li Xiaolong", "sex": "male", "birth": "20260101", "village": "991321100001"}, NOW)
    assert not person.problems


def test_names_are_parted() -> None:
    assert human_name("欧阳修文")["family"] == "欧阳"
    assert human_name("单秀兰") == {"use": "official", "text": "单秀兰", "family": "单", "given": ["秀兰"]}
    assert "family" not in human_name("买买提·艾力")


def test_what_is_written_is_valid_and_the_same_each_time() -> None:
    form = FORM | {
        "started": "2026-11-24T09:00:00+08:00",
        "phone": "139 0000 0001",
        "insurance": "resident",
        "insurance_number": "91123",
        "contact_name": "王伟",
        "contact_relation": "spouse",
        "relation": "spouse",
        "reason": "重名",
    }
    household = {
        "resourceType": "Group",
        "id": "h1",
        "type": "person",
        "actual": True,
        "meta": {"versionId": "4"},
    }
    around = Surroundings(
        "云岭县", "白水镇", "上河村", household, "Practitioner/d1", "李敏", "Organization/insurer"
    )
    first, second = (bundle(read(form, now), around, DOCTOR) for now in (NOW, NOW + dt.timedelta(minutes=3)))
    assert json.dumps(first) == json.dumps(second)
    kinds = [entry["resource"]["resourceType"] for entry in first["entry"]]
    assert kinds == ["Patient", "Coverage", "EpisodeOfCare", "Provenance", "Group"]
    assert first["entry"][-1]["request"]["ifMatch"] == 'W/"4"'
    for entry in first["entry"]:
        problems = [issue for issue in validate(entry["resource"]) if issue.severity in ("error", "fatal")]
        assert not problems, [issue.diagnostics for issue in problems]
    patient = first["entry"][0]["resource"]
    assert patient["telecom"][0]["value"] == "13900000001"
    assert patient["address"][0]["text"] == "云岭县白水镇上河村"
