"""$viewdefinition-export over a real record, its lake and a real socket: steps, formats, filters, refusals, restart, audit."""

import csv
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uvicorn
from starlette.applications import Starlette
from tests.people import OTHER, VILLAGE, events, resident

from shangyi.access import Access
from shangyi.api import routes
from shangyi.lake import exports
from shangyi.lake.asking import Analysts
from shangyi.lake.export_job import ExportJobs, Request, State
from shangyi.lake.snapshot import build
from shangyi.settings import Settings
from shangyi.store.database import Store
from shangyi.store.embedded.lease import claim

EXPORT = "$viewdefinition-export"
ASYNC = {"prefer": "respond-async"}
PEOPLE = {f"e{n}": OTHER if n > 5 else VILLAGE for n in range(8)}
BORN = {
    "resourceType": "ViewDefinition",
    "name": "born",
    "status": "active",
    "resource": "Patient",
    "select": [{"column": [{"name": "id", "path": "id"}, {"name": "born", "path": "birthDate"}]}],
}
Ask = Callable[..., httpx.Client]


@pytest.fixture(scope="module")
def home(store: Store, access: Access, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("exporting")
    for number, (id, division) in enumerate(PEOPLE.items()):
        store.repository.update(resident(id, division, birthDate=f"195{number}-03-14"))
    members = [{"entity": {"reference": f"Patient/e{n}"}, "inactive": n == 3} for n in range(1, 4)]
    group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": members}
    store.repository.update(group)
    build(home / "lake", store.repository)
    return home


@pytest.fixture(scope="module")
def analysts(home: Path) -> Iterator[Analysts]:
    made = Analysts(home / "lake", Settings(home=home, lake_memory_mb=256, lake_threads=1, lake_seconds=30))
    yield made
    made.close()


@pytest.fixture(scope="module")
def ask(access: Access, analysts: Analysts) -> Iterator[Ask]:
    """A client by its role and area, of a server on a port of its own."""
    app = Starlette(routes=routes(access, analysts=analysts))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    administration, opened = access.administration(access.owner_session()), []

    def make(role: str = "administrator", area: str = "*") -> httpx.Client:
        made = administration.create_token(f"export {role}", role, area, timedelta(hours=1))
        headers = {"authorization": f"Bearer {made.secret}", "content-type": "application/fhir+json"}
        opened.append(httpx.Client(base_url=f"http://127.0.0.1:{port}/fhir/", headers=headers, timeout=60))
        return opened[-1]

    yield make
    for client in opened:
        client.close()
    server.should_exit = True
    thread.join()


def view(definition: dict[str, Any] | str, name: str | None = None) -> dict[str, Any]:
    part: dict[str, Any] = (
        {"name": "viewReference", "valueReference": {"reference": definition}}
        if isinstance(definition, str)
        else {"name": "viewResource", "resource": definition}
    )
    return {"name": "view", "part": [part, *([{"name": "name", "valueString": name}] if name else [])]}


def asked(*items: dict[str, Any]) -> str:
    return json.dumps({"resourceType": "Parameters", "parameter": list(items)})


def values(answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in answer.json()["parameter"]:
        value = item.get("resource") or item.get("part") or next(v for k, v in item.items() if k != "name")
        found.setdefault(item["name"], []).append(value) if item["name"] == "output" else found.update(
            {item["name"]: value}
        )
    return found


def finished(http: httpx.Client, *items: dict[str, Any], place: str = EXPORT) -> httpx.Response:
    """The answer when an export is over."""
    begun = http.post(place, content=asked(*items), headers=ASYNC)
    assert begun.status_code == 202, begun.text
    until = time.monotonic() + 60
    while True:
        answer = http.get(begun.headers["content-location"])
        if values(answer)["status"] not in ("accepted", "in-progress"):
            return answer
        assert answer.headers["retry-after"]
        assert answer.headers["x-progress"].endswith("%")
        assert time.monotonic() < until
        time.sleep(0.05)


def files(http: httpx.Client, answer: httpx.Response) -> dict[str, httpx.Response]:
    assert answer.status_code == 200, answer.text
    found = {}
    for part in values(answer)["output"]:
        [name] = [item["valueString"] for item in part if item["name"] == "name"]
        [place] = [item["valueUri"] for item in part if item["name"] == "location"]
        found[name] = http.get(place)
        assert found[name].status_code == 200
        assert found[name].headers["cache-control"] == "no-store"
    return found


def ids(http: httpx.Client, *items: dict[str, Any]) -> list[str]:
    [found] = files(http, finished(http, view(BORN), *items)).values()
    return sorted(json.loads(line)["id"] for line in found.text.splitlines())


def whose(parameter: str, *references: str) -> list[dict[str, Any]]:
    return [{"name": parameter, "valueReference": {"reference": reference}} for reference in references]


def test_from_kick_off_to_files(ask: Ask) -> None:
    http = ask()
    begun = http.post(
        EXPORT,
        content=asked(
            view(BORN),
            view("ViewDefinition/patient", "居民"),
            {"name": "clientTrackingId", "valueString": "monthly"},
        ),
        headers=ASYNC,
    )
    assert begun.status_code == 202
    said = values(begun)
    assert (said["status"], said["clientTrackingId"]) == ("accepted", "monthly")
    assert begun.headers["content-location"] == said["location"]
    while (answer := http.get(said["location"])).status_code == 202:
        time.sleep(0.05)
    said = values(answer)
    assert (said["status"], said["_format"], said["clientTrackingId"]) == ("completed", "ndjson", "monthly")
    assert said["exportStartTime"] <= said["exportEndTime"]
    assert answer.headers["expires"].endswith("GMT")
    found = files(http, answer)
    assert list(found) == ["born", "居民"]
    assert found["born"].headers["content-type"] == "application/x-ndjson"
    rows = [json.loads(line) for line in found["born"].text.splitlines()]
    assert sorted((row["id"], row["born"]) for row in rows) == [(f"e{n}", f"195{n}-03-14") for n in range(8)]
    assert len(found["居民"].text.splitlines()) == 8


@pytest.mark.parametrize("format", ["json", "csv", "parquet", "arrow"])
def test_every_format(ask: Ask, format: str) -> None:
    http = ask()
    given = view(BORN), {"name": "_format", "valueCode": format}
    [found] = files(http, finished(http, *given)).values()
    read: dict[str, Callable[[bytes], list[dict[str, Any]]]] = {
        "json": json.loads,
        "csv": lambda body: list(csv.DictReader(io.StringIO(body.decode()))),
        "parquet": lambda body: pq.read_table(io.BytesIO(body)).to_pylist(),
        "arrow": lambda body: pa.ipc.open_stream(body).read_all().to_pylist(),
    }
    assert sorted(row["id"] for row in read[format](found.content)) == sorted(PEOPLE)
    assert f".{format}" in found.headers["content-disposition"]


def test_of_whom_and_since_when(ask: Ask, store: Store) -> None:
    http = ask()
    assert ids(http, *whose("patient", "Patient/e4", "Patient/e7")) == ["e4", "e7"]
    assert ids(http, *whose("group", "Group/g")) == ["e1", "e2"]
    assert ids(http, *whose("group", "Group/g"), *whose("patient", "Patient/e2", "Patient/e4")) == ["e2"]
    since = {"name": "_since", "valueInstant": store.repository.read("Patient", "e6").updated.isoformat()}
    assert ids(http, since) == ["e7"]
    library = finished(http, since, place=f"ViewDefinition/patient-identity/{EXPORT}")
    [found] = files(http, library).values()
    assert [json.loads(line)["patient_id"] for line in found.text.splitlines()] == ["Patient/e7"]
    run = {"resourceType": "Parameters", "parameter": [since, *whose("group", "Group/g")]}
    said = http.post("ViewDefinition/patient/$viewdefinition-run", content=json.dumps(run))
    assert (said.status_code, said.text) == (200, "")


def test_an_area_has_its_own(ask: Ask) -> None:
    http = ask("administrator", OTHER)
    assert ids(http) == ["e6", "e7"]
    elsewhere = http.post(EXPORT, content=asked(view(BORN), *whose("patient", "Patient/e1")), headers=ASYNC)
    assert elsewhere.status_code in (403, 404)


def test_nobody_else_and_no_role_that_exports_not(ask: Ask) -> None:
    http = ask()
    done = finished(http, view(BORN))
    place = values(done)["location"]
    [part] = values(done)["output"]
    for other, status in ((ask(), 404), (ask("clinician"), 403), (ask("analyst"), 403)):
        for address in (place, part[1]["valueUri"]):
            said = other.get(address)
            assert said.status_code == status
            assert said.json()["resourceType"] == "OperationOutcome"
        assert other.delete(place).status_code == status
    for role in ("clinician", "analyst", "reader", "epidemiologist"):
        assert ask(role).post(EXPORT, content=asked(view(BORN)), headers=ASYNC).status_code == 403
    assert http.get(place).status_code == 200
    assert http.get(f"{place}/2-none.ndjson").status_code == 404
    assert http.get(f"{place}/..%2Frequest.json").status_code == 404


@pytest.mark.parametrize(
    ("status", "items", "headers"),
    [
        (400, [view(BORN)], {}),
        (400, [], ASYNC),
        (400, [{"name": "view", "part": []}], ASYNC),
        (400, [view(BORN), view(BORN)], ASYNC),
        (400, [view(BORN), {"name": "source", "valueString": "s3://x"}], ASYNC),
        (400, [view(BORN), {"name": "_format", "valueCode": "xlsx"}], ASYNC),
        (400, [{"name": "view", "part": [{"name": "unheard", "valueString": "x"}]}], ASYNC),
        (400, [view("ViewDefinition/division"), *whose("patient", "Patient/e1")], ASYNC),
        (404, [view("ViewDefinition/none")], ASYNC),
        (404, [view(BORN), *whose("patient", "Patient/none")], ASYNC),
        (404, [view(BORN), *whose("group", "Group/none")], ASYNC),
    ],
)
def test_what_is_refused(ask: Ask, status: int, items: list[Any], headers: dict[str, str]) -> None:
    said = ask().post(EXPORT, content=asked(*items), headers=headers)
    assert (said.status_code, said.json()["resourceType"]) == (status, "OperationOutcome"), said.text
    assert ask().get(EXPORT).status_code == 405


def test_every_view_is_judged_before_it_begins(ask: Ask, home: Path) -> None:
    before = len(list(ExportJobs(home / "exports").ids()))
    wrong = [
        {**BORN, "name": name, "select": [{"column": [{"name": "a", "path": path}]}]}
        for name, path in (("a", "nmae"), ("b", "name.("))
    ]
    said = ask().post(EXPORT, content=asked(*map(view, wrong)), headers=ASYNC)
    assert said.status_code == 422
    places = [issue["expression"][0] for issue in said.json()["issue"]]
    for number in (0, 1):
        place = f"Parameters.parameter.where(name = 'view')[{number}].ViewDefinition.select[0].column[0].path"
        assert place in places
    assert len(list(ExportJobs(home / "exports").ids())) == before


def test_cancelled_is_gone(ask: Ask, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    http, at_work, go_on = ask(), threading.Event(), threading.Event()

    def held(*given: Any) -> None:
        at_work.set()
        go_on.wait(30)
        written(*given)

    written = exports.write
    monkeypatch.setattr(exports, "write", held)
    begun = http.post(EXPORT, content=asked(view(BORN)), headers=ASYNC)
    place = begun.headers["content-location"]
    assert at_work.wait(30)
    assert values(http.get(place))["status"] == "in-progress"
    assert http.delete(place).status_code == 202
    assert http.get(place).status_code == 404
    go_on.set()
    monkeypatch.setattr(exports, "write", written)
    finished(http, view(BORN))  # the next one has its turn when this one is over
    assert not (home / "exports" / place.rpartition("/")[2]).exists()


def test_a_restart_says_that_it_must_be_begun_again(ask: Ask, analysts: Analysts) -> None:
    """A process was killed: its lock is free, and its state says that it was at work."""
    http, jobs = ask(), analysts.exports.jobs
    done = finished(http, view(BORN))
    id = values(done)["exportId"]
    jobs.keep(id, State("in-progress", datetime.now(UTC).isoformat()))
    claim(jobs.place(id) / "lock").release()  # type: ignore[union-attr]
    said = http.get(values(done)["location"], headers={"accept-language": "zh-CN"})
    assert (said.status_code, values(said)["status"]) == (202, "failed")
    [issue] = values(said)["error"]["issue"]
    assert "begin it again" in issue["diagnostics"]
    assert "重新" in issue["details"]["text"]
    assert not list((jobs.place(id) / "files").glob("*"))


def test_its_time_is_over(ask: Ask, analysts: Analysts) -> None:
    http, jobs = ask(), analysts.exports.jobs
    done = finished(http, view(BORN))
    id, state = values(done)["exportId"], jobs.state(values(done)["exportId"])
    state.ended = (datetime.now(UTC) - timedelta(hours=24, seconds=1)).isoformat()
    jobs.keep(id, state)
    analysts.tidy()
    assert not jobs.place(id).exists()
    assert http.get(values(done)["location"]).status_code == 404


def test_what_fails_says_why(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exports, "write", full)
    said = finished(ask(), view(BORN))
    assert values(said)["status"] == "failed"
    assert "no room" in values(said)["error"]["issue"][0]["diagnostics"]


def test_each_step_is_in_the_audit(ask: Ask, access: Access) -> None:
    http = ask()
    done = finished(http, view(BORN))
    files(http, done)
    id = values(done)["exportId"]
    found = [
        (action, text) for kind, action, *_, text, _ in events(access) if kind == "viewdefinition-export"
    ]
    assert next(pair for pair in found if id in str(pair[1])) == ("E", f"{id}: born")
    assert ("R", f"{id}/1-born.ndjson") in found
    assert found.count(("R", id)) >= 2  # the export itself, and the questions how far it is


def test_it_is_in_the_statement(ask: Ask) -> None:
    [rest] = ask().get("metadata").json()["rest"]
    [found] = [op for op in rest["operation"] if op["name"] == "viewdefinition-export"]
    assert found["definition"] == "http://sql-on-fhir.org/OperationDefinition/$viewdefinition-export"
    assert "ViewDefinition/<name>" in found["documentation"]


def test_the_request_on_the_disk_is_the_request(tmp_path: Path, analysts: Analysts) -> None:
    jobs = ExportJobs(tmp_path)
    [id] = list(analysts.exports.jobs.ids())[:1]
    kept = analysts.exports.jobs.request(id)
    assert isinstance(kept, Request)
    jobs.create(kept).release()
    assert jobs.request(id) == kept
