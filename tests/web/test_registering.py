"""Registering a resident in a real browser."""

from typing import Any

import pytest
from tests.web.conftest import Site, signed_in, violations

from shangyi.store.model import SearchRequest
from shangyi.terminology.gb11643 import check_character

pytestmark = pytest.mark.browser


def number(first17: str) -> str:
    return first17 + check_character(first17)


def found(site: Site, type: str, *parameters: tuple[str, str]) -> list[dict[str, Any]]:
    return [v.resource for v in site.access.records.search(SearchRequest(type, parameters)).matches]


def test_a_resident_is_registered_by_keyboard(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/new")
    page.wait_for_function("document.activeElement.id === 'resident_id'")
    page.keyboard.type(number("99132119900506001"))
    page.keyboard.press("Tab")
    page.keyboard.type("欧阳文")
    assert (page.input_value("#birth"), page.input_value("#sex")) == ("1990-05-06", "male")
    page.focus("#village")
    page.keyboard.press("ArrowDown")
    page.focus("#household")
    page.keyboard.type("sxl")
    page.wait_for_selector('#household-list [role="option"]')
    page.keyboard.press("Enter")
    assert page.input_value("#household") == "单秀兰"
    page.focus("#relation")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.focus("#phone")
    page.keyboard.type("13900000001")
    page.keyboard.press("Enter")
    page.wait_for_selector(".banner")
    assert "欧阳文" in page.inner_text("h1")
    patient = found(site, "Patient", ("name", "欧阳文"))[0]
    assert patient["address"][0]["text"] == "云岭县白水镇上河村"
    group = found(site, "Group", ("member", f"Patient/{patient['id']}"))[0]
    assert [m["entity"]["display"] for m in group["member"]] == ["单秀兰", "欧阳文"]
    assert (
        found(site, "Provenance", ("target", f"Patient/{patient['id']}"))[0]["agent"][0]["who"]["reference"]
        == "Practitioner/d1"
    )
    assert page.complaints == []


def test_a_likely_duplicate_is_shown_as_one_types_and_can_be_opened(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/new")
    page.fill("#name", "单秀兰")
    page.fill("#birth", "19580314")
    page.keyboard.press("Tab")
    page.wait_for_selector(".duplicates")
    assert "姓名相同" in page.inner_text(".duplicates")
    assert "出生日期相同" in page.inner_text(".duplicates")
    assert "991321195803140027" not in page.content()
    assert violations(page) == []
    page.click(".duplicates a.button")
    page.wait_for_url("**/residents/p1")


def test_another_person_is_registered_with_a_reason_and_once(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/new")
    page.fill("#name", "单秀岚")
    page.fill("#birth", "1958-03-14")
    page.select_option("#sex", "female")
    page.select_option("#village", "991321101201")
    page.click(".form-end button")
    page.wait_for_selector('[role="alert"]')
    assert page.input_value("#name") == "单秀岚", "what was typed is still there"
    page.fill("#reason", "双胞胎姐妹")
    body = page.evaluate("new URLSearchParams(new FormData(document.querySelector('#register'))).toString()")
    page.click(".form-end button")
    page.wait_for_selector(".banner")
    # the same form again, as a second click or a reload would send it
    send = "body => fetch('/residents/new', {method: 'POST', body, headers: {'Content-Type': 'application/x-www-form-urlencoded'}}).then(r => r.url)"
    assert page.evaluate(send, body) == page.url
    registered = found(site, "Patient", ("name", "单秀岚"))
    assert len(registered) == 1
    assert registered[0]["meta"]["versionId"] == "1"
    said = found(site, "Provenance", ("target", f"Patient/{registered[0]['id']}"))
    assert [s["reason"][0]["text"] for s in said] == ["双胞胎姐妹"]


def test_it_works_without_script_and_says_which_one(browser: Any, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/new")
    page.fill("#name", "陈小明")
    page.fill("#birth", "20200203")
    page.select_option("#sex", "male")
    page.select_option("#town", "991321101000")
    page.click('button[value="villages"]')
    page.select_option("#village", "991321101202")
    page.fill("#doctor", "李敏")
    page.click(".form-end button")
    page.wait_for_load_state()
    assert "陈小明" in page.inner_text("h1")
    assert "李敏" in page.inner_text(".banner")
    context.close()


def test_somebody_of_another_area_is_not_registered_twice(page: Any, site: Site) -> None:
    division = {
        "url": "https://shangyi.dev/fhir/StructureDefinition/division",
        "valueCoding": {"code": "991999101201"},
    }
    identifier = {"system": "https://shangyi.dev/fhir/sid/resident-id", "value": number("99132119700101002")}
    site.access.records.update(
        {
            "resourceType": "Patient",
            "id": "far",
            "identifier": [identifier],
            "address": [{"extension": [division]}],
        }
    )
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/new")
    page.fill("#resident_id", identifier["value"])
    page.fill("#name", "远人")
    page.select_option("#village", "991321101201")
    page.click(".form-end button")
    page.wait_for_selector('[role="alert"]')
    assert "辖区以外已有档案" in page.inner_text('[role="alert"]')
    assert not found(site, "Patient", ("name", "远人"))


def test_a_reader_does_not_register(page: Any, site: Site) -> None:
    site.access.accounts.create("reader", "brook-lantern-42-quiet", "reader", "991321", display="查阅")
    signed_in(page, site, "reader")
    assert page.goto(site.address + "/residents/new").status == 403
    assert page.locator('a[href="/residents/new"]').count() == 0
