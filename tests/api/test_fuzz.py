"""Whatever is sent, the answer is FHIR and never a fault of ours."""

import copy
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.conftest import Client

from shangyi.fhir import definitions

TYPES = ["Patient", "Observation", "Encounter", "Condition", "Bundle", "Binary", "AuditEvent", "Nothing"]
ODD = [
    "", " ", "0", "-1", "1e400", "99999999999999999999", "NaN", "null", "true", "2020-02-30", "ge2020", "gt", "ap-0",
    "20-1-1", "0000", "9999-12-31T23:59:60Z", "|", "||", "a|b|c", "http://loinc.org|", ",", "\\", "\\,", "$", "a$b$c",
    "Patient/", "Patient/../x", "urn:uuid:", "#", "%", "\x00", "\ud7ff", "张", "😀" * 50, "x" * 3000, "'; --", "*",
    "[]", "{}", "*/*", 'W/"1"', 'W/"x"', "W/", '""', "return=nothing", "Thu, 01 Jan 1970 00:00:00 GMT",
]  # fmt: skip
RESULTS = [
    "_id", "_lastUpdated", "_include", "_revinclude", "_sort", "_count", "_summary", "_elements", "_total", "_has",
    "_has:Observation:patient:code", "_format", "_pretty", "_since", "_at", "_type", "_page", "_filter", "_list", "_text",
]  # fmt: skip
PARAMETERS = sorted(
    {
        parameter
        for kind in ("Patient", "Observation", "Encounter", "Condition")
        for parameter in definitions.search_parameters(kind)
    }
    | set(RESULTS)
)
MODIFIERS = ["", ":exact", ":contains", ":missing", ":not", ":text", ":in", ":below", ":of-type", ":Patient", ":x", ".name", ":Patient.birthdate"]  # fmt: skip
PARTS = [
    *TYPES,
    "1",
    "nobody",
    "_search",
    "_history",
    "1",
    "$validate",
    "$everything",
    "$x",
    "metadata",
    "..",
    "a" * 65,
]

odd = st.sampled_from(ODD) | st.text(max_size=12)
path = st.lists(st.sampled_from(PARTS) | odd, max_size=4).map(lambda parts: "/".join(parts))
name = st.tuples(st.sampled_from(PARAMETERS) | odd, st.sampled_from(MODIFIERS)).map("".join)
query = st.lists(st.tuples(name, odd), max_size=3)
header = st.sampled_from(
    ["accept", "content-type", "if-match", "if-none-match", "if-none-exist", "if-modified-since", "prefer", "accept-encoding"]
)  # fmt: skip
values = st.sampled_from(
    [*(v for v in ODD if v.isascii() and v.isprintable()), "application/fhir+xml", "application/fhir+json",
     "application/json-patch+json", "application/x-www-form-urlencoded", "text/html", "application/fhir+json; fhirVersion=3.0"]
)  # fmt: skip
SOUND: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": "1", "name": [{"family": "王", "given": ["小", "明"]}], "birthDate": "1960-01-02"},
    {"resourceType": "Observation", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
     "subject": {"reference": "Patient/1"}, "valueQuantity": {"value": 1.20, "unit": "mmHg"}},
    {"resourceType": "Bundle", "type": "transaction", "entry": [
        {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}},
        {"request": {"method": "GET", "url": "Patient?name=x&_count=1"}}]},
    {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": {"resourceType": "Patient"}}]},
]  # fmt: skip
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | odd,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(node: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [at, *(place for key, inner in below for place in places(inner, (*at, key)))]


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """A sound resource with one place made odd, removed or added to."""
    body = copy.deepcopy(draw(st.sampled_from(SOUND)))
    *way, last = draw(st.sampled_from(places(body)[1:]))
    node = body
    for key in way:
        node = node[key]
    match draw(st.sampled_from(["replace", "remove", "add"])):
        case "replace":
            node[last] = draw(junk)
        case "remove":
            del node[last]
        case _ if isinstance(node, dict):
            node[draw(st.sampled_from(["_id", "extension", "contained", "meta", "x"]))] = draw(junk)
        case _:
            node.append(draw(junk))
    return body


body = damaged() | junk | st.binary(max_size=40)


@pytest.fixture(scope="module")
def clients(as_role: Callable[..., Client]) -> dict[str, Client]:
    """Everything is open to the one, the other sees an area."""
    return {"administrator": as_role("administrator"), "clinician": as_role("clinician", "990000")}


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    role=st.sampled_from(["administrator", "clinician"]),
    method=st.sampled_from(["GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]),
    path=path,
    query=query,
    headers=st.dictionaries(header, values, max_size=2),
    body=st.none() | body,
)
def test_an_answer_is_fhir_and_no_fault(
    clients: dict[str, Client],
    role: str,
    method: str,
    path: str,
    query: Any,
    headers: dict[str, str],
    body: Any,
) -> None:
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode("utf-8", "surrogatepass")
    if content is not None:
        headers = {"content-type": "application/fhir+json", **headers}
    url = "/fhir/" + quote(path, errors="surrogatepass")
    answer = clients[role].request(
        method, url.replace("?", "%3F"), params=query, headers=headers, content=content
    )
    assert answer.status_code < 500 or answer.status_code == 501, answer.text
    if answer.status_code >= 400 and method != "HEAD" and "json" in answer.headers.get("content-type", ""):
        outcome = answer.json()
        assert outcome["resourceType"] == "OperationOutcome"
        assert all(issue["diagnostics"] or issue["details"] for issue in outcome["issue"])
