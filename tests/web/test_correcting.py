"""Correcting an entry in a real browser: reason, history, two people at once."""

import itertools
from typing import Any

import pytest
from tests.web.conftest import Site, signed_in, violations
from tests.web.correction.test_fields import EXAMPLES, PRESSURE

from shangyi.store.model import SearchRequest

pytestmark = pytest.mark.browser
NUMBER = itertools.count()


@pytest.fixture
def pressure(site: Site) -> str:
    id = f"bp{next(NUMBER)}"
    site.access.records.update({**PRESSURE, "id": id, "subject": {"reference": "Patient/p1"}})
    return id


def current(site: Site, id: str) -> dict[str, Any]:
    return site.access.records.read("Observation", id).resource


def test_a_blood_pressure_is_corrected_by_keyboard_with_a_reason(
    page: Any, site: Site, pressure: str
) -> None:
    signed_in(page, site, "doctor")
    page.goto(f"{site.address}/records/Observation/{pressure}")
    page.keyboard.press("e")
    page.wait_for_url("**/correct")
    page.wait_for_function("document.activeElement.id === 'component-0'")
    page.keyboard.press("Control+a")
    page.keyboard.type("130")
    page.keyboard.press("Enter")
    page.wait_for_selector('#reason[aria-invalid="true"]')
    assert page.input_value("#component-0") == "130"
    assert violations(page) == []
    page.fill("#reason", "看错读数")
    page.keyboard.press("Enter")
    page.wait_for_selector('.notice[role="status"]')
    assert violations(page) == []
    history = page.inner_text(".timeline")
    for word in ("150", "130", "看错读数", "李敏", "已更正"):
        assert word in history
    assert str(current(site, pressure)["component"][0]["valueQuantity"]["value"]) == "130"
    assert (
        str(
            site.access.records.vread("Observation", pressure, 1).resource["component"][0]["valueQuantity"][
                "value"
            ]
        )
        == "150.0"
    )


def test_the_timeline_marks_what_was_corrected(page: Any, site: Site, pressure: str) -> None:
    signed_in(page, site, "doctor")
    page.goto(f"{site.address}/records/Observation/{pressure}/correct")
    page.fill("#component-0", "131")
    page.fill("#reason", "抄错一位")
    page.keyboard.press("Enter")
    page.wait_for_selector('.notice[role="status"]')
    for kind in ("", "measurement"):
        page.goto(f"{site.address}/residents/p1?kind={kind}")
        marked = page.locator("#timeline li:has(.correction)", has_text="抄错一位")
        assert marked.count() == 1
        assert "131/" in marked.inner_text()
        for word in ("已更正", "李敏"):
            assert word in marked.inner_text()
    marked.get_by_text("查看原记录").click()
    assert "150.0" in page.inner_text("pre")
    assert page.locator("h1").count() == 1


def test_two_people_correct_one_entry(page: Any, site: Site, pressure: str) -> None:
    signed_in(page, site, "doctor")
    page.goto(f"{site.address}/records/Observation/{pressure}/correct")
    theirs = current(site, pressure)
    theirs["component"][1]["valueQuantity"]["value"] = 80
    theirs["component"][0]["valueQuantity"]["value"] = 140
    site.access.records.update(theirs)
    page.fill("#component-0", "130")
    page.fill("#reason", "看错读数")
    page.keyboard.press("Enter")
    page.wait_for_selector("table.compare")
    assert violations(page) == []
    row = page.inner_text("table.compare tbody tr")
    assert [n for n in ("150.0", "140", "130") if n in row] == ["150.0", "140", "130"]
    assert str(current(site, pressure)["component"][0]["valueQuantity"]["value"]) == "140", (
        "nothing is overwritten"
    )
    page.click("button.primary")
    page.wait_for_selector('.notice[role="status"]')
    values = [str(c["valueQuantity"]["value"]) for c in current(site, pressure)["component"]]
    assert values == ["130", "80"], "what only they corrected stays"


def test_a_form_sent_twice_corrects_once(page: Any, site: Site, pressure: str) -> None:
    signed_in(page, site, "doctor")
    page.goto(f"{site.address}/records/Observation/{pressure}/correct")
    page.fill("#component-0", "130")
    page.fill("#reason", "看错读数")
    body = page.evaluate("new URLSearchParams(new FormData(document.querySelector('form.form'))).toString()")
    send = """body => fetch(location.href, {method: 'POST', body,
        headers: {'Content-Type': 'application/x-www-form-urlencoded'}}).then(r => [r.status, r.url])"""
    for _ in range(2):
        status, url = page.evaluate(send, body)
        assert (status, url.partition("?")[2]) == (200, "done=1")
    assert current(site, pressure)["meta"]["versionId"] == "2"


def test_a_visit_is_made_void_with_what_was_entered_in_it(page: Any, site: Site, pressure: str) -> None:
    visit = f"visit-{pressure}"
    site.access.records.update({**EXAMPLES["Encounter"], "id": visit, "subject": {"reference": "Patient/p1"}})
    site.access.records.update({**current(site, pressure), "encounter": {"reference": f"Encounter/{visit}"}})
    signed_in(page, site, "doctor")
    page.goto(f"{site.address}/records/Encounter/{visit}/correct")
    assert violations(page) == []
    page.fill("#reason", "记到了别人名下")
    page.click("button.danger")
    page.wait_for_selector(".notice.grade-2")
    assert page.locator('[role="alert"]').all_inner_texts() == []
    assert site.access.records.read("Encounter", visit).resource["status"] == "entered-in-error"
    assert current(site, pressure)["status"] == "entered-in-error"
    said = site.access.records.search(
        SearchRequest("Provenance", [("target", f"Observation/{pressure}")])
    ).matches
    assert said[0].resource["activity"]["coding"][0]["code"] == "NULLIFY"
    assert page.goto(f"{site.address}/records/Encounter/{visit}/correct").status == 404
    page.goto(f"{site.address}/residents/p1?window=10y")
    assert f"/records/Observation/{pressure}" not in page.content()


def test_without_script_too_and_not_by_a_reader(browser: Any, site: Site, pressure: str) -> None:
    site.access.accounts.create("looker", "brook-lantern-42-quiet", "reader", "991321", display="查阅")
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    signed_in(page, site, "doctor")
    page.goto(f"{site.address}/records/Patient/p1/correct")
    page.fill("#phone", "13911112222")
    page.fill("#reason", "换了号码")
    page.click("button.primary")
    assert "换了号码" in page.inner_text(".timeline")
    assert "13911112222" not in page.inner_text(".timeline")
    context.clear_cookies()
    signed_in(page, site, "looker")
    page.goto(f"{site.address}/records/Observation/{pressure}")
    assert page.locator(f'a[href="/records/Observation/{pressure}/correct"]').count() == 0
    assert page.goto(f"{site.address}/records/Observation/{pressure}/correct").status == 403
    context.close()
