"""Measures and open gaps in the console: rates, what they are divided by, residents behind them, why."""

from typing import Any

import httpx
import pytest
from tests.care.indicators.test_keep import follow_up
from tests.care.standing.records import problem
from tests.web.conftest import PASSWORD, Site, sign_in, violations

from shangyi.access import Origin
from shangyi.care.indicators.keep import Keeper
from shangyi.care.standing import keep as standing
from shangyi.store.database import Store
from shangyi.web.rates import today

PATHS = (
    "/gaps",
    "/gaps?rate=hypertension/controlled",
    "/measures",
    "/measures?of=panel",
    "/measures/hypertension/controlled",
    "/measures/hypertension/controlled/residents?met=no",
    "/residents/p1/measures",
)


@pytest.fixture(scope="module", autouse=True)
def measured(site: Site, store: Store) -> None:
    """A resident with hypertension whose last follow-up was not controlled."""
    store.repository.update(problem("I10.x00", "2020-01-01", "高血压病", of="p1"))
    for record in follow_up("p1", today().isoformat(), 162, 96):
        store.repository.update(record)
    standing.catch_up(store.repository)
    Keeper(store.repository).catch_up(today())


def read(site: Site, path: str, who: str = "doctor") -> httpx.Response:
    with httpx.Client(base_url=site.address, timeout=60) as client:
        client.cookies.set(
            "shangyi_session", site.access.sign_in(who, PASSWORD, Origin.of("127.0.0.1", "t")).cookie
        )
        client.cookies.set("language", "en")
        return client.get(path)


def test_open_gaps_of_the_panel_have_their_why(site: Site) -> None:
    said = read(site, "/gaps").text
    assert "单秀兰" in said
    assert "Last follow-up 162/96, target &lt;150/90" in said
    assert "/records/Observation/p1-" in said
    assert "周建国" not in said


def test_a_rate_opens_onto_those_behind_it(site: Site) -> None:
    said = read(site, "/measures/hypertension/controlled").text
    assert "0 of 1" in said
    assert "/measures/hypertension/controlled/residents?met=no&amp;area=991321101" in said
    behind = read(site, "/measures/hypertension/controlled/residents?met=no&area=991321101201").text
    assert "单秀兰" in behind
    assert "单秀兰" not in read(site, "/measures/hypertension/controlled/residents?met=yes").text


def test_why_names_the_definitions_and_the_facts(site: Site) -> None:
    said = read(site, "/residents/p1/measures").text
    assert "Blood pressure at the last follow-up" in said
    assert "162/96" in said
    assert "国家基本公共卫生服务规范" in said


def test_figures_are_for_all_who_may_count_and_persons_are_not(site: Site) -> None:
    site.access.accounts.create("sums", PASSWORD, "analyst", "*", display="统计员")
    assert read(site, "/measures", "sums").status_code == 200
    rate = read(site, "/measures/hypertension/controlled", "sums")
    assert rate.status_code == 200
    assert "/residents?met" not in rate.text
    assert read(site, "/measures/hypertension/controlled/residents", "sums").status_code == 403
    assert read(site, "/gaps", "sums").status_code == 403
    assert read(site, "/residents/p1/measures", "sums").status_code == 403


def test_a_measure_that_is_not_there(site: Site) -> None:
    assert read(site, "/measures/hypertension/nothing").status_code == 404


@pytest.mark.browser
@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_sound(page: Any, site: Site, path: str) -> None:
    sign_in(page, site, "doctor")
    page.goto(site.address + path)
    assert page.locator("h1").count() == 1
    assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.complaints == []
