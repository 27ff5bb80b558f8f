"""Accounts, tokens, and taking records out, in a real browser."""

import csv
import io
import json
from typing import Any

import pytest
from tests.web.conftest import PASSWORD, Site, events, sign_in, signed_in, violations

from shangyi.errors import Unauthenticated

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("path", ["/load", "/export", "/accounts", "/accounts/1", "/tokens", "/audit"])
def test_a_page_is_sound(page: Any, site: Site, path: str) -> None:
    signed_in(page, site, "admin")
    for language in ("zh-CN", "en"):
        page.goto(f"{site.address}/language/{language}?next={path}")
        page.wait_for_load_state()
        assert page.locator("h1").count() == 1
        assert violations(page) == []
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.set_viewport_size({"width": 1440, "height": 900})
    assert page.complaints == []


def test_what_cannot_be_is_said_and_what_was_typed_stays(page: Any, site: Site) -> None:
    signed_in(page, site, "admin")
    page.goto(site.address + "/accounts")
    assert violations(page) == []
    page.fill("#name", "newdoctor")
    page.fill("#area", "99132x")
    page.click("form.form button.primary")
    page.wait_for_selector('[role="alert"]')
    assert page.input_value("#name") == "newdoctor"
    page.fill("#area", "991321")
    page.fill("#doctor", "李敏")
    page.click("form.form button.primary")
    page.wait_for_selector(".secret")
    assert site.access.accounts.get("newdoctor").practitioner == "Practitioner/d1"


def test_the_first_password_opens_nothing_but_its_own_change(page: Any, browser: Any, site: Site) -> None:
    signed_in(page, site, "admin")
    page.goto(site.address + "/accounts")
    page.fill("#name", "village")
    page.fill("#display", "村医")
    page.fill("#area", "991321101201")
    page.click("form.form button.primary")
    page.wait_for_selector(".secret")
    assert violations(page) == []
    secret = page.inner_text(".secret")
    page.reload()
    other = browser.new_context(locale="zh-CN").new_page()
    other.goto(site.address + "/sign-in")
    other.fill("#name", "village")
    other.fill("#password", secret)
    other.click("button.primary")
    other.wait_for_load_state()
    other.goto(site.address + "/residents")
    assert other.url.endswith("/settings")
    other.fill("#old", secret)
    other.fill("#new", PASSWORD)
    other.fill("#again", PASSWORD)
    other.click("button.primary")
    other.wait_for_load_state()
    other.goto(site.address + "/residents")
    assert other.url.endswith("/residents")
    account = site.access.accounts.get("village")
    page.goto(f"{site.address}/accounts/{account.id}")
    assert violations(page) == []
    page.select_option("#role", "reader")
    page.click("form.form button.primary")
    page.wait_for_selector('.notice[role="status"]')
    assert site.access.accounts.get("village").role.value == "reader"
    page.click("button.danger")
    page.wait_for_selector('button[value="enable"]')
    other.goto(site.address + "/residents")
    assert "/sign-in" in other.url
    assert {e["agent"][0]["name"] for e in events(site, "account-change")} == {"admin"}
    other.context.close()


def test_a_token_is_shown_once_used_and_revoked(page: Any, site: Site) -> None:
    signed_in(page, site, "admin")
    page.goto(site.address + "/tokens")
    page.fill("#label", "检验系统")
    page.fill("#area", "991321")
    page.click("form.form button.primary")
    page.wait_for_selector(".secret")
    assert violations(page) == []
    secret = page.inner_text(".secret")
    assert site.access.bearer_session(secret).principal.role.value == "reader"
    page.goto(site.address + "/tokens")
    assert secret not in page.content()
    page.click('button[name="revoke"]')
    page.wait_for_load_state()
    with pytest.raises(Unauthenticated):
        site.access.bearer_session(secret)


def test_the_last_administrator_stays(page: Any, site: Site) -> None:
    signed_in(page, site, "admin")
    page.goto(f"{site.address}/accounts/{site.access.accounts.get('admin').id}")
    assert page.locator("button.danger").count() == 0
    page.select_option("#role", "reader")
    page.click("form.form button.primary")
    page.wait_for_selector('[role="alert"]')
    assert site.access.accounts.get("admin").role.value == "administrator"


FETCH = "path => fetch(path).then(r => r.text().then(t => [r.status, r.headers.get('content-type'), t]))"


def test_records_are_taken_out_and_each_time_is_recorded(page: Any, site: Site) -> None:
    signed_in(page, site, "admin")
    page.goto(site.address + "/export")
    assert violations(page) == []
    assert "Patient.ndjson" in page.inner_text("main")
    status, kind, text = page.evaluate(FETCH, "/export/Patient.ndjson")
    assert (status, kind) == (200, "application/fhir+ndjson")
    assert "p1" in [json.loads(line)["id"] for line in text.splitlines()]
    assert page.evaluate(FETCH, "/export/AuditEvent.ndjson")[0] == 403
    assert page.evaluate(FETCH, "/export/Nothing.ndjson")[0] == 404
    details = [json.dumps(e, ensure_ascii=False) for e in events(site, "export")]
    assert any("Patient.ndjson" in d for d in details)


def test_a_list_is_taken_out_masked_unless_by_an_administrator(page: Any, site: Site) -> None:
    sign_in(page, site, "doctor")
    status, kind, text = page.evaluate(FETCH, "/residents.csv")
    assert (status, kind) == (200, "text/csv; charset=utf-8")
    rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))
    row = next(r for r in rows if r[0] == "单秀兰")
    assert row[4] == "9913··········27"
    assert row[5] == "199····0921"
    assert "991321195803140027" not in text
    assert page.evaluate(FETCH, "/residents.csv?full=1")[0] == 403
    assert "单秀兰" in page.evaluate(FETCH, "/panel.csv")[2]
    assert "单秀兰" not in page.evaluate(FETCH, "/residents.csv?sex=male")[2]
    for path in ("/export", "/export/Patient.ndjson", "/accounts", "/tokens"):
        assert page.goto(site.address + path).status == 403
    page.context.clear_cookies()
    sign_in(page, site, "admin")
    assert "991321195803140027" in page.evaluate(FETCH, "/residents.csv?full=1")[2]
    revealed = events(site, "reveal")
    assert "Patient/p1" in json.dumps(revealed)
