"""What is wrong is told, with the right status, and changes nothing."""

import gzip
import zlib
from typing import Any

import pytest
from tests.api.conftest import LIMITS, Client

from shangyi.api.errors import log

JSON = {"content-type": "application/fhir+json"}
GOOD = b'{"resourceType":"Patient","gender":"female"}'
DEEP_EXTENSION = (
    b'{"resourceType":"Patient","extension":'
    + b'[{"url":"http://a","extension":' * 200
    + b"[]"
    + b"}]" * 200
    + b"}"
)

FAULTS: list[tuple[str, bytes, dict[str, str], int]] = [
    ("empty body", b"", JSON, 400),
    ("not JSON", b"{", JSON, 400),
    ("an array", b"[]", JSON, 400),
    ("a string", b'"Patient"', JSON, 400),
    ("no resourceType", b"{}", JSON, 400),
    ("resourceType is no string", b'{"resourceType":1}', JSON, 400),
    ("another type", b'{"resourceType":"Group"}', JSON, 400),
    ("not UTF-8", '{"resourceType":"Patient","name":[{"text":"张"}]}'.encode("gb18030"), JSON, 400),
    ("UTF-16", GOOD.decode().encode("utf-16"), JSON, 400),
    ("raw NUL", GOOD[:-1] + b"\x00}", JSON, 400),
    ("nested beyond the limit", DEEP_EXTENSION, JSON, 400),
    ("nested beyond any stack", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, JSON, 400),
    ("too large", b" " * (LIMITS.body_bytes + 1), JSON, 413),
    ("charset declared that is not UTF-8", GOOD, {"content-type": "application/fhir+json; charset=gbk"}, 415),
    ("another FHIR version", GOOD, {"content-type": "application/fhir+json; fhirVersion=3.0"}, 415),
    ("plain text", GOOD, {"content-type": "text/plain"}, 415),
    ("no content type", GOOD, {}, 415),
    ("unknown content encoding", GOOD, {**JSON, "content-encoding": "br"}, 415),
    ("gzip that is none", GOOD, {**JSON, "content-encoding": "gzip"}, 400),
    ("truncated gzip", gzip.compress(GOOD)[:-9], {**JSON, "content-encoding": "gzip"}, 400),
    ("gzip with a wrong checksum", gzip.compress(GOOD)[:-8] + b"\0" * 8, {**JSON, "content-encoding": "gzip"}, 400),
    ("gzip bomb", gzip.compress(b" " * 200_000_000, 9), {**JSON, "content-encoding": "gzip"}, 413),
]  # fmt: skip


@pytest.mark.parametrize(("body", "headers", "status"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_faulty_body_is_refused_and_nothing_is_kept(
    http: Client, body: bytes, headers: dict[str, str], status: int
) -> None:
    before = http.get("/fhir/_history?_count=1").json().get("entry")
    answer = http.request("POST", "/fhir/Patient", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["diagnostics"]
    assert http.get("/fhir/_history?_count=1").json().get("entry") == before


def test_gzip_bodies_are_read_also_in_several_members(http: Client) -> None:
    body = gzip.compress(GOOD[:20]) + gzip.compress(GOOD[20:])
    answer = http.request("POST", "/fhir/Patient", content=body, headers={**JSON, "content-encoding": "gzip"})
    assert answer.status_code == 201


def test_an_unbounded_body_is_stopped_while_it_comes(http: Client) -> None:
    async def endless() -> Any:
        while True:
            yield b" " * 65536

    answer = http.request("POST", "/fhir/Patient", content=endless(), headers=JSON)
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    "query",
    ["_count=%zz%FF", "name=%ff", "name=a%00b", "_format=json&_format=xml", "_since=%00"],
)
def test_faulty_parameters_are_refused(http: Client, query: str) -> None:
    answer = http.get(f"/fhir/Patient/_history?{query}")
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_one_time_parameters_given_twice_are_refused(http: Client) -> None:
    assert http.get("/fhir/_history?_count=1&_count=2").status_code == 400
    assert http.get("/fhir/_history?_since=2020-01-01&_since=2021-01-01").status_code == 400


def test_an_unexpected_error_tells_an_id_and_no_more(
    http: Client, store: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: object, **named: object) -> None:
        raise ZeroDivisionError("张三 110101199001011234")

    monkeypatch.setattr(store.repository, "reading", fails)
    with caplog.at_level("ERROR", log.name):
        answer = http.get("/fhir/Patient/secret-id", headers={"x-request-id": "request-0001"})
    assert answer.status_code == 500
    assert "request-0001" in answer.text
    logged = caplog.text
    assert "ZeroDivisionError" in logged
    assert "request-0001" in logged
    for text in (answer.text, logged):
        assert "张三" not in text
        assert "secret-id" not in text


def test_the_request_log_holds_no_personal_data(http: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "shangyi.http"):
        http.get("/fhir/Patient/110101199001011234?_elements=name")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "shangyi.http"]
    assert '"route":"/fhir/{type}/{id}"' in line
    assert '"status":404' in line
    assert "110101" not in line
    assert "_elements" not in line


def test_texts_come_in_the_language_of_the_reader(http: Client) -> None:
    issue = http.get("/fhir/a/b/c/d/e/f", headers={"accept-language": "zh-CN,zh;q=0.9"}).json()["issue"][0]
    assert issue["diagnostics"] == "There is nothing at this address"
    assert issue["details"]["text"] == "这个地址没有内容"


def test_small_answers_are_not_packed_and_large_ones_are(http: Client) -> None:
    large = http.request("GET", "/fhir/metadata", headers={"accept-encoding": "gzip"})
    assert large.headers["content-encoding"] == "gzip"
    assert large.json()["resourceType"] == "CapabilityStatement"
    plain = http.request("GET", "/fhir/metadata", headers={"accept-encoding": "gzip;q=0, identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json()["rest"] == large.json()["rest"]
    assert "content-encoding" not in http.get("/fhir/Unicorn/1", headers={"accept-encoding": "gzip"}).headers


def test_zlib_is_not_gzip(http: Client) -> None:
    headers = {**JSON, "content-encoding": "gzip"}
    assert (
        http.request("POST", "/fhir/Patient", content=zlib.compress(GOOD), headers=headers).status_code == 400
    )
