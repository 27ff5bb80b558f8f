"""$viewdefinition-run and $sqlquery-run over a real record and the lake of it: formats, bounds, refusals, faults, audit."""

import asyncio
import csv
import io
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.applications import Starlette
from tests.api.conftest import LIMITS, Client
from tests.people import OTHER, VILLAGE, events, resident

from shangyi import lake
from shangyi.access import Access
from shangyi.api import routes
from shangyi.api.dispatch import FhirRoute
from shangyi.api.operations.sqlquery_run import placed
from shangyi.lake.asking import MOST_AT_ONCE, Analysts
from shangyi.settings import Settings

BORN = {f"r{n}": f"{1950 + n}-03-14" for n in range(9)}
PEOPLE = [resident(id, OTHER if id in ("r7", "r8") else VILLAGE, birthDate=date) for id, date in BORN.items()]
VIEW = {
    "resourceType": "ViewDefinition",
    "status": "active",
    "resource": "Patient",
    "select": [
        {"column": [{"name": "id", "path": "getResourceKey()"}, {"name": "born", "path": "birthDate"}]}
    ],
}
LIBRARY = "https://shangyi.dev/fhir/ViewDefinition/patient"
RUN = "$viewdefinition-run"


@pytest.fixture(scope="module")
def client(access: Access, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Client]]:
    """A client of a role and area; with ``directory``, one of a server whose lake is there."""
    home = tmp_path_factory.mktemp("analysis")
    lake.write(home / "lake", PEOPLE)
    settings = Settings(home=home, lake_memory_mb=256, lake_threads=1, lake_seconds=30)
    loop, opened = asyncio.new_event_loop(), []
    administration = access.administration(access.owner_session())

    def make(role: str = "clinician", area: str = "*", directory: Path = home / "lake") -> Client:
        opened.append(Analysts(directory, settings))
        made = administration.create_token(f"sql {role}", role, area, timedelta(hours=1))
        app = Starlette(routes=routes(access, LIMITS, opened[-1]))
        return Client(app, loop, {"authorization": f"Bearer {made.secret}"})

    yield make
    for analysts in opened:
        analysts.close()
    loop.close()


def parameters(**given: Any) -> dict[str, Any]:
    def item(name: str, value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return {"name": name, "resource" if "resourceType" in value else "valueReference": value}
        key = {"_limit": "valueInteger", "header": "valueBoolean", "_since": "valueInstant"}
        return {"name": name, key.get(name, "valueCode"): value}

    return {"resourceType": "Parameters", "parameter": [item(*pair) for pair in given.items()]}


def query(sql: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Library",
        "status": "active",
        "type": {"coding": [{"code": "sql-query"}]},
        "relatedArtifact": [{"type": "depends-on", "resource": LIBRARY, "label": "patient"}],
        "content": [{"contentType": "application/sql", "data": b64encode(sql.encode()).decode()}],
        **more,
    }


def test_a_view_in_every_format(client: Callable[..., Client]) -> None:
    http = client()
    want = [{"id": f"Patient/{id}", "born": date} for id, date in sorted(BORN.items())]

    def rows(format: str) -> tuple[str, bytes]:
        for place in ("/fhir", "/fhir/ViewDefinition"):
            said = http.post(f"{place}/{RUN}", parameters(viewResource=VIEW, _format=format))
            assert said.status_code == 200, said.text
        assert said.headers["cache-control"] == "no-store"
        return said.headers["content-type"], said.content

    def same(found: list[dict[str, Any]]) -> bool:
        return sorted(found, key=lambda row: row["id"]) == want

    kind, body = rows("json")
    assert kind == "application/json"
    assert same(json.loads(body))
    kind, body = rows("ndjson")
    assert kind == "application/x-ndjson"
    assert same([json.loads(line) for line in body.splitlines()])
    kind, body = rows("csv")
    assert kind == "text/csv; charset=utf-8"
    assert same(list(csv.DictReader(io.StringIO(body.decode()))))
    kind, body = rows("parquet")
    assert kind == "application/vnd.apache.parquet"
    assert same(pq.read_table(io.BytesIO(body)).to_pylist())
    kind, body = rows("arrow")
    assert kind == "application/vnd.apache.arrow.stream"
    assert same(pa.ipc.open_stream(body).read_all().to_pylist())


def test_a_view_of_the_library(client: Callable[..., Client]) -> None:
    http = client()
    place = f"/fhir/ViewDefinition/patient/{RUN}"
    names = http.get(f"{place}?_limit=2", headers={"accept": "text/csv"}).text.splitlines()
    assert len(names) == 3
    assert "patient_id" in names[0]
    assert len(http.get(f"{place}?_limit=2&_format=csv&header=false").text.splitlines()) == 2
    one = http.get(f"{place}?patient=Patient/r3&_format=json").json()
    assert [row["patient_id"] for row in one] == ["Patient/r3"]
    for reference in ("ViewDefinition/patient-identity", f"{LIBRARY}|1.0.0"):
        said = http.post(f"/fhir/{RUN}", parameters(viewReference={"reference": reference}))
        assert len(said.text.splitlines()) == len(PEOPLE), said.text
    mine = parameters(viewResource=VIEW, patient={"reference": "Patient/r4"}, _format="json")
    assert http.post(f"/fhir/{RUN}", mine).json() == [{"id": "Patient/r4", "born": BORN["r4"]}]
    binary = http.get(f"{place}?_limit=1", headers={"accept": "application/fhir+json"}).json()
    assert (binary["resourceType"], binary["contentType"]) == ("Binary", "application/x-ndjson")
    assert json.loads(b64decode(binary["data"]))["patient_id"].startswith("Patient/")


def test_an_area_has_its_own(client: Callable[..., Client]) -> None:
    http = client("clinician", OTHER)
    said = http.post(f"/fhir/{RUN}", parameters(viewResource=VIEW, _format="json")).json()
    assert sorted(row["id"] for row in said) == ["Patient/r7", "Patient/r8"]
    elsewhere = parameters(viewResource=VIEW, patient={"reference": "Patient/r1"}, _format="json")
    assert http.post(f"/fhir/{RUN}", elsewhere).json() == []
    counted = query("select count(*) n from patient")
    said = http.post("/fhir/$sqlquery-run", parameters(queryResource=counted, _format="json"))
    assert said.json() == [{"n": 2}]


def test_who_sees_no_persons_sees_groups(client: Callable[..., Client]) -> None:
    http = client("analyst")
    grouped = query("select gender, count(*) n from patient group by 1")
    said = http.post("/fhir/$sqlquery-run", parameters(queryResource=grouped, _format="json"))
    assert said.json() == [{"gender": "female", "n": 9}]
    small = query("select birth_year, count(*) n from patient group by 1")
    for answer in (
        http.post("/fhir/$sqlquery-run", parameters(queryResource=small)),
        http.post(f"/fhir/{RUN}", parameters(viewResource=VIEW)),
        http.get(f"/fhir/ViewDefinition/patient/{RUN}"),
        http.get(f"/fhir/ViewDefinition/patient/{RUN}?patient=r1"),
    ):
        assert answer.status_code == 403
        assert answer.json()["resourceType"] == "OperationOutcome"
        assert "Patient/r" not in answer.text


def test_a_query_with_values(client: Callable[..., Client]) -> None:
    http = client("administrator")
    sql = "select patient_id, ':year' as said from patient where birth_year::int < :year order by 1"
    stored = query(sql, parameter=[{"name": "year", "use": "in", "type": "integer"}])
    id_ = http.post("/fhir/Library", stored).json()["id"]
    inner = {"resourceType": "Parameters", "parameter": [{"name": "year", "valueInteger": 1952}]}
    want = [{"patient_id": f"Patient/r{n}", "said": ":year"} for n in (0, 1)]
    said = http.post(f"/fhir/Library/{id_}/$sqlquery-run", parameters(parameters=inner, _format="json"))
    assert said.json() == want
    by_reference = parameters(
        queryReference={"reference": f"Library/{id_}"}, parameters=inner, _format="json"
    )
    assert http.post("/fhir/Library/$sqlquery-run", by_reference).json() == want
    assert http.get(f"/fhir/Library/{id_}/$sqlquery-run").status_code == 400  # without the value
    wrong = {"resourceType": "Parameters", "parameter": [{"name": "year", "valueString": "1952"}]}
    assert http.post(f"/fhir/Library/{id_}/$sqlquery-run", parameters(parameters=wrong)).status_code == 400


def test_places_of_values_keep_their_columns() -> None:
    text = "select ':a', \":a\", $$:a$$, x::int, e'\\':a' -- :a\n/* :a */ from t where a = :a and b = :b"
    found, used = placed(text, {"a": 1})
    assert used == {"a"}
    assert found == text.replace("= :a", "= $a")


def test_every_fault_has_its_place(client: Callable[..., Client]) -> None:
    http = client()
    columns = [{"name": "a", "path": "name.("}, {"name": "b", "path": "nothing"}]
    said = http.post(f"/fhir/{RUN}", parameters(viewResource={**VIEW, "select": [{"column": columns}]}))
    assert said.status_code == 422
    issues = said.json()["issue"]
    places = {issue["expression"][0] for issue in issues}
    assert {f"ViewDefinition.select[0].column[{n}].path" for n in (0, 1)} <= places
    assert any("line 1, column" in issue["diagnostics"] for issue in issues)
    said = http.post("/fhir/$sqlquery-run", parameters(queryResource=query("select foo\nfrom patient")))
    assert said.status_code == 422
    assert "line 1" in said.json()["issue"][0]["diagnostics"]


def test_a_wrong_view_is_refused_with_line_and_column(client: Callable[..., Client]) -> None:
    """Unknown element, ambiguous type, several values where one is needed, a cycle: all told, before data are read."""
    columns = [
        {"name": "a", "path": "nmae.family"},
        {"name": "b", "path": "multipleBirth"},
        {"name": "c", "path": "name.\n  family", "collection": False},
    ]
    select = [
        {"column": columns},
        {"repeat": ["contact", "$this"], "column": [{"name": "d", "path": "gender"}]},
    ]
    said = client().post(f"/fhir/{RUN}", parameters(viewResource={**VIEW, "select": select}))
    assert said.status_code == 422
    found = {issue["expression"][0]: issue["diagnostics"] for issue in said.json()["issue"]}
    for place, sentence, at in [
        ("select[0].column[0].path", "has no element nmae", "(line 1, column 1)"),
        ("select[0].column[1].path", "narrow it with ofType()", "(line 1, column 1)"),
        ("select[0].column[2].path", "several values", "(line 2, column 3)"),
        ("select[1].repeat[1]", "in a circle", "(line 1, column 1)"),
    ]:
        assert sentence in found[f"ViewDefinition.{place}"]
        assert at in found[f"ViewDefinition.{place}"]


@pytest.mark.parametrize(
    ("status", "given"),
    [
        (400, {}),
        (400, {"viewResource": VIEW, "viewReference": {"reference": "ViewDefinition/patient"}}),
        (400, {"viewResource": VIEW, "_since": "yesterday"}),
        (400, {"viewResource": VIEW, "resource": VIEW}),
        (400, {"viewResource": VIEW, "_format": "xlsx"}),
        (400, {"viewResource": VIEW, "_limit": -1}),
        (400, {"viewResource": VIEW, "unheard": "of"}),
        (404, {"viewReference": {"reference": "ViewDefinition/none"}}),
        (404, {"viewReference": {"reference": "/etc/passwd"}}),
    ],
)
def test_what_is_refused(client: Callable[..., Client], status: int, given: dict[str, Any]) -> None:
    said = client().post(f"/fhir/{RUN}", parameters(**given))
    assert said.status_code == status, said.text
    assert said.json()["resourceType"] == "OperationOutcome"
    if "resource" in given:
        assert said.json()["issue"][0]["code"] == "not-supported"


def test_more_than_an_answer_holds(client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shangyi.api.operations.tabular.MOST_ROWS", 3)
    http = client()
    assert http.get(f"/fhir/ViewDefinition/patient/{RUN}").status_code == 413
    assert len(http.get(f"/fhir/ViewDefinition/patient/{RUN}?_limit=3").text.splitlines()) == 3


def test_no_more_at_once_than_workers_can_spare(client: Callable[..., Client]) -> None:
    http = client()
    (route,) = [route for route in http.app.routes if isinstance(route, FhirRoute)]
    assert route.analysts is not None
    with ExitStack() as taken:
        for _ in range(MOST_AT_ONCE):
            taken.enter_context(route.analysts.turn())
        said = http.get(f"/fhir/ViewDefinition/patient/{RUN}")
        assert (said.status_code, said.headers["retry-after"]) == (503, "5")
    assert http.get(f"/fhir/ViewDefinition/patient/{RUN}").status_code == 200


def test_no_lake_says_how_it_is_made(client: Callable[..., Client], http: Client, tmp_path: Path) -> None:
    for server in (client("clinician", "*", tmp_path / "none"), http):
        said = server.post(f"/fhir/{RUN}", parameters(viewResource=VIEW), headers={"accept": "text/csv"})
        assert said.status_code == 404
        assert "shangyi lake build" in said.json()["issue"][0]["diagnostics"]


def test_not_in_a_batch_nor_for_nobody(client: Callable[..., Client]) -> None:
    entry = {"request": {"method": "GET", "url": f"ViewDefinition/patient/{RUN}"}}
    http = client()
    said = http.post("/fhir", {"resourceType": "Bundle", "type": "batch", "entry": [entry]}).json()
    assert said["entry"][0]["response"]["outcome"]["issue"][0]["code"] == "not-supported"
    nobody = Client(http.app, http.loop, {})
    assert nobody.get(f"/fhir/ViewDefinition/patient/{RUN}").status_code == 401


def test_every_question_is_in_the_audit(client: Callable[..., Client], access: Access) -> None:
    client().get(f"/fhir/ViewDefinition/patient/{RUN}?patient=r2")
    client("analyst").post("/fhir/$sqlquery-run", parameters(queryResource=query("select 1 from patient")))
    asked = [(outcome, text) for kind, _, outcome, *_, text, _ in events(access) if kind == "sql"][-2:]
    assert asked[0] == (0, "view patient of Patient/r2")
    assert asked[1][0] != 0
    assert asked[1][1] == "select 1 from patient"
