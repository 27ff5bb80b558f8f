"""What each kind of parameter takes, with its modifiers (http://hl7.org/fhir/R4/search.html#ptypes)."""

from decimal import Decimal
from typing import Any

import pytest
from tests.store.search.asking import ask, ids

from shangyi.errors import Invalid, NotSupported
from shangyi.store.database import Store
from shangyi.store.search import execute

LOINC, UCUM, ICD = "http://loinc.org", "http://unitsofmeasure.org", "http://hl7.org/fhir/sid/icd-10"
LOCAL = "https://example.org/codes"
V2 = "http://terminology.hl7.org/CodeSystem/v2-0203"


def measured(id: str, value: str, unit: str, ucum: str | None = None, **more: Any) -> dict[str, Any]:
    quantity: dict[str, Any] = {"value": Decimal(value), "unit": unit}
    if ucum:
        quantity |= {"system": UCUM, "code": ucum}
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "2345-7", "display": "Glucose"}], "text": "空腹血糖"},
        "valueQuantity": quantity,
    } | more


def pressure(id: str, systolic: int, diastolic: int) -> dict[str, Any]:
    def part(code: str, value: int) -> dict[str, Any]:
        quantity = {"value": value, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"}
        return {"code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": quantity}

    return {
        "resourceType": "Observation",
        "id": id,
        "status": "amended",
        "code": {"coding": [{"system": LOINC, "code": "85354-9"}]},
        "subject": {"reference": "Patient/x"},
        "component": [part("8480-6", systolic), part("8462-4", diastolic)],
    }


RECORDS: list[dict[str, Any]] = [
    measured("mg-dl", "95", "mg/dL", "mg/dL"),
    measured("g-l", "0.95", "g/L", "g/L"),
    measured("mmol", "5.3", "mmol/L", "mmol/L"),
    measured("words", "95", "milligrams"),
    measured("code-only", "1", "x", code={"coding": [{"system": LOCAL, "code": "2345-7"}]}),
    pressure("bp1", 150, 80),
    pressure("bp2", 130, 150),
    {
        "resourceType": "Patient",
        "id": "known",
        "active": True,
        "gender": "female",
        "name": [{"family": "O'Brien", "given": ["Zoë"]}],
        "telecom": [
            {"system": "phone", "value": "+86 138-0000-0921"},
            {"system": "email", "value": "Zoe@Example.org"},
        ],
        "identifier": [
            {"system": "urn:id", "value": "11010519491231002X", "type": {"coding": [{"system": V2, "code": "NI"}]}},
            {"system": "urn:chart", "value": "7", "type": {"coding": [{"system": V2, "code": "MR"}], "text": "病案号"}},
        ],
    },
    {"resourceType": "Patient", "id": "bare"},
    {
        "resourceType": "Condition",
        "id": "icd",
        "subject": {"reference": "Patient/known"},
        "code": {"coding": [{"system": ICD, "code": "I10", "display": "Essential hypertension"}]},
    },
    {
        "resourceType": "Condition",
        "id": "said",
        "subject": {"identifier": {"system": "urn:id", "value": "9"}},
        "code": {"text": "原发性高血压"},
    },
    {
        "resourceType": "MolecularSequence",
        "id": "seq",
        "coordinateSystem": 0,
        "referenceSeq": {"genomeBuild": "GRCh37", "chromosome": {"coding": [{"code": "1"}]}, "windowStart": 1, "windowEnd": 99},
        "variant": [{"start": 10, "end": 20}, {"start": 40, "end": 50}],
    },
    {
        "resourceType": "QuestionnaireResponse",
        "id": "qr",
        "status": "completed",
        "questionnaire": "http://example.org/fhir/Questionnaire/q|2",
    },
    {
        "resourceType": "ValueSet",
        "id": "v1",
        "url": "http://example.org/fhir/ValueSet/bp",
        "status": "active",
        "compose": {"include": [{"system": LOINC, "concept": [{"code": "85354-9"}, {"code": "8480-6"}]}]},
    },
    {
        "resourceType": "ValueSet",
        "id": "v2",
        "url": "http://example.org/fhir/ValueSet/all-loinc",
        "status": "active",
        "compose": {"include": [{"system": LOINC}]},
    },
    {
        "resourceType": "ValueSet",
        "id": "v3",
        "url": "http://example.org/fhir/ValueSet/some",
        "status": "active",
        "compose": {"include": [{"system": LOINC, "filter": [{"property": "x", "op": "=", "value": "y"}]}]},
    },
]  # fmt: skip


@pytest.fixture(scope="module")
def filled(store: Store) -> Store:
    for record in RECORDS:
        store.repository.update(record)
    return store


FOUND = [
    # token: system|, |code, a code type belongs to the system of its binding
    (f"Observation?code={LOCAL}|", "code-only"),
    (f"Observation?code={LOINC}|&status=amended", "bp1 bp2"),
    (f"Condition?code={ICD}|", "icd"),
    ("Patient?gender=http://hl7.org/fhir/administrative-gender|female", "known"),
    ("Patient?gender=http://hl7.org/fhir/administrative-gender|", "known"),
    ("Patient?gender=http://wrong.example|female", ""),
    ("Patient?active=true", "known"),
    ("Patient?active=http://hl7.org/fhir/special-values|true", "known"),
    ("Patient?identifier=11010519491231002x", "known"),
    ("Patient?identifier=urn:id|11010519491231002x", "known"),
    ("Patient?identifier=urn:chart|", "known"),
    # contact points, whatever stands between the digits
    ("Patient?phone=13800000921", "known"),
    ("Patient?phone=138 0000 0921", "known"),
    ("Patient?telecom=phone|13800000921", "known"),
    ("Patient?telecom=email|13800000921", ""),
    ("Patient?email=zoe@example.org", "known"),
    # :not, :missing
    ("Patient?gender:not=female", "bare"),
    ("Patient?gender:missing=true", "bare"),
    ("Patient?gender:missing=false", "known"),
    ("Patient?identifier:missing=true", "bare"),
    ("Patient?name:missing=true", "bare"),
    ("Observation?subject:missing=false", "bp1 bp2"),
    ("Observation?value-quantity:missing=true", "bp1 bp2"),
    ("Observation?patient:missing=false", "bp1 bp2"),
    ("Observation?date:missing=false", ""),
    ("Condition?code:missing=true", ""),
    # :text, :of-type, :in, :not-in
    ("Condition?code:text=hypertension", "icd"),
    ("Condition?code:text=高血压", "said"),
    ("Observation?code:text=glucose&status=final", "g-l mg-dl mmol words"),
    ("Patient?identifier:text=病案", "known"),
    (f"Patient?identifier:of-type={V2}|MR|7", "known"),
    (f"Patient?identifier:of-type={V2}|NI|7", ""),
    ("Observation?code:in=http://example.org/fhir/ValueSet/bp", "bp1 bp2"),
    ("Observation?code:in=http://example.org/fhir/ValueSet/all-loinc", "bp1 bp2 g-l mg-dl mmol words"),
    ("Observation?code:not-in=http://example.org/fhir/ValueSet/all-loinc", "code-only"),
    ("Patient?gender:in=http://hl7.org/fhir/ValueSet/administrative-gender", "known"),
    # string
    ("Patient?name=o'brien", "known"),
    ("Patient?name=zoe", "known"),
    ("Patient?name:exact=Zoë", "known"),
    ("Patient?name:exact=zoe", ""),
    ("Patient?name:exact=Zo", ""),
    ("Patient?name:contains=rien", "known"),
    # uri
    ("ValueSet?url=http://example.org/fhir/ValueSet/bp", "v1"),
    ("ValueSet?url:below=http://example.org/fhir", "v1 v2 v3"),
    ("ValueSet?url:below=http://example.org/fhir/ValueSet/b", ""),
    ("ValueSet?url:above=http://example.org/fhir/ValueSet/bp/1/2", "v1"),
    # reference
    ("Condition?subject:identifier=urn:id|9", "said"),
    ("Condition?patient=Patient/known/_history/3", "icd"),
    ("Observation?patient=Group/x", ""),
    ("QuestionnaireResponse?questionnaire=http://example.org/fhir/Questionnaire/q", "qr"),
    ("QuestionnaireResponse?questionnaire=http://example.org/fhir/Questionnaire/q|2", "qr"),
    ("QuestionnaireResponse?questionnaire=http://example.org/fhir/Questionnaire/q|1", ""),
    # quantity: number alone, unit as written, UCUM in any unit of the kind
    ("Observation?value-quantity=95", "mg-dl words"),
    ("Observation?value-quantity=95||mg/dL", "mg-dl"),
    ("Observation?value-quantity=95||milligrams", "words"),
    (f"Observation?value-quantity=0.95|{UCUM}|g/L", "g-l mg-dl"),
    (f"Observation?value-quantity=gt94|{UCUM}|mg/dL", "g-l mg-dl"),
    (f"Observation?value-quantity=950|{UCUM}|ug/mL", "g-l mg-dl"),
    (f"Observation?value-quantity=5300|{UCUM}|umol/L", "mmol"),
    (f"Observation?value-quantity=95|{LOCAL}|mg/dL", ""),
    ("Observation?component-value-quantity=gt140||mmHg", "bp1 bp2"),
    ("Observation?combo-value-quantity=gt140||mm[Hg]", "bp1 bp2"),
    # composite: of one and the same element
    (f"Observation?component-code-value-quantity={LOINC}|8480-6$gt140", "bp1"),
    ("Observation?component-code-value-quantity=8462-4$gt140", "bp2"),
    ("Observation?combo-code-value-quantity=8480-6$gt140||mmHg", "bp1"),
    (f"Observation?combo-code-value-quantity=8480-6$gt14|{UCUM}|kPa", "bp1 bp2"),
    ("Observation?code-value-quantity=2345-7$95", "mg-dl words"),
    ("Observation?component-code-value-quantity=8480-6$gt140,8462-4$gt140", "bp1 bp2"),
    ("MolecularSequence?chromosome-variant-coordinate=1$lt20$ge20", "seq"),
    ("MolecularSequence?chromosome-variant-coordinate=1$ge40$le20", ""),
    ("Observation?combo-code=8480-6", "bp1 bp2"),
    ("Observation?combo-code=85354-9", "bp1 bp2"),
]


@pytest.mark.parametrize(("query", "found"), FOUND)
def test_what_is_found(filled: Store, query: str, found: str) -> None:
    assert ids(filled, query) == found
    counted = ask(filled, f"{query}&_summary=count").total
    assert counted == len(found.split())


@pytest.mark.parametrize("give_up", [0, 2000])
@pytest.mark.parametrize(("query", "found"), FOUND)
def test_what_is_frequent_is_read_with_the_same_result(
    filled: Store, query: str, found: str, give_up: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if every value in the narrow tables were one of thousands, and where reading is given up again."""
    monkeypatch.setattr(execute, "FREQUENT", 0)
    monkeypatch.setattr(execute, "FIRST_CHECKED", give_up)
    monkeypatch.setattr(execute, "BATCH", 1)
    assert ids(filled, query) == found


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (f"Observation?code:below={LOINC}|2345-7", "terminology"),
        ("Observation?code:above=x", "terminology"),
        ("Observation?code:in=http://example.org/none", "store a ValueSet"),
        ("Observation?code:in=http://example.org/fhir/ValueSet/some", "filter"),
        ("Patient?_text=x", "not indexed"),
        ("Patient?_list=x", "_id"),
        ("Location?near=1|2", "address"),
        ("Patient?gender:text=x", ":text"),
        ("Observation?code:of-type=a|b|c", ":of-type"),
        ("Observation?value-quantity:missing=maybe", "true or false"),
        ("Observation?code-value-quantity=2345-7", "code$value-quantity"),
        ("Observation?value-quantity=1_0", "not a number"),
        (f"Observation?value-quantity=1|{UCUM}|furlongs", "UCUM"),
        ("Observation?subject:Practitioner=x", "does not refer"),
        ("Observation?code=a|b|c", "system|code"),
        ("Patient?_count=1&_count=2", "once"),
        ("Patient?_summary=text&_include=Patient:organization", "_include"),
    ],
)
def test_what_is_refused_says_why(filled: Store, query: str, says: str) -> None:
    with pytest.raises((Invalid, NotSupported)) as raised:
        ask(filled, query)
    assert says in str(raised.value)


def test_a_page_of_what_has_to_be_read_is_as_full_as_any_other(filled: Store) -> None:
    query = "Observation?code:text=glucose&status=final&_count=3"
    first = ask(filled, query)
    assert len(first.matches) == 3
    second = ask(filled, f"{query}&_cursor={first.next}")
    assert len(second.matches) == 1
    assert second.next is None
