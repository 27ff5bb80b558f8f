"""Terminology over HTTP: $expand, $validate-code, $lookup, $subsumes, $translate (FHIR R4 terminology service)."""

import time
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest
from tests.api.conftest import Client
from tests.terminology.systems import DISEASES, SYSTEM, of, value_set, where

from shangyi.terminology.service import LOOK_EVERY

GENDER = "http://hl7.org/fhir/ValueSet/administrative-gender"
SET = value_set("d", where("concept", "is-a", "D"), title="Diabetes")


@pytest.fixture(scope="module")
def client(as_role: Callable[..., Client]) -> Client:
    administrator = as_role("administrator")
    for id, resource in (("diseases", DISEASES), ("d", SET), ("zh", SUPPLEMENT)):
        assert (
            administrator.put(f"/fhir/{resource['resourceType']}/{id}", {**resource, "id": id}).status_code
            == 201
        )
    return as_role("analyst")


SUPPLEMENT: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "url": "https://example.org/zh",
    "status": "active",
    "language": "zh-CN",
    "content": "supplement",
    "supplements": SYSTEM,
    "concept": [{"code": "D2", "display": "2型糖尿病"}],
}


def asked(**values: Any) -> dict[str, Any]:
    """Parameters; the element by the value's kind."""
    items = []
    for name, value in values.items():
        key = "resource" if isinstance(value, dict) and "resourceType" in value else _key(name, value)
        items.append({"name": name, key: value})
    return {"resourceType": "Parameters", "parameter": items}


def _key(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return "valueCodeableConcept" if "coding" in value else "valueCoding"
    return "valueUri" if ":" in value else "valueCode"


def parameters(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    items = answer.json()["parameter"]
    return {i["name"]: next(v for k, v in i.items() if k != "name") for i in items}


def test_fhirs_own_value_sets_are_known(client: Client) -> None:
    answer = client.get(f"/fhir/ValueSet/$expand?url={GENDER}").json()
    codes = [c["code"] for c in answer["expansion"]["contains"]]
    assert codes == ["male", "female", "other", "unknown"]
    used = [p["valueUri"] for p in answer["expansion"]["parameter"] if p["name"] == "used-codesystem"]
    assert used == ["http://hl7.org/fhir/administrative-gender|4.0.1"]


def test_one_of_the_record_by_page_and_filter(client: Client) -> None:
    page = client.get("/fhir/ValueSet/d/$expand?count=2&offset=1").json()["expansion"]
    assert (page["total"], page["offset"]) == (6, 1)
    assert [c["code"] for c in page["contains"]] == ["D1", "D2"]
    found = client.get(f"/fhir/ValueSet/$expand?url={SET['url']}&filter=type 2").json()["expansion"]
    assert [c["display"] for c in found["contains"]] == ["Type 2 diabetes"]


def test_a_supplement_gives_the_readers_language(client: Client) -> None:
    url = (
        f"/fhir/ValueSet/$expand?url={SET['url']}&useSupplement=https://example.org/zh&displayLanguage=zh-CN"
    )
    shown = {c["code"]: c["display"] for c in client.get(url).json()["expansion"]["contains"]}
    assert shown["D2"] == "2型糖尿病"
    assert shown["D1"] == "Type 1 diabetes"


def test_a_value_set_in_the_body(client: Client) -> None:
    body = asked(valueSet=value_set("mine", of(concept=[{"code": "H", "display": "高血压"}])))
    found = client.post("/fhir/ValueSet/$expand", body).json()["expansion"]["contains"]
    assert found == [{"system": SYSTEM, "code": "H", "display": "高血压"}]


def test_a_change_of_the_code_system_is_seen(client: Client, as_role: Callable[..., Client]) -> None:
    name = "changing"
    system = {**DISEASES, "url": f"https://example.org/{name}", "id": name, "concept": [{"code": "1"}]}
    everything = asked(valueSet=value_set(name, of(system["url"])))
    for codes in (["1"], ["1", "2"]):
        as_role("administrator").put(
            f"/fhir/CodeSystem/{name}", {**system, "concept": [{"code": c} for c in codes]}
        )
        time.sleep(LOOK_EVERY)
        found = client.post("/fhir/ValueSet/$expand", everything).json()["expansion"]["contains"]
        assert [c["code"] for c in found] == codes


def test_validation(client: Client) -> None:
    url = f"/fhir/ValueSet/$validate-code?url={SET['url']}&system={SYSTEM}"
    assert parameters(client.get(url + "&code=D2"))["result"] is True
    wrong = parameters(client.get(url + "&code=H", headers={"accept-language": "zh-CN"}))
    assert wrong["result"] is False
    assert wrong["message"] == f"{SYSTEM} 的代码 H 不在值集 {SET['url']} 中"
    assert wrong["issues"]["issue"][0]["details"]["coding"][0]["code"] == "not-in-vs"
    concept = {"coding": [{"system": SYSTEM, "code": "H"}, {"system": SYSTEM, "code": "D1"}]}
    assert parameters(
        client.post("/fhir/ValueSet/$validate-code", asked(url=SET["url"], codeableConcept=concept))
    )["result"]
    by_system = parameters(client.get(f"/fhir/CodeSystem/$validate-code?url={SYSTEM}&code=X"))
    assert by_system["result"] is False


def test_lookup_and_subsumption(client: Client) -> None:
    found = parameters(client.get(f"/fhir/CodeSystem/$lookup?system={SYSTEM}&code=D2"))
    assert (found["display"], found["version"]) == ("Type 2 diabetes", "1.0.0")
    outcome = parameters(client.get(f"/fhir/CodeSystem/$subsumes?system={SYSTEM}&codeA=D&codeB=Nd"))[
        "outcome"
    ]
    assert outcome == "subsumes"
    assert client.get(f"/fhir/CodeSystem/$lookup?system={SYSTEM}&code=none").status_code == 404


def test_translation_there_and_back(client: Client) -> None:
    target = {"code": "E11", "equivalence": "narrower"}
    group = {
        "source": SYSTEM,
        "target": "https://example.org/icd",
        "element": [{"code": "D2", "target": [target]}],
    }
    mapping = {
        "resourceType": "ConceptMap",
        "url": "https://example.org/map",
        "status": "active",
        "group": [group],
    }
    forth = client.post("/fhir/ConceptMap/$translate", asked(conceptMap=mapping, code="D2", system=SYSTEM))
    match = parameters(forth)["match"]
    assert match[0]["valueCode"] == "narrower"
    assert match[1]["valueCoding"] == {"system": "https://example.org/icd", "code": "E11"}
    items = asked(conceptMap=mapping, code="E11", system="https://example.org/icd")
    items["parameter"].append({"name": "reverse", "valueBoolean": True})
    assert parameters(client.post("/fhir/ConceptMap/$translate", items))["match"][0]["valueCode"] == "wider"


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("ValueSet/$expand", 400, "needs a value set"),
        ("ValueSet/$expand?url=https://example.org/none", 404, "https://example.org/none"),
        (f"ValueSet/$expand?url={GENDER}&count=-1", 400, "not below 0"),
        (f"ValueSet/$expand?url={GENDER}&date=2020", 400, "not served here"),
        (f"ValueSet/$validate-code?url={GENDER}", 400, "Give one code"),
        ("ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/body-site", 404, "http://snomed.info/sct"),
        ("CodeSystem/$subsumes?codeA=1&codeB=2", 400, "one system"),
        (
            f"ConceptMap/$translate?url=https://example.org/none&code=1&system={SYSTEM}",
            404,
            "example.org/none",
        ),
    ],
)
def test_what_cannot_be_answered_says_why(client: Client, address: str, status: int, said: str) -> None:
    answer = client.get(f"/fhir/{address}")
    assert answer.status_code == status
    assert said in answer.json()["issue"][0]["diagnostics"]


def test_what_is_too_much_for_one_answer(client: Client) -> None:
    system = {
        **DISEASES,
        "url": "https://example.org/big",
        "concept": [{"code": str(n)} for n in range(10_001)],
    }
    body = asked(valueSet=value_set("big", of(system["url"])), **{"tx-resource": system})
    answer = client.post("/fhir/ValueSet/$expand", body)
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["code"] == "too-costly"


def test_it_is_decided_and_audited(client: Client, as_role: Callable[..., Client]) -> None:
    assert as_role(None).get(f"/fhir/ValueSet/$expand?url={GENDER}").status_code == 401
    client.get(f"/fhir/ValueSet/$expand?url={GENDER}")
    events = as_role("administrator").get("/fhir/AuditEvent?_count=5").json()["entry"]
    queries = [
        b64decode(x["query"]).decode()
        for e in events
        for x in e["resource"].get("entity", ())
        if "query" in x
    ]
    assert "ValueSet/$expand" in queries


def test_terminology_capabilities(client: Client) -> None:
    found = client.get("/fhir/metadata?mode=terminology").json()
    assert found["resourceType"] == "TerminologyCapabilities"
    assert "http://hl7.org/fhir/administrative-gender" in [s["uri"] for s in found["codeSystem"]]
