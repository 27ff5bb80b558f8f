"""The overview and the lists behind its numbers, in a real browser."""

import csv
import datetime as dt
import io
import time
from decimal import Decimal
from typing import Any

import pytest
from tests.care.standing.records import measured, patient, pressure, problem
from tests.web.conftest import DIVISION, Site, sign_in, signed_in

from shangyi.care.standing import people
from shangyi.store.model import EVERYTHING
from shangyi.web import formats

pytestmark = pytest.mark.browser
STARTED = dt.datetime.now(formats.ZONE).date()
DAYS_AGO = [(STARTED - dt.timedelta(days=n)).isoformat() for n in range(60)]


def days_since(n: int) -> int:
    """Days from ``DAYS_AGO[n]`` to now: a run may cross midnight in Shanghai, and the pages then say one day more."""
    return (dt.datetime.now(formats.ZONE).date() - dt.date.fromisoformat(DAYS_AGO[n])).days


def someone(id: str, name: str, village: str, born: str) -> dict[str, Any]:
    extension = [{"url": DIVISION, "valueCoding": {"code": village, "display": "下河村"}}]
    address = {"use": "home", "city": "白水镇", "line": ["下河村3组"], "extension": extension}
    return patient(id, born, active=True, name=[{"text": name}], address=[address])


@pytest.fixture(scope="module", autouse=True)
def county(site: Site) -> None:
    """Three residents with hypertension: in danger, above target, at target; one diabetic above target."""
    write = site.access.records.update
    for id, name, born in (
        ("h1", "周建国", "1958-03-14"),
        ("h2", "吴勇", "1970-01-01"),
        ("h3", "郑芳", "1971-01-01"),
    ):
        write(someone(id, name, "991321101202", born))
        write(problem("I10.x00", "2020-01-01", "高血压病", of=id))
    write(pressure(DAYS_AGO[12], 186, 112, of="h1"))
    write(pressure(DAYS_AGO[5], 152, 96, of="h2"))
    write(pressure(DAYS_AGO[30], 128, 80, of="h3"))
    write(problem("E11.900", "2020-01-01", "2型糖尿病", of="h3"))
    write(measured("4548-4", DAYS_AGO[20], Decimal("8.1"), "%", of="h3"))
    query = people.Query(dt.date.fromisoformat(DAYS_AGO[0]), states=("hba1c.high",))
    for _ in range(200):  # until the follower of the outbox has seen the last of it
        with site.access.records.transaction_connection() as connection:
            if people.count(connection, EVERYTHING, query):
                return
        time.sleep(0.1)
    raise AssertionError("the standing of residents was not kept")


def test_who_needs_the_doctor_stands_first_with_why_and_what_next(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/?of=area")
    rows = page.locator("#due tbody tr")
    first = rows.first.inner_text()
    assert "周建国" in first
    assert "186/112" in first
    assert "处理后转诊" in first
    assert "公卫规范 2017" in first
    assert f"{days_since(12)} 天" in first
    rows.first.locator("a").first.click()
    page.wait_for_url("**/residents/h1")


def test_a_kind_is_swapped_in_place(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/?of=area")
    page.evaluate("window.kept = true")
    page.click("#due .segmented a:has-text('慢病')")
    page.wait_for_selector("#due [aria-current]:has-text('慢病')")
    assert page.evaluate("window.kept"), "the page itself stays"
    names = page.locator("#due tbody a b").all_inner_texts()
    assert "吴勇" in names
    assert "周建国" not in names
    assert "kind=chronic" in page.url
    assert page.complaints == []


def test_every_number_opens_onto_its_people(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/?of=area")
    value = page.locator("a.figure").first.locator(".value").inner_text()
    page.locator("a.figure").first.click()
    page.wait_for_url("**state=hypertension")
    assert page.locator("tbody tr").count() == int(value) == 3
    page.goto(site.address + "/?of=area")
    page.locator(".bars .label a", has_text="血压达标").click()
    page.wait_for_url("**state=hypertension.controlled")
    assert page.locator("tbody b").all_inner_texts() == ["郑芳"]
    assert "国家基本公共卫生服务规范" in page.inner_text(".page-head")


def test_a_list_is_filtered_sorted_and_walked_by_keys(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents?state=problem:I10.x00&sort=age")
    assert page.locator("tbody b").all_inner_texts() == ["周建国", "吴勇", "郑芳"]
    assert page.locator(".list-bar [aria-current]", has_text="年龄").count() == 1
    page.click("thead a:has-text('待处理')")
    page.wait_for_load_state()
    assert page.locator("th[aria-sort]").inner_text().startswith("待处理")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/residents/h3")


def test_narrow_rows_are_remembered(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    page.goto(site.address + "/residents?density=dense")
    page.goto(site.address + "/residents")
    assert page.locator("table.dense").count() == 1


def test_each_figure_is_a_file_too(page: Any, site: Site) -> None:
    signed_in(page, site, "doctor")
    for name in ("pyramid", "visits", "hypertension", "places", "reports", "conditions", "illnesses"):
        answer = page.request.get(f"{site.address}/figures/{name}.csv?of=area")
        assert answer.headers["content-type"].startswith("text/csv"), name
        assert answer.headers["cache-control"] == "no-store"
        rows = list(csv.reader(io.StringIO(answer.text().removeprefix("\ufeff"))))
        assert rows[0], name
        if name == "hypertension":
            assert rows[1][1] == "3"
    assert page.request.get(f"{site.address}/figures/nothing.csv").status == 404


@pytest.mark.parametrize("name", ["cdc", "analyst"])
def test_those_who_see_figures_only_are_led_to_nobody(page: Any, site: Site, name: str) -> None:
    role = {"cdc": "epidemiologist", "analyst": "analyst"}[name]
    site.access.accounts.create(name, "brook-lantern-42-quiet", role, "991321", display="王芳")
    sign_in(page, site, name)
    assert page.locator("a[href^='/residents'], a[href^='/panel']").count() == 0
    assert page.locator("h1").inner_text().endswith("王芳")
    assert page.goto(site.address + "/residents?state=hypertension").status == 403
    assert (page.goto(site.address + "/cases").status == 200) == (name == "cdc")
