"""A row of ``audit_event`` as an AuditEvent (http://hl7.org/fhir/R4/auditevent.html; entities after IHE BALP)."""

from base64 import b64encode
from typing import Any, NamedTuple

from psycopg.rows import class_row as class_row

from shangyi.access.audit.event import COLUMNS as INSERTED
from shangyi.access.audit.event import REST
from shangyi.store.model import Method, Resource, Version

COLUMNS = INSERTED + ", id"

DICOM = "http://dicom.nema.org/resources/ontology/DCM"
DISPLAYS = {
    "110122": "Login",
    "110123": "Logout",
    "110127": "Emergency Override Started",
    "110137": "User Security Attributes Changed",
    "110106": "Export",
    "110107": "Import",
    "110114": "User Authentication",
}
AUTHENTICATION = frozenset({"110122", "110123"})
RESTFUL = frozenset(
    "read vread update patch delete history history-instance history-type history-system create search"
    " search-type search-system transaction batch operation capabilities".split()
)


class Row(NamedTuple):
    """A row as it is selected by ``COLUMNS``."""

    recorded: Any
    type: str
    subtype: str
    action: str
    outcome: int
    description: str | None
    agent: str
    agent_name: str
    role: str
    who: str | None
    purpose: str
    address: str | None
    user_agent: str | None
    request: str | None
    entities: list[str]
    query: str | None
    detail: str | None
    id: int


def _coding(row: Row) -> tuple[Resource, Resource]:
    if row.type == REST:
        kind = {
            "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
            "code": "rest",
            "display": "RESTful Operation",
        }
    else:
        kind = {"system": DICOM, "code": row.type, "display": DISPLAYS.get(row.type, row.type)}
    if row.subtype in DISPLAYS:
        return kind, {"system": DICOM, "code": row.subtype, "display": DISPLAYS[row.subtype]}
    system = (
        "http://hl7.org/fhir/restful-interaction"
        if row.subtype in RESTFUL
        else "https://shangyi.dev/fhir/CodeSystem/audit-subtype"
    )
    return kind, {"system": system, "code": row.subtype}


def _agent(row: Row) -> Resource:
    who: Resource = {"identifier": {"system": "https://shangyi.dev/fhir/sid/account", "value": row.agent}}
    if row.who:
        who["reference"] = row.who
    agent: Resource = {
        "role": [{"coding": [{"system": "https://shangyi.dev/fhir/CodeSystem/role", "code": row.role}]}],
        "who": who,
        "altId": row.agent,
        "name": row.agent_name,
        "requestor": True,
    }
    if row.address:
        agent["network"] = {"address": row.address, "type": "2"}
    return agent


def _entities(row: Row) -> list[Resource]:
    entities: list[Resource] = []
    for reference in row.entities:
        person = reference.startswith("Patient/")
        entities.append(
            {
                "what": {"reference": reference},
                "type": _typed("audit-entity-type", "1" if person else "2"),
                "role": _typed("object-role", "1" if person else "4"),
            }
        )
    if row.query is not None:
        entities.append(
            {
                "type": _typed("audit-entity-type", "2"),
                "role": _typed("object-role", "24"),
                "query": b64encode(row.query.encode()).decode(),
            }
        )
    if row.request:
        entities.append(
            {
                "what": {"identifier": {"value": row.request}},
                "type": {
                    "system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType",
                    "code": "XrequestId",
                },
            }
        )
    details = [part.partition("=") for part in (row.detail or "").split("\t") if part]
    if row.user_agent:
        details.append(("user-agent-sha256", "=", row.user_agent))
    if details:
        entities.append(
            {
                "name": "detail",
                "detail": [{"type": name, "valueString": value or "-"} for name, _, value in details],
            }
        )
    return entities


def _typed(system: str, code: str) -> Resource:
    return {"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}


def resource(row: Row) -> Resource:
    """The AuditEvent."""
    kind, subtype = _coding(row)
    instant = row.recorded.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    found: Resource = {
        "resourceType": "AuditEvent",
        "id": str(row.id),
        "meta": {"versionId": "1", "lastUpdated": instant},
        "type": kind,
        "subtype": [subtype],
        "action": row.action,
        "recorded": instant,
        "outcome": str(row.outcome),
    }
    if row.description:
        found["outcomeDesc"] = row.description
    found["purposeOfEvent"] = [
        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": row.purpose}]}
    ]
    found["agent"] = [_agent(row)]
    found["source"] = {"observer": {"display": "Shangyi"}, "type": [_typed("security-source-type", "4")]}
    if entities := _entities(row):
        found["entity"] = entities
    return found


def version(row: Row) -> Version:
    """As the repository would hand it out."""
    from shangyi.fhir import json

    return Version("AuditEvent", str(row.id), 1, row.recorded, Method.CREATE, json.dumps(resource(row)))
