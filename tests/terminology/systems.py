"""A small code system of diseases, and value sets on it, for the tests of terminology."""

from typing import Any

SYSTEM = "https://example.org/diseases"
STATUS = "http://hl7.org/fhir/concept-properties#status"
ABSTRACT = "http://hl7.org/fhir/concept-properties#notSelectable"


def concept(code: str, display: str, *below: dict[str, Any], **properties: Any) -> dict[str, Any]:
    kinds = {bool: "valueBoolean", str: "valueCode"}
    found: dict[str, Any] = {"code": code, "display": display}
    if properties:
        found["property"] = [{"code": k, kinds[type(v)]: v} for k, v in properties.items()]
    return {**found, "concept": list(below)} if below else found


DISEASES: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "url": SYSTEM,
    "version": "1.0.0",
    "language": "en",
    "status": "active",
    "content": "complete",
    "hierarchyMeaning": "is-a",
    "property": [
        {"code": "state", "uri": STATUS, "type": "code"},
        {"code": "group", "uri": ABSTRACT, "type": "boolean"},
        {"code": "organ", "type": "code"},
    ],
    "concept": [
        concept(
            "D",
            "Diabetes",
            concept("D1", "Type 1 diabetes", organ="pancreas"),
            concept("D2", "Type 2 diabetes", concept("D2n", "With nephropathy"), organ="pancreas"),
            concept("D9", "Juvenile diabetes", state="retired"),
            group=True,
        ),
        concept("H", "Hypertension", organ="vessel"),
        # Under two parents: one by its place, one by a property.
        {
            "code": "N",
            "display": "Nephropathy",
            "concept": [{"code": "Nd", "display": "Diabetic nephropathy", "property": [{"code": "parent", "valueCode": "D2n"}]}],
        },
    ],
}  # fmt: skip


def value_set(name: str, *include: dict[str, Any], **more: Any) -> dict[str, Any]:
    compose = {"include": list(include), **({"exclude": more.pop("exclude")} if "exclude" in more else {})}
    url = f"https://example.org/vs/{name}"
    return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": compose, **more}


def of(system: str = SYSTEM, **more: Any) -> dict[str, Any]:
    return {"system": system, **more}


def where(property: str, op: str, value: str) -> dict[str, Any]:
    return of(filter=[{"property": property, "op": op, "value": value}])
