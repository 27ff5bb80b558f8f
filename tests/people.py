"""Two villages, and somebody of each role in them."""

from typing import Any

from shangyi.access import Access, Area, Principal, Role, Session
from shangyi.access.placement import DIVISION

COUNTY, TOWN, VILLAGE, OTHER = "991302", "991302101", "991302101203", "991302102201"
CASE = {
    "coding": [
        {"system": "https://shangyi.dev/fhir/CodeSystem/condition-category", "code": "notifiable-case"}
    ]
}


def resident(id: str, division: str | None, **more: Any) -> dict[str, Any]:
    patient: dict[str, Any] = {"resourceType": "Patient", "id": id, "gender": "female", **more}
    if division:
        coding = {"system": "https://shangyi.dev/fhir/CodeSystem/division", "code": division}
        patient["address"] = [{"use": "home", "extension": [{"url": DIVISION, "valueCoding": coding}]}]
    return patient


def observation(id: str, patient: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


def session(access: Access, role: Role | str, area: str = VILLAGE, **more: Any) -> Session:
    principal = Principal(f"account:{role}", str(role), str(role), Role(role), Area.parse(area), **more)
    return Session(access, principal)


def events(access: Access) -> list[tuple[Any, ...]]:
    """What the audit holds, oldest first: subtype, action, outcome, agent, entities, query, description."""
    access.drain.flush()
    with access.pool.connection() as connection:
        return connection.execute(
            "select subtype, action::text, outcome, agent, entities, query, description from audit_event order by id"
        ).fetchall()
