from typing import Any
from urllib.parse import parse_qsl

import pytest
from tests.people import (
    COUNTY,
    OTHER,
    VILLAGE,
    events,
    observation,
    resident,
    session,
)

from shangyi.access import Access, Role
from shangyi.access.bundles import entries
from shangyi.errors import Forbidden, Gone, Invalid, NotFound, NotSupported, ShangyiError
from shangyi.store.model import SearchRequest

PATIENT_READERS = (Role.CLINICIAN, Role.READER)


@pytest.mark.parametrize("role", PATIENT_READERS)
def test_within_the_area_is_read_and_outside_is_refused(county: Access, role: Role) -> None:
    mine = session(county, role)
    assert mine.read("Patient", "inside").id == "inside"
    assert mine.read("Observation", "obs-inside").id == "obs-inside"
    assert mine.read("Organization", "hospital").id == "hospital"
    assert mine.vread("Observation", "obs-inside", 1).version == 1
    assert mine.history("Observation", "obs-inside").versions
    for call in (
        lambda: mine.read("Patient", "outside"),
        lambda: mine.read("Observation", "obs-outside"),
        lambda: mine.read("Patient", "nowhere"),
        lambda: mine.vread("Observation", "obs-outside", 1),
        lambda: mine.history("Observation", "obs-outside"),
        lambda: mine.everything("Patient", "outside"),
        lambda: mine.reveal("Patient/outside", "phone"),
    ):
        with pytest.raises(Forbidden) as refused:
            call()
        assert "outside" not in str(refused.value).replace("outside your area", "")
    with pytest.raises(NotFound):
        mine.read("Patient", "never")


def test_what_is_written_inside_while_it_is_looked_for_is_not_called_outside(county: Access) -> None:
    """As when one form is sent twice at the same instant: it was not there within the area, then it is there at all."""
    reader = county.records.reader
    steps = session(county, Role.CLINICIAN)._boundary.reading("Observation", "just-now")
    rows = reader.rows(*next(steps))
    county.owner_session().update(observation("just-now", "inside"))
    found = None
    while found is None:
        try:
            rows = reader.rows(*steps.send(rows))
        except StopIteration as end:
            found = end.value
    assert found.id == "just-now"


def test_the_whole_county_sees_both(county: Access) -> None:
    mine = session(county, Role.CLINICIAN, COUNTY)
    assert mine.read("Patient", "inside")
    assert mine.read("Patient", "outside")


def test_history_of_a_type_is_bounded(county: Access) -> None:
    mine = session(county, Role.READER)
    ids = {version.id for version in mine.history("Observation").versions}
    assert "obs-inside" in ids
    assert "obs-outside" not in ids
    assert {v.id for v in mine.history().versions} & {"outside", "obs-outside", "problem-outside"} == set()


def test_a_deletion_outside_stays_hidden(county: Access) -> None:
    owner = county.owner_session()
    owner.update(observation("gone-outside", "outside"))
    owner.delete("Observation", "gone-outside")
    mine = session(county, Role.READER)
    with pytest.raises((Forbidden, Gone)):
        mine.read("Observation", "gone-outside")
    with pytest.raises(Forbidden):
        mine.history("Observation", "gone-outside")
    with pytest.raises(Forbidden):
        mine.vread("Observation", "gone-outside", 1)


def test_an_epidemiologist_sees_residents_with_a_case_only(county: Access) -> None:
    owner = county.owner_session()
    owner.update(resident("healthy", VILLAGE))
    mine = session(county, Role.EPIDEMIOLOGIST)
    assert mine.read("Condition", "case-inside")
    with pytest.raises(Forbidden):
        mine.read("Patient", "healthy")
    found = mine.search(SearchRequest("Condition", []))
    assert [version.id for version in found.matches] == ["case-inside"]
    with pytest.raises(Forbidden):
        mine.search(SearchRequest("Patient", [("gender", "female")]))
    assert mine.search(SearchRequest("Observation", [("patient", "inside")])).matches


# Writes


@pytest.mark.parametrize(
    "resource",
    [
        observation("w", "outside"),
        observation("w", "never"),
        {"resourceType": "Observation", "id": "w", "status": "final", "code": {"text": "x"}},
        observation("w", "inside", hasMember=[{"reference": "Observation/obs-outside"}]),
        resident("w", OTHER),
        resident("w", None),
        observation("obs-outside", "inside"),
        resident("outside", VILLAGE),
        resident("inside", OTHER),
    ],
    ids=[
        "other",
        "unknown",
        "nobody",
        "points",
        "residence",
        "no-residence",
        "takes",
        "takes-resident",
        "moves",
    ],
)
def test_a_clinician_cannot_write_outside(county: Access, resource: dict[str, Any]) -> None:
    mine = session(county, Role.CLINICIAN)
    owner = county.owner_session()

    def current() -> int:
        try:
            return owner.read(resource["resourceType"], resource["id"]).version
        except NotFound:
            return 0

    before = current()
    with pytest.raises(Forbidden):
        mine.update(resource)
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "resource": resource,
                "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
            }
        ],
    }
    with pytest.raises(Forbidden):
        mine.transaction(bundle)
    assert current() == before


def test_a_clinician_writes_within(county: Access) -> None:
    mine = session(county, Role.CLINICIAN)
    written = mine.create(_new("inside"))
    assert mine.read("Observation", written.version.id)
    patched = mine.patch("Observation", written.version.id, lambda r: {**r, "status": "amended"})
    assert patched.version.resource["status"] == "amended"
    with pytest.raises(Forbidden):
        mine.patch(
            "Observation", written.version.id, lambda r: {**r, "subject": {"reference": "Patient/outside"}}
        )
    with pytest.raises(Forbidden):
        mine.delete("Observation", written.version.id)


def _new(patient: str) -> dict[str, Any]:
    resource = observation("x", patient)
    del resource["id"]
    return resource


def test_a_new_resident_with_a_visit_in_one_transaction(county: Access) -> None:
    mine = session(county, Role.CLINICIAN)
    patient, visit = resident("x", VILLAGE), _new("x")
    del patient["id"]
    visit["subject"] = {"reference": "urn:uuid:3f1b0c1e-7a44-4d0f-9a75-0d2b0f7d4a10"}
    answer = mine.transaction(
        {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {
                    "fullUrl": "urn:uuid:3f1b0c1e-7a44-4d0f-9a75-0d2b0f7d4a10",
                    "resource": patient,
                    "request": {"method": "POST", "url": "Patient"},
                },
                {"resource": visit, "request": {"method": "POST", "url": "Observation"}},
            ],
        }
    )
    assert [entry["response"]["status"][:3] for entry in answer["entry"]] == ["201", "201"]
    last = events(county)[-1]
    assert last[0] == "transaction"
    assert {reference.split("/")[0] for reference in last[4]} == {"Patient", "Observation"}


@pytest.mark.parametrize(
    "url",
    [
        "Patient/outside",
        "Patient/outside#x",
        "Patient/out\tside",
        "Observation/obs-outside/_history/1",
        "AuditEvent",
        "Claim/x/../../Patient/outside",
        "//x/Patient/outside",
        "http://x/Patient/outside",
        "Patient?_has:Observation:performer:code=8480-6",
    ],
)
def test_a_transaction_cannot_escape(county: Access, url: str) -> None:
    with pytest.raises((Forbidden, Invalid, NotFound, NotSupported)):
        session(county, Role.CLINICIAN).transaction(reading(url))


def reading(url: str) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "GET", "url": url}}],
    }


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.READER, Role.EPIDEMIOLOGIST])
@pytest.mark.parametrize("url", ["Observation?patient=outside", "Patient?_id=outside,inside", "Condition"])
def test_a_search_in_a_transaction_is_bounded_as_alone(county: Access, role: Role, url: str) -> None:
    mine = session(county, role)
    type, _, query = url.partition("?")
    try:
        alone = mine.search(SearchRequest(type, parse_qsl(query)))
    except Forbidden:
        with pytest.raises(Forbidden):
            mine.transaction(reading(url))
        return
    (answer,) = mine.transaction(reading(url))["entry"]
    found = {f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in answer["resource"]["entry"]}
    assert found == {version.reference for version in alone.matches}
    assert not any("outside" in reference for reference in found)


def test_a_forged_merge_cannot_be_undone_into_another_area(county: Access) -> None:
    owner, mine = county.owner_session(), session(county, Role.CLINICIAN)
    for id in ("kept", "gone"):
        owner.update(resident(id, VILLAGE))
    kept, gone = owner.read("Patient", "kept"), owner.read("Patient", "gone")
    why = {"recorded": "2026-01-02T03:04:05Z", "agent": [{"who": {"display": "李敏"}}]}
    merged = mine.merge((kept.id, kept.version), (gone.id, gone.version), why).provenance.resource
    outside = owner.update(observation("obs-outside", "outside", status="amended")).version
    forged = {
        **merged,
        "target": [*merged["target"], {"reference": f"Observation/obs-outside/_history/{outside.version}"}],
        "entity": [
            *merged["entity"],
            {"role": "revision", "what": {"reference": "Observation/obs-outside/_history/1"}},
        ],
    }
    del forged["id"]
    stored = owner.create(forged).version
    with pytest.raises(Forbidden):
        mine.unmerge(stored.id, why)
    assert owner.read("Observation", "obs-outside").version == outside.version
    assert mine.unmerge(merged["id"], why).moved == 0


# Audit


def test_every_call_leaves_exactly_one_event(county: Access) -> None:
    mine = session(county, Role.CLINICIAN)
    calls: list[tuple[str, int, Any]] = [
        ("read", 0, lambda: mine.read("Patient", "inside")),
        ("read", 8, lambda: mine.read("Patient", "outside")),
        ("read", 4, lambda: mine.read("Patient", "never")),
        ("vread", 0, lambda: mine.vread("Patient", "inside", 1)),
        ("history-instance", 0, lambda: mine.history("Patient", "inside")),
        ("history-type", 0, lambda: mine.history("Patient")),
        ("history-system", 0, lambda: mine.history()),
        ("everything", 0, lambda: mine.everything("Patient", "inside")),
        ("reveal", 0, lambda: mine.reveal("Patient/inside", "phone")),
        ("reveal", 4, lambda: mine.reveal("Patient/inside", "resident-id")),
        ("create", 0, lambda: mine.create(_new("inside"))),
        ("create", 8, lambda: mine.create(_new("outside"))),
        ("read", 4, lambda: mine.read("Nothing", "x")),
        ("update", 0, lambda: mine.update(observation("once", "inside"))),
        ("delete", 8, lambda: mine.delete("Observation", "once")),
        ("transaction", 0, lambda: mine.transaction(reading("Patient/inside"))),
        ("changes", 8, lambda: mine.changes(None)),
        ("load", 8, lambda: mine.load("x.ndjson", lambda records: None)),
        ("export", 8, lambda: mine.export("x", lambda records: None)),
        ("aggregate", 0, lambda: mine.aggregate("pyramid", lambda records, scope: 1)),
        ("search-type", 8, lambda: mine.search(SearchRequest("AuditEvent", []))),
        ("read", 8, lambda: mine.read("AuditEvent", "1")),
    ]
    for subtype, outcome, call in calls:
        before = len(events(county))
        try:
            call()
        except ShangyiError:
            pass
        after = events(county)[before:]
        assert [(event[0], event[2]) for event in after] == [(subtype, outcome)]


def test_a_read_names_the_resident(county: Access) -> None:
    session(county, Role.CLINICIAN).read("Observation", "obs-inside")
    subtype, action, outcome, agent, entities, _, _ = events(county)[-1]
    assert (subtype, action, outcome, agent) == ("read", "R", 0, "account:clinician")
    assert entities == ["Observation/obs-inside", "Patient/inside"]


def test_a_load_leaves_counts(county: Access) -> None:
    class Report:
        def __init__(self) -> None:
            self.loaded = 12
            self.refused = 1

    county.system_session("loader").load("a.ndjson", lambda records: Report())
    county.drain.flush()
    with county.pool.connection() as connection:
        row = connection.execute(
            "select type, agent, detail from audit_event order by id desc limit 1"
        ).fetchone()
    assert row == ("110107", "system:loader", "source=a.ndjson\tloaded=12\trefused=1")


def test_an_export_leaves_counts(county: Access) -> None:
    county.owner_session().export("files", lambda records: {"Patient": 2})
    county.drain.flush()
    with county.pool.connection() as connection:
        row = connection.execute(
            "select type, agent, detail from audit_event order by id desc limit 1"
        ).fetchone()
    assert row == ("110106", "owner", "target=files\tPatient=2")


def test_a_session_shows_no_secret(county: Access) -> None:
    assert repr(session(county, Role.READER)) == "Session(account:reader, reader)"


@pytest.mark.parametrize("method", [{}, [], None, 7, "GRAB"])
def test_an_entry_whose_method_is_none_is_refused_with_its_place(method: Any) -> None:
    with pytest.raises(Invalid) as refused:
        entries({"entry": [{"request": {"method": method, "url": "Patient"}}]})
    assert refused.value.issues[0].expression == "Bundle.entry[0].request.method"
