"""Nothing without a decision: who may, who may not, and that a browser cannot be made to."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.conftest import Client

from shangyi.access import Access, Origin
from shangyi.access.browser import COOKIE, csrf_token
from shangyi.api.routes import INTERACTIONS

PATIENT = {"resourceType": "Patient", "gender": "male"}
VALUES = {"type": "Patient", "id": "x", "version": "1", "operation": "$validate", "member": "Observation"}
EXPORT = {"export": "20260101000000-0123456789abcdef", "file": "1-patient.csv"}
VIEW = {"logical": "ViewDefinition", "view": "patient", "operation": "$viewdefinition-run"}


@pytest.mark.parametrize("row", INTERACTIONS, ids=lambda row: f"{row.method} {row.template}")
def test_every_interaction_needs_a_session_but_the_capabilities(
    as_role: Callable[..., Client], row: Any
) -> None:
    values = VIEW if "{logical}" in row.template else VALUES
    answer = as_role(None).request(row.method, "/fhir" + row.template.format(**values, **EXPORT))
    if row.public:
        assert answer.status_code == 200
    else:
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="shangyi"'
        assert answer.json()["issue"][0]["code"] == "login"


@pytest.mark.parametrize("value", ["Bearer nonsense", "Basic YTpi", "Bearer", "Bearer  ", ""])
def test_bad_credentials_are_401(as_role: Callable[..., Client], value: str) -> None:
    answer = as_role(None).get("/fhir/Patient/x", headers={"authorization": value})
    assert answer.status_code == 401


def test_roles_bound_what_is_done(as_role: Callable[..., Client], http: Client) -> None:
    made = http.post("/fhir/Patient", PATIENT).json()["id"]
    reader, analyst = as_role("reader"), as_role("analyst")
    assert reader.get(f"/fhir/Patient/{made}").status_code == 200
    refused = reader.post("/fhir/Patient", PATIENT)
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (403, "forbidden")
    assert reader.delete(f"/fhir/Patient/{made}").status_code == 403
    assert analyst.get(f"/fhir/Patient/{made}").status_code == 403
    assert reader.get("/fhir/AuditEvent/1").status_code == 403
    assert http.put("/fhir/AuditEvent/1", {"resourceType": "AuditEvent", "id": "1"}).status_code == 403
    assert http.get(f"/fhir/Patient/{made}").status_code == 200


def test_what_is_outside_the_area_is_not_read(as_role: Callable[..., Client], http: Client) -> None:
    made = http.post("/fhir/Patient", patient_of("991301001001")).json()["id"]
    assert as_role("clinician", "991301001").get(f"/fhir/Patient/{made}").status_code == 200
    elsewhere = as_role("clinician", "991302001").get(f"/fhir/Patient/{made}")
    assert elsewhere.status_code in (403, 404)
    assert "male" not in elsewhere.text


def patient_of(division: str) -> dict[str, Any]:
    url = "https://shangyi.dev/fhir/StructureDefinition/division"
    coding = {"system": "https://shangyi.dev/fhir/CodeSystem/division", "code": division}
    return {**PATIENT, "address": [{"use": "home", "extension": [{"url": url, "valueCoding": coding}]}]}


@pytest.fixture(scope="module")
def cookie(access: Access) -> str:
    password = "a long enough passphrase 7"
    administration = access.administration(access.owner_session())
    administration.create_account("doctor", "clinician", "*", password)
    return access.sign_in("doctor", password, Origin()).cookie


def test_the_console_s_cookie_reads(as_role: Callable[..., Client], cookie: str) -> None:
    answer = as_role(None).get("/fhir/Patient/none", headers={"cookie": f"{COOKIE}={cookie}"})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 403),
        ({"x-csrf-token": "wrong"}, 403),
        ({"x-csrf-token": "right"}, 201),
        ({"x-csrf-token": "right", "origin": "http://test"}, 201),
        ({"x-csrf-token": "right", "origin": "http://evil.example"}, 403),
        ({"x-csrf-token": "right", "sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_a_forged_write_is_refused(
    as_role: Callable[..., Client], cookie: str, more: dict[str, str], status: int
) -> None:
    headers = {"cookie": f"{COOKIE}={cookie}", **more}
    if more.get("x-csrf-token") == "right":
        headers["x-csrf-token"] = csrf_token(cookie)
    assert as_role(None).post("/fhir/Patient", PATIENT, headers=headers).status_code == status


def test_an_audit_event_is_left_also_for_a_refusal(as_role: Callable[..., Client], access: Access) -> None:
    as_role("analyst").get("/fhir/Patient/somebody")
    access.drain.flush()
    with access.pool.connection() as connection:
        row = connection.execute(
            "select subtype, outcome from audit_event where 'Patient/somebody' = any(entities)"
        ).fetchone()
    assert row == ("read", 8)


def test_no_cors(as_role: Callable[..., Client]) -> None:
    answer = as_role(None).get("/fhir/metadata", headers={"origin": "http://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
