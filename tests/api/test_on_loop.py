"""A read on the event loop and the same read in a worker: one answer, one decision, one event (api/dispatch.py)."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import psycopg
import pytest
from starlette.applications import Starlette
from tests.api.conftest import Client
from tests.people import CASE, COUNTY, OTHER, VILLAGE, events, observation, resident

from shangyi.access import Access
from shangyi.api.body import Limits
from shangyi.api.dispatch import FhirRoute
from shangyi.api.routes import INTERACTIONS
from shangyi.api.workers import Workers
from shangyi.store.database import Store

READ_SECONDS = 1.0


@pytest.fixture(scope="module")
def record(access: Access) -> Access:
    """Residents of two villages, what is deleted, what is large, what belongs to nobody."""
    owner = access.owner_session()
    noise = "".join(f"{n * n * 2654435761 % 2**32:08x}" for n in range(40_000))
    for resource in (
        resident("inside", VILLAGE),
        resident("outside", OTHER),
        resident("gone", VILLAGE),
        resident("large", VILLAGE, name=[{"text": noise}]),
        observation("obs-inside", "inside"),
        observation("obs-outside", "outside"),
        {
            "resourceType": "Condition",
            "id": "case",
            "category": [CASE],
            "code": {"text": "流行性感冒"},
            "subject": {"reference": "Patient/inside"},
        },
        {"resourceType": "Organization", "id": "hospital", "name": "县医院"},
    ):
        owner.update(resource)
    owner.delete("Patient", "gone")
    return access


class Twice:
    """The same application with workers, and with none, on one loop: what the latter answers was not handed over."""

    def __init__(self, access: Access, loop: asyncio.AbstractEventLoop) -> None:
        self.access, self.loop = access, loop
        limits = Limits(read_seconds=READ_SECONDS)
        self.some = Starlette(routes=[FhirRoute(access, INTERACTIONS, limits=limits)])
        workers = Workers(threads=0, waiting=0)
        self.none = Starlette(routes=[FhirRoute(access, INTERACTIONS, limits=limits, workers=workers)])

    def prepare(self, token: dict[str, str]) -> None:
        """Connect, and remember whose token this is."""
        for _ in range(200):
            assert Client(self.some, self.loop, token).get("/fhir/Organization/hospital").status_code == 200
            if self.access.records.reader.pipeline.connected:
                return
            self.loop.run_until_complete(asyncio.sleep(0.02))
        pytest.fail("no connection")

    def on_loop(self, token: dict[str, str], method: str, place: str, **more: str) -> httpx.Response:
        self.prepare(token)
        return Client(self.none, self.loop, token).request(method, f"/fhir/{place}", headers=more)

    def in_worker(self, token: dict[str, str], method: str, place: str, **more: str) -> httpx.Response:
        self.access.cache.clear()
        return Client(self.some, self.loop, token).request(method, f"/fhir/{place}", headers=more)


@pytest.fixture(scope="module")
def twice(record: Access) -> Iterator[Twice]:
    loop = asyncio.new_event_loop()
    yield Twice(record, loop)
    record.records.reader.pipeline.close()
    loop.close()


@pytest.fixture(scope="module")
def tokens(as_role: Callable[..., Client]) -> dict[str, dict[str, str]]:
    found = {area or "*": as_role("clinician", area or "*").headers for area in (None, COUNTY, VILLAGE)}
    return found | {"reader": as_role("reader", VILLAGE).headers, "admin": as_role("administrator").headers}


def new_events(access: Access, ask: Callable[[], httpx.Response]) -> tuple[httpx.Response, list[Any]]:
    before = len(events(access))
    answer = ask()
    return answer, events(access)[before:]


@pytest.mark.parametrize("who", ["*", COUNTY, VILLAGE, "reader", "admin"])
@pytest.mark.parametrize(
    ("method", "place", "more"),
    [
        ("GET", "Patient/inside", {}),
        ("HEAD", "Patient/inside", {}),
        ("GET", "Patient/outside", {}),
        ("GET", "Patient/gone", {}),
        ("GET", "Patient/never", {}),
        ("GET", "Observation/obs-inside", {}),
        ("GET", "Observation/obs-outside", {}),
        ("GET", "Organization/hospital", {}),
        ("GET", "Patient/inside", {"if-none-match": 'W/"1"'}),
        ("GET", "Patient/inside", {"if-none-match": 'W/"2"'}),
        ("GET", "Patient/inside", {"if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT"}),
        ("GET", "Basic/x", {}),
    ],
)
def test_the_answer_and_the_event_are_those_of_a_worker(
    twice: Twice,
    tokens: dict[str, dict[str, str]],
    who: str,
    method: str,
    place: str,
    more: dict[str, str],
) -> None:
    token = tokens[who]
    twice.prepare(token)
    ours, ours_recorded = new_events(twice.access, lambda: twice.on_loop(token, method, place, **more))
    ours_recorded = ours_recorded[-1:]  # the first is of the preparation
    theirs, recorded = new_events(twice.access, lambda: twice.in_worker(token, method, place, **more))
    assert (ours.status_code, ours.content) == (theirs.status_code, theirs.content)
    assert ours.headers == theirs.headers
    assert ours_recorded == recorded
    assert len(recorded) == 1
    assert recorded[0][0] == "read"


@pytest.mark.parametrize(
    ("place", "more"),
    [
        ("Patient/inside?_pretty=true", {}),
        ("Patient/inside?_elements=gender", {}),
        ("Patient/inside?_summary=true", {}),
        ("Patient/inside?_format=xml", {}),
        ("Patient/inside", {"accept": "application/fhir+xml"}),
        ("Patient/inside", {"accept": "image/png"}),
        ("Patient/large", {}),
        ("Patient/large", {"accept-encoding": "gzip"}),
        ("patient/inside", {}),
        ("Patient/in_side", {}),
        ("AuditEvent/999999", {}),
    ],
)
def test_what_takes_longer_goes_on_in_a_worker_to_the_same_end(
    twice: Twice, tokens: dict[str, dict[str, str]], place: str, more: dict[str, str]
) -> None:
    token = tokens["admin"]
    assert twice.on_loop(token, "GET", place, **more).status_code == 503
    ask = partial(Client(twice.some, twice.loop, token).get, f"/fhir/{place}", headers=more)
    ours, ours_recorded = new_events(twice.access, ask)
    theirs, recorded = new_events(twice.access, partial(twice.in_worker, token, "GET", place, **more))
    assert ours_recorded == recorded
    assert (ours.status_code, ours.content) == (theirs.status_code, theirs.content)
    assert ours.headers == theirs.headers


def test_a_role_that_sees_cases_only_is_left_to_a_worker(
    twice: Twice, as_role: Callable[..., Client]
) -> None:
    token = as_role("epidemiologist").headers
    assert Client(twice.some, twice.loop, token).get("/fhir/Condition/case").status_code == 200
    assert twice.on_loop(token, "GET", "Condition/case").status_code == 503
    assert Client(twice.some, twice.loop, token).get("/fhir/Patient/outside").status_code == 403


def test_a_revoked_token_reads_nothing_more(twice: Twice, as_role: Callable[..., Client]) -> None:
    token = as_role("reader").headers
    assert twice.on_loop(token, "GET", "Patient/inside").status_code == 200
    administration = twice.access.administration(twice.access.owner_session())
    last = administration.tokens()[0]
    administration.revoke_token(last.id)
    assert Client(twice.some, twice.loop, token).get("/fhir/Patient/inside").status_code == 401


def test_without_a_connection_the_reader_answers(
    twice: Twice, tokens: dict[str, dict[str, str]], store: Store
) -> None:
    twice.prepare(tokens["*"])
    with psycopg.connect(store.conninfo, autocommit=True) as other:
        other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'shangyi read' and datname = current_database()"
        )
    for _ in range(3):
        answer = Client(twice.some, twice.loop, tokens["*"]).get("/fhir/Patient/inside")
        assert answer.status_code == 200
        assert answer.json()["id"] == "inside"


def test_what_takes_too_long_is_answered_and_recorded(
    twice: Twice, tokens: dict[str, dict[str, str]], store: Store
) -> None:
    time.sleep(1.1)  # the connection of the test before was ended; the next is made a second after the last
    twice.prepare(tokens["*"])
    release = threading.Event()

    def hold() -> None:
        with psycopg.connect(store.conninfo) as other:
            other.execute("lock table resource in access exclusive mode")
            held.set()
            release.wait(30)

    held = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(10)
        answer = Client(twice.none, twice.loop, tokens["*"]).get("/fhir/Patient/inside")
    finally:
        release.set()
        holder.join()
    assert answer.status_code == 503
    assert "longer than" in answer.json()["issue"][0]["diagnostics"]
    subtype, _, outcome, _, entities, _, description = events(twice.access)[-1]
    assert (subtype, outcome, entities, description) == ("read", 12, ["Patient/inside"], "CancelledError")
    assert twice.on_loop(tokens["*"], "GET", "Patient/inside").status_code == 200
