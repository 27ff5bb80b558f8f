"""The walk with its memories against the definition: every value at every path, hashed one by one."""

from typing import Any

from tests.shared import shared

from shangyi.fhir import json
from shangyi.store import keys
from shangyi.store.load.rows import search_row
from shangyi.store.search import index, values
from shangyi.store.search.catalogue import homes
from shangyi.store.search.path import Path
from shangyi.store.search.path import values as at


def by_definition(resource: dict[str, Any]) -> set[int]:
    name = resource["resourceType"]
    found = set()
    for home in homes(name):
        for value in at(Path(home.steps, home.type, ""), resource):
            spelled: list[str] = []
            if home.kind == "token":
                spelled = list(values.tokens(value, home.type))
            elif home.kind == "uri":
                spelled = [value] if isinstance(value, str) else []
            elif home.kind == "reference":
                seen = [target for _, target in home.parameters]
                spelled = [
                    text
                    for text in values.references(value, home.type)
                    if None in seen or any(values.points_to(text, target) for target in seen if target)
                ]
            found |= {keys.token(name, home.code, text) for text in spelled}
    return found


def test_the_tokens_of_the_examples_are_those_of_the_definition() -> None:
    count = 0
    for _ in range(2):  # the second time from memory
        for file in sorted(shared("conformance/r4-examples").glob("*.json")):
            resource = json.loads(file.read_bytes())
            resource.setdefault("id", "x")
            wanted, name = by_definition(resource), resource["resourceType"]
            tokens = set(index.rows(resource).tokens)
            assert wanted <= tokens, file.name
            further = {t for t in tokens - wanted if t >= keys.PRESENT + 2**48} - {index.long(name)}
            assert name == "Patient" or len(further) <= len(wanted), "only codes after the first"
            count += len(wanted)
    assert count > 1000


def test_a_row_of_copy_holds_the_tokens_in_the_order_of_the_index_row() -> None:
    resource = {
        "resourceType": "Observation",
        "id": "o",
        "category": [{"coding": [{"system": "urn:x", "code": str(n)} for n in range(40)]}],
    }
    found = index.extracted(resource)
    row = search_row(1, 2, 3, found, 0)
    parts = [row[start + 4 : start + 12] for start in range(len(row) - 12 * len(found.tokens), len(row), 12)]
    assert [keys.number_of(part) for part in parts] == index.rows(resource).tokens


def test_an_endpoint_has_a_url_for_its_address() -> None:
    resource = {"resourceType": "Endpoint", "id": "e", "status": "active", "address": "https://x.example"}
    assert index.rows(resource).area == 0
