"""validate: files against FHIR R4."""

import json
from pathlib import Path

from tests.cli.conftest import Home
from tests.cli.test_records import ndjson, patient


def test_problems_are_told_with_their_place(bare_home: Home, tmp_path: Path) -> None:
    file = tmp_path / "people.ndjson"
    file.write_bytes(
        ndjson(patient("a", "张", "三"), patient("b", "李", "四", birthDate="1990-13-01", colour="red"))
    )
    answer = bare_home.run("validate", str(file), code=3)
    assert f"{file}:1: valid" in answer.stdout
    assert "Patient.birthDate" in answer.stdout
    report = bare_home.json("validate", str(file), code=3)
    assert [entry["valid"] for entry in report] == [True, False]
    places = {issue["expression"][0] for issue in report[1]["issue"]}
    assert {"Patient.birthDate", "Patient"} <= places


def test_xml_and_standard_input(bare_home: Home) -> None:
    xml = b'<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>'
    assert bare_home.json("validate", "-", stdin=xml)[0]["valid"]
    wrong = json.dumps({"resourceType": "Patient", "active": "yes"}).encode()
    assert not bare_home.json("validate", "-", stdin=wrong, code=3)[0]["valid"]
    assert "cannot be read" in bare_home.run("validate", "/no/such/file", code=4).stderr
