"""What one request, and all of them together, may cost."""

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.api.conftest import LIMITS, Client

from shangyi.api.budget import LARGE_BYTES, Budget
from shangyi.api.json_patch import apply
from shangyi.errors import Invalid, Unavailable

JSON = {"content-type": "application/fhir+json"}
HAN = "汉" * 300_000


def endless(sent: list[int]) -> Any:
    async def pieces() -> Any:
        while True:
            sent.append(65536)
            yield b" " * 65536

    return pieces()


def test_a_stranger_is_refused_before_the_body_is_read(as_role: Callable[..., Client]) -> None:
    sent: list[int] = []
    answer = as_role(None).request("POST", "/fhir/Patient", content=endless(sent), headers=JSON)
    assert answer.status_code == 401
    assert answer.headers["connection"] == "close"
    assert len(sent) < 5


def test_a_packed_body_of_a_stranger_is_not_unpacked(as_role: Callable[..., Client]) -> None:
    headers = {**JSON, "content-encoding": "gzip"}
    assert as_role(None).request("POST", "/fhir/Patient", content=b"junk", headers=headers).status_code == 401


def test_bodies_together_stay_within_the_budget() -> None:
    budget = Budget(100)
    with budget.share() as one, budget.share() as other:
        one.take(300)
        other.take(100)
        with pytest.raises(Unavailable):
            other.take(1)
    assert budget.held == 0


def test_large_bodies_have_their_turn_and_small_ones_do_not_wait() -> None:
    budget, running, most = Budget(100), [0], [0]

    async def work(size: int) -> None:
        async with budget.turn(size):
            running[0] += size > LARGE_BYTES
            most[0] = max(most[0], running[0])
            await asyncio.sleep(0)
            running[0] -= size > LARGE_BYTES

    async def all_of_it() -> None:
        async with budget.turn(LARGE_BYTES + 1):
            await asyncio.wait_for(work(10), 5)
        await asyncio.gather(*(work(LARGE_BYTES + 1) for _ in range(5)))

    asyncio.run(all_of_it())
    assert most == [1]


NUMBERS = [
    ("9" * 4000, 422),
    ("9" * 400, 201),
    ("1e999999", 422),
    ("-1e999999", 422),
    ("1e999", 201),
    ("1e-999999", 422),
    ("0." + "1" * 1_000_000, 422),
    ("1.20", 201),
]


@pytest.mark.parametrize(("number", "status"), NUMBERS, ids=[n[:12] for n, _ in NUMBERS])
def test_numbers_beyond_all_sense_are_refused_at_their_place(http: Client, number: str, status: int) -> None:
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    body = json.dumps({**observation, "valueQuantity": {"value": 0}}).replace("0}}", number + "}}")
    answer = http.request("POST", "/fhir/Observation", content=body, headers=JSON)
    assert answer.status_code == status, answer.text[:300]
    if status == 201:
        assert f'"value":{number}' in answer.text.replace("E+", "e")
        found = http.get(f"/fhir/Observation/{answer.json()['id']}?_format=xml")
        assert found.status_code == 200
    else:
        assert answer.json()["issue"][0]["expression"] == ["Observation.value.value"]


LONG: list[tuple[str, dict[str, Any]]] = [
    ("name of Chinese characters", {"name": [{"text": HAN, "family": HAN}]}),
    ("name of many words", {"name": [{"text": "a b " * 250_000}]}),
    ("attachment", {"photo": [{"contentType": "image/png", "data": "QUJD" * 400_000}]}),
    ("identifier", {"identifier": [{"system": "http://a", "value": "x" * 1_000_000}]}),
    ("many identifiers", {"identifier": [{"value": str(n)} for n in range(100_000)]}),
]


@pytest.mark.parametrize("more", [more for _, more in LONG], ids=[name for name, _ in LONG])
def test_what_is_long_is_kept_whole_and_found(http: Client, more: dict[str, Any]) -> None:
    given = http.post("/fhir/Patient", {"resourceType": "Patient", **more})
    assert given.status_code == 201, given.text[:300]
    kept = http.get(f"/fhir/Patient/{given.json()['id']}").json()
    assert {name: kept[name] for name in more} == more


@pytest.mark.parametrize(
    "query",
    [
        "birthdate=ge2020-01-01T00:00:00%2B99:99",
        "birthdate=2020-01-01T00:00:00-24:00",
        "_lastUpdated=2020-01-01T00:00:00%2B25:00",
        "&".join(["name=a"] * 200),
    ],
)
def test_searches_that_make_no_sense(http: Client, query: str) -> None:
    assert http.get(f"/fhir/Patient?{query}").status_code == 400


@pytest.mark.parametrize("number", ["1e5000000000", "1e-5000000000", "9" * 5000, "NaN", "Infinity", "1e1000"])
def test_numbers_searched_that_make_no_sense(http: Client, number: str) -> None:
    answer = http.get(f"/fhir/Observation?value-quantity={number}")
    assert answer.status_code == 400
    assert len(answer.content) < 1000


def test_a_patch_cannot_double_a_resource_again_and_again() -> None:
    double = [{"op": "copy", "from": "/a", "path": "/a/-"}] * 40
    with pytest.raises(Invalid, match="copy"):
        apply({"a": [1]}, double)


def test_an_unpacked_body_counts_as_what_it_is(http: Client) -> None:
    packed = gzip.compress(b'{"resourceType":"Patient","language":"%s"}' % (b"x" * LIMITS.body_bytes))
    headers = {**JSON, "content-encoding": "gzip"}
    answer = http.request("POST", "/fhir/Patient", content=packed, headers=headers)
    assert answer.status_code == 413
