from base64 import b64decode
from datetime import UTC, datetime

import pytest
from tests.people import session

from shangyi.access import Access, Origin, Principal, Role, Session
from shangyi.access.audit.event import Event
from shangyi.access.audit.search import period
from shangyi.errors import Forbidden, Invalid, NotFound
from shangyi.store.model import SearchRequest

LI = Principal("account:1", "li", "李医生", Role.CLINICIAN, practitioner="Practitioner/li")
WU = Principal("account:2", "wu", "吴疾控", Role.EPIDEMIOLOGIST)


@pytest.fixture(scope="module")
def written(access: Access) -> Access:
    def note(
        day: int, subtype: str, who: Principal, outcome: int = 0, *entities: str, query: str | None = None
    ) -> None:
        event = Event(
            subtype, "E" if "search" in subtype else "R", who, Origin("10.0.0.7", "ab", "rq-1"), "TREAT",
            outcome=outcome, entities=entities, query=query, description="No {x}" if outcome else None,
        )  # fmt: skip
        access.record(event.line(datetime(2020, 1, day, 12, tzinfo=UTC)))

    note(1, "read", LI, 0, "Patient/a")
    note(2, "read", LI, 8, "Patient/b")
    note(3, "search-type", WU, 0, "Condition/c", "Patient/a", query="Condition?code=J11")
    note(4, "read", WU, 0, "Observation/o", "Patient/b")
    return access


def days(access: Access, *parameters: tuple[str, str]) -> list[int]:
    owner = access.owner_session()
    found = owner.search(SearchRequest("AuditEvent", [("date", "2020"), *parameters]))
    return [int(version.resource["recorded"][8:10]) for version in found.matches]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ([], [4, 3, 2, 1]),
        ([("_sort", "date")], [1, 2, 3, 4]),
        ([("date", "ge2020-01-02"), ("date", "lt2020-01-04")], [3, 2]),
        ([("date", "2020-01-03T12:00:00Z")], [3]),
        ([("date", "ne2020-01-03")], [4, 2, 1]),
        ([("agent", "Practitioner/li")], [2, 1]),
        ([("agent", "account:2")], [4, 3]),
        ([("agent-name", "W")], [4, 3]),
        ([("agent-role", "clinician,epidemiologist")], [4, 3, 2, 1]),
        ([("entity", "Observation/o")], [4]),
        ([("patient", "a")], [3, 1]),
        ([("patient", "Patient/b")], [4, 2]),
        ([("action", "E")], [3]),
        ([("type", "http://terminology.hl7.org/CodeSystem/audit-event-type|rest")], [4, 3, 2, 1]),
        ([("subtype", "search-type")], [3]),
        ([("outcome", "8")], [2]),
        ([("address", "10.0")], [4, 3, 2, 1]),
        ([("agent-name", "%")], []),
    ],
)
def test_parameters(written: Access, parameters: list[tuple[str, str]], expected: list[int]) -> None:
    assert days(written, *parameters) == expected


def test_pages_go_on_where_the_last_ended(written: Access) -> None:
    owner = written.owner_session()
    seen, cursor = [], None
    for _ in range(9):
        more = [("_cursor", cursor)] if cursor else []
        page = owner.search(SearchRequest("AuditEvent", [("date", "2020"), ("_count", "3"), *more]))
        seen += [version.id for version in page.matches]
        cursor = page.next
        if cursor is None:
            break
    assert len(seen) == 4
    assert len(set(seen)) == 4
    total = owner.search(SearchRequest("AuditEvent", [("date", "2020"), ("_summary", "count")]))
    assert (total.total, list(total.matches)) == (4, [])


def test_an_event_as_fhir(written: Access) -> None:
    owner = written.owner_session()
    version = owner.search(
        SearchRequest("AuditEvent", [("date", "2020"), ("subtype", "search-type")])
    ).matches[0]
    event = owner.read("AuditEvent", version.id).resource
    assert event == version.resource
    assert event["recorded"] == "2020-01-03T12:00:00.000Z"
    assert event["outcome"] == "0"
    assert event["purposeOfEvent"][0]["coding"][0]["code"] == "TREAT"
    assert event["agent"][0]["name"] == "wu"
    assert event["agent"][0]["network"] == {"address": "10.0.0.7", "type": "2"}
    references = [e["what"]["reference"] for e in event["entity"] if "reference" in e.get("what", {})]
    assert references == ["Condition/c", "Patient/a"]
    assert [b64decode(e["query"]) for e in event["entity"] if "query" in e] == [b"Condition?code=J11"]


def test_ids_of_two_databases_differ(written: Access) -> None:
    owner = written.owner_session()
    id = owner.search(SearchRequest("AuditEvent", [("date", "2020")])).matches[0].id
    assert len(id) == 18


def test_it_is_valid_fhir(written: Access) -> None:
    from shangyi.fhir.validation import validate

    owner = written.owner_session()
    for version in owner.search(SearchRequest("AuditEvent", [("_count", "200")])).matches:
        assert [issue for issue in validate(version.resource) if issue.severity in ("error", "fatal")] == []


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.ADMINISTRATOR, Role.OWNER)])
def test_only_administrators_read_the_audit(written: Access, role: Role) -> None:
    mine = Session(written, Principal("account:3", "x", "x", role))
    with pytest.raises(Forbidden):
        mine.search(SearchRequest("AuditEvent", []))
    with pytest.raises(Forbidden):
        mine.read("AuditEvent", "1")


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.OWNER, Role.SYSTEM])
def test_nobody_changes_it(written: Access, role: Role) -> None:
    mine = session(written, role, "*")
    event = {"resourceType": "AuditEvent", "id": "1"}
    put = {"resource": event, "request": {"method": "PUT", "url": "AuditEvent/1"}}
    for call in (
        lambda: mine.create(event),
        lambda: mine.update(event),
        lambda: mine.delete("AuditEvent", "1"),
        lambda: mine.patch("AuditEvent", "1", lambda r: r),
        lambda: mine.conditional_delete("AuditEvent", [("outcome", "8")]),
        lambda: mine.history("AuditEvent"),
        lambda: mine.history("AuditEvent", "1"),
        lambda: mine.transaction({"resourceType": "Bundle", "type": "transaction", "entry": [put]}),
    ):
        with pytest.raises(Forbidden):
            call()


def test_unknown_parameters_and_events(written: Access) -> None:
    owner = written.owner_session()
    for name, value in (("colour", "red"), ("date", "yesterday"), ("_sort", "agent"), ("_cursor", "x")):
        with pytest.raises(Invalid):
            owner.search(SearchRequest("AuditEvent", [(name, value)]))
    for id in ("0", "x", "9" * 30):
        with pytest.raises(NotFound):
            owner.read("AuditEvent", id)


def test_periods() -> None:
    assert period("2020-02")[1] == datetime(2020, 3, 1, tzinfo=UTC)
    assert period("2020-12-31")[1] == datetime(2021, 1, 1, tzinfo=UTC)
    assert period("2020-01-01T08:00+08:00")[0] == datetime(2020, 1, 1, tzinfo=UTC)
