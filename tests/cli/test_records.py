"""load, search, get, status: records in, and found again."""

import json

from tests.cli.conftest import Home


def patient(id: str, family: str, given: str, **more: object) -> dict[str, object]:
    name = [{"family": family, "given": [given], "text": family + given}]
    return {"resourceType": "Patient", "id": id, "name": name, "gender": "female", **more}


def ndjson(*resources: dict[str, object]) -> bytes:
    return b"".join(json.dumps(r, ensure_ascii=False).encode() + b"\n" for r in resources)


def test_what_is_loaded_is_found(home: Home) -> None:
    people = ndjson(patient("a", "张", "三"), patient("b", "李", "四"))
    report = home.json("load", "-", stdin=people)
    assert (report["added"], report["refused"]) == (2, 0)
    assert home.json("get", "Patient/a")["name"][0]["text"] == "张三"
    assert home.json("status")["resources"] == {"Patient": 2}


def test_the_same_again_adds_nothing(home: Home) -> None:
    people = ndjson(patient("a", "张", "三"), patient("b", "李", "四"))
    home.json("load", "-", stdin=people)
    report = home.json("load", "-", stdin=people)
    assert (report["added"], report["updated"], report["unchanged"]) == (0, 0, 2)


def test_a_refusal_tells_where_and_why_and_keeps_the_rest(home: Home) -> None:
    rows = (
        ndjson(patient("c", "王", "五")) + b'{"resourceType":"Nonsense"}\n' + ndjson(patient("d", "赵", "六"))
    )
    answer = home.run("load", "-", stdin=rows, code=3)
    assert "line 2" in answer.stdout
    assert "Nonsense" in answer.stdout
    assert [home.json("get", f"Patient/{id}")["id"] for id in "cd"] == ["c", "d"]
    report = home.json("load", "-", stdin=rows, code=3)
    assert (report["added"], report["refused"]) == (0, 1)
    assert report["refusals"][0]["place"] == "line 2"
    assert report["refusals"][0]["issue"][0]["severity"] == "error"


def test_digits_are_kept(home: Home) -> None:
    value = (
        b'{"resourceType":"Observation","id":"o","status":"final","code":{"text":"k"},'
        b'"valueQuantity":{"value":1.20}}'
    )
    home.json("load", "-", stdin=value)
    assert "1.20" in home.run("get", "Observation/o").stdout
    assert "1.20" in home.run("get", "Observation/o", "--json").stdout


def test_errors_are_sentences_with_a_code(home: Home) -> None:
    assert home.run("get", "Patient/nobody", code=4).stderr.rstrip().endswith("Patient/nobody is not known")
    assert home.json("get", "Patient/nobody", code=4)["resourceType"] == "OperationOutcome"
    assert "write it like Patient/1" in home.run("get", "Patient", code=3).stderr
    assert "there is no such file" in home.run("load", "/no/such/file", code=4).stderr
