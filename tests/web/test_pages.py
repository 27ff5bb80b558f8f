"""The console's pages in a real browser: both languages, phone and desk, with and without script, by keyboard."""

import re
from typing import Any

import pytest
from tests.web.conftest import Site, events, sign_in, signed_in, violations

pytestmark = pytest.mark.browser


PAGES = (
    "/",
    "/?of=area",
    "/residents",
    "/residents/new",
    "/residents?due=all&density=dense",
    "/cases",
    "/panel",
    "/residents/p1",
    "/residents/p1/visit",
    "/residents/p1/merge",
    "/residents/p1/merge?with_value=p2",
    "/residents/p1/merges",
    "/records/Patient/p1",
    "/records/Patient/p1/correct",
    "/records/AllergyIntolerance/a1/correct",
    "/settings",
)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_sound(page: Any, site: Site, path: str) -> None:
    signed_in(page, site, "doctor")
    for language in ("zh-CN", "en"):
        page.goto(f"{site.address}/language/{language}?next={path}")
        page.wait_for_load_state()
        assert page.locator("h1").count() == 1
        assert page.locator("html").get_attribute("lang") == language
        assert violations(page) == []
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.set_viewport_size({"width": 1440, "height": 900})
    assert page.complaints == []


def test_nobody_reads_without_signing_in(page: Any, site: Site) -> None:
    page.goto(site.address + "/residents/p1")
    assert "/sign-in?next=" in page.url
    assert "单秀兰" not in page.content()


def test_numbers_are_masked_and_shown_on_request(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/p1")
    assert "991321195803140027" not in page.content()
    page.locator("form.reveal button").first.click()
    page.wait_for_selector("#revealed")
    assert page.inner_text("#revealed") == "991321195803140027"


def test_the_record_behind_a_resident_masks_numbers_until_asked_and_that_is_audited(
    page: Any, site: Site
) -> None:
    def reveals() -> int:
        return sum("Patient/p1" in str(event) for event in events(site, "reveal"))

    signed_in(page, site, "doctor")
    before = reveals()
    page.goto(site.address + "/records/Patient/p1")
    assert "9913··········27" in page.inner_text("pre")
    assert "199····0921" in page.inner_text("pre")
    assert not {"991321195803140027", "19900000921"} & set(re.findall(r"\d+", page.content()))
    assert reveals() == before
    page.click("form.reveal button")
    assert "991321195803140027" in page.inner_text("pre")
    assert reveals() == before + 1
    page.goto(site.address + "/records/Patient/p1/correct")  # whoever corrects a number has to see it
    assert page.input_value("#resident_id") == "991321195803140027"
    assert reveals() == before + 2


def test_a_resident_is_found_as_one_types(page: Any, site: Site) -> None:
    sign_in(page, site, "doctor")
    page.keyboard.press("/")
    page.keyboard.type("sxl")
    page.wait_for_selector("#suggestions a")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/residents/p1")
    assert "青霉素过敏" in page.inner_text(".banner")


def test_what_is_looked_for_stands_in_no_address(page: Any, site: Site) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    signed_in(page, site, "doctor")
    for where, sends in (
        ("/", "#search"),
        ("/residents", "main input[name=q]"),
        ("/panel", "main input[name=q]"),
    ):
        page.goto(site.address + where)
        page.fill(sends, "shanxiulan")
        page.press(sends, "Enter")
        page.wait_for_url("**?found=1")
        assert page.locator('main a[href="/residents/p1"]').count() == 1
        assert page.input_value("main input[name=q]") == "shanxiulan"
    page.goto(site.address + "/residents/new")
    page.fill("#doctor", "李")
    page.wait_for_selector("#doctor-list [role=option]")
    assert asked
    assert not any("shanxiulan" in url or "%E6%9D%8E" in url for url in asked)


def test_a_visit_is_recorded_by_keyboard_once(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/p1")
    page.keyboard.press("n")
    page.wait_for_selector("#systolic:focus")
    page.keyboard.type("152")
    page.keyboard.press("Enter")
    page.wait_for_selector('[aria-invalid="true"]')
    page.fill("#diastolic", "94")
    page.keyboard.press("Enter")
    page.wait_for_selector(".banner")
    page.goto(site.address + "/residents/p1?kind=measurement")
    assert "152/94" in page.inner_text("#timeline")


def test_pages_are_readable_without_script(browser: Any, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    sign_in(page, site, "doctor")
    page.goto(site.address + "/residents?sex=female")
    page.click("tbody a")
    page.wait_for_load_state()
    assert "单秀兰" in page.inner_text("h1")
    context.close()


def test_the_audit_is_for_administrators(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    assert page.goto(site.address + "/audit").status == 403
    page.context.clear_cookies()
    signed_in(page, site, "admin")
    assert page.goto(site.address + "/audit").status == 200
    assert page.locator("tbody tr").count() > 1
