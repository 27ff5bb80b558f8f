"""A resident's page in a real browser: what to do and why, the course, the evidence, the printed summary."""

import csv
import datetime as dt
import io
import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from tests.care.standing.records import coded, measured, order, pressure, problem
from tests.web.conftest import Site, signed_in
from tests.web.test_overview import DAYS_AGO, someone

from shangyi.web import formats

pytestmark = pytest.mark.browser
LAB = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"


@pytest.fixture(scope="module", autouse=True)
def record(site: Site) -> None:
    """周建国 with a course of three years, and 周小雨, born last month."""
    write = site.access.records.update
    insured = {"system": "https://shangyi.dev/fhir/sid/insurance-number", "value": "91321195803140019"}
    write(someone("z1", "周建国", "991321101202", "1958-03-14") | {"identifier": [insured]})
    write(someone("z2", "周小雨", "991321101202", DAYS_AGO[40]))
    write(someone("z3", "周老", "991321101202", "1930-01-01") | {"deceasedDateTime": "2020-06-01"})
    write(problem("I10.x00", "2016-01-01", "高血压病", of="z1"))
    over = {"clinicalStatus": coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "resolved")}
    write(problem("K25.900", "2010-01-01", "胃溃疡", of="z1", **over))
    write(pressure(DAYS_AGO[2], 186, 112, of="z1"))
    for days in (30, 45, 55):
        write(pressure(DAYS_AGO[days], 150 + days // 10, 92, of="z1"))
    write(order("C08CA01", DAYS_AGO[40], of="z1"))
    for day, egfr in (("2024-05-01", 80), ("2025-05-01", 70), (DAYS_AGO[30], 58)):
        low = {"interpretation": [coded(LAB, "L" if egfr < 60 else "N")]}
        write(measured("98979-8", day, egfr, "mL/min/1.73m²", of="z1") | low)
    for number in range(16):
        visit = {
            "resourceType": "Encounter",
            "id": f"v{number:02}",
            "status": "finished",
            "class": {"code": "AMB", "display": "门诊"},
            "subject": {"reference": "Patient/z1"},
            "period": {"start": f"20{10 + number}-03-05T09:00:00+08:00"},
            "serviceProvider": {"display": "白水镇卫生院"},
        }
        write(visit)
    write(
        {
            "resourceType": "Group",
            "id": "household",
            "type": "person",
            "actual": True,
            "code": coded("https://shangyi.dev/fhir/CodeSystem/group", "household"),
            "member": [
                {"entity": {"reference": f"Patient/{id}", "display": name}}
                for id, name in (("z1", "周建国"), ("z2", "周小雨"))
            ],
        }
    )


def test_what_to_do_now_says_why_and_leads_to_the_record(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/z1")
    first = page.locator(".decision").first
    assert "186/112" in first.inner_text()
    first.locator("summary").click()
    assert "国家基本公共卫生服务规范（第三版，2017）" in first.inner_text()
    first.locator("details a").click()
    page.wait_for_url(f"**/records/Observation/bp-z1-{DAYS_AGO[2]}")


def test_the_chart_has_its_target_its_medicine_and_its_table(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/z1?window=1y")
    card = page.locator("#pressure")
    assert "目标 <150/90" in card.inner_text(), "by age: 65 and older"
    assert "▲ C08CA01" in card.inner_text()
    assert card.locator("canvas").count() == 1
    card.locator("summary").click()
    assert card.locator("tbody tr").count() == 4
    answer = page.request.get(site.address + card.locator("a[download]").get_attribute("href"))
    rows = list(csv.reader(io.StringIO(answer.text().removeprefix("\ufeff"))))
    assert rows[1][1:] == ["186", "112"]
    assert page.complaints == []


def test_a_trend_opens_onto_all_its_values(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/z1")
    card = page.locator(".trend-card").first
    assert "58" in card.inner_text()
    assert "偏低" in card.inner_text()
    card.click()
    page.wait_for_url("**/measurements?code=98979-8")
    assert page.locator("canvas").count() == 1
    page.keyboard.press("Escape")
    page.wait_for_url("**/residents/z1")


def test_the_timeline_is_swapped_by_kind_and_walked_to_the_end(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/z1")
    page.evaluate("window.kept = true")
    page.click("#timeline .segmented a:has-text('就诊')")
    page.wait_for_selector("#timeline [aria-current]:has-text('就诊')")
    assert page.locator("#timeline li").count() == 12
    page.click("#timeline a:has-text('更早')")
    page.wait_for_selector("#timeline li:has-text('2010-03-05')")
    assert page.locator("#timeline li").count() == 4
    assert page.locator("#timeline a:has-text('更早')").count() == 0
    assert page.evaluate("window.kept"), "the page itself stays"
    assert page.complaints == []


def test_every_number_is_masked_and_shown_one_at_a_time(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/z1")
    assert "91321195803140019" not in page.content()
    page.click("form.reveal:has-text('医保号') button")
    page.wait_for_selector("#revealed")
    assert page.inner_text("#revealed") == "91321195803140019"


def test_a_household_is_one_step_away(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/z1")
    page.click(".banner a:has-text('周小雨')")
    page.wait_for_url("**/residents/z2")
    assert "个月" in page.inner_text(".banner")
    assert page.locator("#now, #pressure").count() == 0, "nothing that is not there is shown empty"


def test_of_the_dead_nothing_is_asked(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/z3")
    assert "终年 90 岁" in page.inner_text(".banner")
    assert page.locator("#now").count() == 0
    assert page.locator("a:has-text('登记就诊')").count() == 0


@pytest.mark.parametrize(
    "path", ["/residents/z1", "/residents/z1/summary", "/residents/z1/measurements?code=98979-8"]
)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_are_sound_in_both_themes(page: Any, site: Site, path: str, theme: str) -> None:
    signed_in(page, site, "doctor")
    page.emulate_media(color_scheme=theme)
    page.goto(site.address + path)
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert not found, [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found]
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_summary_prints_on_one_sheet_with_time_and_author(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents/z1/summary")
    text = page.inner_text(".sheet")
    assert f"截至 {dt.datetime.now(formats.ZONE).date()}" in text
    assert "李敏 制作" in text
    assert "91321195803140019" not in page.content()
    pdf = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
