"""Recording a visit in a real browser, with the keyboard only."""

import time
from typing import Any

import pytest
from tests.web.conftest import Site, sign_in, signed_in, violations

from shangyi.store.model import SearchRequest

pytestmark = pytest.mark.browser


class Keys:
    """A keyboard that counts."""

    def __init__(self, page: Any) -> None:
        self.page, self.pressed = page, 0

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.pressed += len(text)

    def press(self, key: str, times: int = 1) -> None:
        for _ in range(times):
            self.page.keyboard.press(key)
        self.pressed += times


def found(site: Site, type: str, patient: str = "p1") -> list[dict[str, Any]]:
    request = SearchRequest(type, [("patient", f"Patient/{patient}"), ("_count", "100")])
    return [v.resource for v in site.access.records.search(request).matches]


def resident(site: Site, id: str) -> None:
    base = site.access.records.read("Patient", "p1").resource
    site.access.records.update({**{k: v for k, v in base.items() if k != "identifier"}, "id": id})


def test_pressures_diagnosis_medicine_and_allergy_by_keyboard(page: Any, site: Site) -> None:
    resident(site, "v1")
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/v1")
    keys, began = Keys(page), time.monotonic()
    keys.press("n")
    page.wait_for_function("document.activeElement?.id === 'systolic'")
    keys.type("152")
    keys.press("Tab")
    keys.type("94")
    keys.press("Tab", 4)
    for typed, field in (("gxy", "diagnosis-0"), ("", "diagnosis-1"), ("aldp", "medicine-0")):
        page.wait_for_function(f"document.activeElement?.id === '{field}'")
        if typed:
            keys.type(typed)
            page.wait_for_selector(f'#{field}-list [aria-selected="true"]')
            keys.press("Enter")
        if field != "medicine-0":
            keys.press("Tab")
    assert page.input_value("#dosage-0") == "每次5mg，每日1次，口服"
    keys.press("Enter")
    page.wait_for_selector(".banner")
    assert time.monotonic() - began < 30
    assert keys.pressed <= 24, "as few as it takes"
    assert [c["code"]["coding"][0]["code"] for c in found(site, "Condition", "v1")] == ["I10.x00"]
    order = found(site, "MedicationRequest", "v1")[0]
    assert order["medicationCodeableConcept"]["coding"][0]["code"] == "C08CA01"
    assert len(found(site, "Observation", "v1")) == 1
    assert page.complaints == []


def test_a_filled_row_is_followed_by_another_that_works(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/p1/visit")
    for number, (typed, name) in enumerate((("gxy", "高血压病"), ("tnb", "2型糖尿病"))):
        page.focus(f"#diagnosis-{number}")
        page.keyboard.type(typed)
        page.wait_for_selector(f'#diagnosis-{number}-list [aria-selected="true"]')
        page.keyboard.press("Enter")
        assert page.input_value(f"#diagnosis-{number}") == name
    assert page.locator('input[name="diagnosis"]').count() == 3
    assert violations(page) == []


def test_rare_values_and_allergies_are_asked_about_and_nothing_typed_is_lost(page: Any, site: Site) -> None:
    resident(site, "v2")
    coding = {"coding": [{"system": "http://www.whocc.no/atc", "code": "J01C"}], "text": "青霉素类"}
    site.access.records.update(
        {"resourceType": "AllergyIntolerance", "id": "v2a", "patient": {"reference": "Patient/v2"}, "code": coding,
         "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]}}
    )  # fmt: skip
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/v2/visit")
    assert "青霉素类" in page.inner_text("h1")
    page.fill("#systolic", "16")
    page.fill("#diastolic", "10")
    page.fill("#medicine-0", "阿莫西林胶囊 0.5g")
    page.fill("#note", "咳嗽三天")
    page.click(".form-end button")
    alert = page.inner_text('[role="alert"]')
    assert "120 mmHg" in alert
    assert "青霉素类" in alert
    assert violations(page) == []
    assert (page.input_value("#note"), page.input_value("#medicine-0")) == ("咳嗽三天", "阿莫西林胶囊 0.5g")
    assert not found(site, "Encounter", "v2")
    page.fill("#systolic", "160")
    page.fill("#diastolic", "100")
    with page.expect_navigation():
        page.click(".form-end button")
    assert "mmHg？" not in page.inner_text('[role="alert"]'), "what was put right is not asked about again"
    assert not found(site, "Encounter", "v2")
    page.wait_for_function("document.activeElement?.name === 'confirmed'")
    page.keyboard.press("Enter")
    page.wait_for_selector(".banner")
    assert len(found(site, "Encounter", "v2")) == 1


def test_medicines_are_prescribed_again(page: Any, site: Site) -> None:
    resident(site, "v3")
    site.access.records.update(
        {"resourceType": "MedicationRequest", "id": "v3m", "status": "active", "intent": "order", "authoredOn": "2026-10-01",
         "subject": {"reference": "Patient/v3"}, "medicationCodeableConcept": {"text": "盐酸二甲双胍片 0.5g"},
         "dosageInstruction": [{"text": "每次0.5g，每日3次"}]}
    )  # fmt: skip
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/v3/visit")
    page.focus('input[name="again"]')
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_selector(".banner")
    orders = found(site, "MedicationRequest", "v3")
    assert len(orders) == 2
    assert orders[1]["dosageInstruction"] == orders[0]["dosageInstruction"]


def test_a_form_sent_twice_is_one_visit_and_another_content_is_asked_about(page: Any, site: Site) -> None:
    resident(site, "v4")
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/v4/visit")
    page.fill("#note", "复诊")
    body = page.evaluate("new URLSearchParams(new FormData(document.querySelector('#visit'))).toString()")
    send = """body => Promise.all([1, 2, 3].map(() => fetch(location.href, {method: 'POST', body,
        headers: {'Content-Type': 'application/x-www-form-urlencoded'}})
        .then(async r => r.redirected ? r.url : `${r.status} ${await r.text()}`)))"""
    assert set(page.evaluate(send, body)) == {site.address + "/residents/v4"}
    assert len(found(site, "Encounter", "v4")) == len(found(site, "ClinicalImpression", "v4")) == 1
    page.fill("#note", "复诊，头晕")
    page.click(".form-end button")
    assert "已登记" in page.inner_text('[role="alert"]')
    assert page.input_value("#note") == "复诊，头晕"
    assert len(found(site, "Encounter", "v4")) == 1


def test_what_was_typed_survives_a_cut_line_and_an_ended_session(page: Any, site: Site) -> None:
    resident(site, "v6")
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/v6/visit")
    page.fill("#note", "没有网络")
    page.context.set_offline(True)
    page.click(".form-end button")
    page.wait_for_selector("[data-unsent]")
    assert "内容不会丢失" in page.inner_text("[data-unsent]")
    page.context.set_offline(False)
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.click(".form-end button")
    page.wait_for_selector("[data-unsent] a")
    other = page.context.new_page()
    sign_in(other, site, "doctor")
    other.close()
    assert page.context.cookies() != cookies
    assert page.input_value("#note") == "没有网络"
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    page.click(".form-end button")
    page.wait_for_selector(".banner")
    assert [c["summary"] for c in found(site, "ClinicalImpression", "v6")] == ["没有网络"]


def test_initials_that_were_not_chosen_from_are_asked_about(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/p1/visit")
    page.fill("#medicine-0", "J01CA04")
    page.keyboard.press("Escape")
    page.click(".form-end button")
    page.wait_for_selector('#medicine-0[aria-invalid="true"]')
    assert "阿莫西林颗粒" in page.inner_text("#medicine-0-error")


def test_without_script(browser: Any, site: Site) -> None:
    resident(site, "v5")
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/v5/visit")
    page.fill("#diagnosis-0", "I10.x00")
    page.click('button[value="more"]')
    page.fill("#diagnosis-1", "高脂血症")
    page.press("#note", "Tab")
    page.press("#diagnosis-1", "Enter")
    page.wait_for_load_state()
    codes = {c["code"]["coding"][0]["code"] for c in found(site, "Condition", "v5")}
    assert codes == {"I10.x00", "E78.500"}
    context.close()
