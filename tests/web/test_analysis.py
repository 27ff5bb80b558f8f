"""The page for people who analyse: a query, its rows, a chart, a file, a refusal; two roles, both languages."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.web.conftest import PASSWORD, Site, signed_in, violations

from shangyi import lake
from shangyi.access import Origin, Principal, Role
from shangyi.access.browser import csrf_token
from shangyi.errors import TooLarge
from shangyi.store.model import SearchRequest
from shangyi.web import saved_queries
from shangyi.web.saved_queries import SavedQueries

DIVISION = "https://shangyi.dev/fhir/StructureDefinition/division"
ANALYST = "counter"


def person(number: int) -> dict[str, Any]:
    village = f"99132110120{1 + number % 2}"
    coding = {"url": DIVISION, "valueCoding": {"code": village}}
    return {
        "resourceType": "Patient",
        "id": f"r{number}",
        "name": [{"text": f"居民{number}"}],
        "gender": "female" if number < 9 else "male",
        "birthDate": f"{1950 + number}-03-14",
        "address": [{"use": "home", "extension": [coding]}],
    }


@pytest.fixture(scope="module", autouse=True)
def population(site: Site) -> None:
    """A lake of sixteen residents in two villages, and an analyst."""
    lake.write(site.home / "lake", [person(number) for number in range(16)])
    site.access.accounts.create(ANALYST, PASSWORD, "analyst", "*", display="统计员")
    site.access.accounts.create("village", PASSWORD, "clinician", "991321101201", display="村医")


def client_of(site: Site, name: str) -> httpx.Client:
    client = httpx.Client(base_url=site.address, timeout=60)
    client.cookies.set(
        "shangyi_session", site.access.sign_in(name, PASSWORD, Origin.of("127.0.0.1", "test")).cookie
    )
    client.cookies.set("shangyi_language", "en")
    return client


@pytest.fixture
def counter(site: Site) -> Iterator[httpx.Client]:
    with client_of(site, ANALYST) as client:
        yield client


def ask(client: httpx.Client, query: str, **more: str) -> httpx.Response:
    token = csrf_token(client.cookies["shangyi_session"])
    return client.post("/analysis", data={"csrf_token": token, "query": query, **more})


def test_groups(counter: httpx.Client) -> None:
    said = ask(counter, "select gender, count(*) n from patient group by 1 order by 1")
    assert said.status_code == 200
    assert re.findall(r'<td(?: class="number")?>([^<]*)</td>', said.text)[:4] == ["female", "9", "male", "7"]
    assert 'class="bars"' in said.text
    file = ask(counter, "select gender, count(*) n from patient group by 1 order by 1", **{"as": "csv"})
    assert file.text.lstrip("\ufeff").split() == ["gender,n", "female,9", "male,7"]
    assert "attachment" in file.headers["content-disposition"]


def test_a_refusal_says_why(counter: httpx.Client) -> None:
    said = ask(counter, "select birth_year, count(*) from patient group by 1")
    assert said.status_code == 403
    assert 'role="alert"' in said.text
    assert ">= 5" in said.text.replace("&gt;", ">")
    assert "居民1" not in said.text
    wrong = ask(counter, "select foo from patient")
    assert wrong.status_code == 400
    assert re.search("line 1|第 1 行", wrong.text)


def test_queries_are_kept_under_a_name(site: Site, counter: httpx.Client) -> None:
    text = "select gender, count(*) n from patient group by 1"
    assert ask(counter, text, name=" by  sex ", **{"as": "save"}).status_code == 200
    assert ask(counter, text + " order by 1", name="by sex", **{"as": "save"}).status_code == 200
    page = counter.get("/analysis").text
    [number] = re.findall(r'<a href="/analysis\?saved=(\d+)">by sex</a>', page)
    opened = counter.get(f"/analysis?saved={number}").text
    assert f"{text} order by 1</textarea>" in opened
    assert 'value="by sex"' in opened
    with client_of(site, "village") as other:
        assert "by sex" not in other.get("/analysis").text
        assert other.get(f"/analysis?saved={number}").status_code == 404
    for name in ("", "x" * 81):
        assert ask(counter, text, name=name, **{"as": "save"}).status_code == 400
    assert ask(counter, "", saved=number, **{"as": "forget"}).status_code == 200
    assert counter.get(f"/analysis?saved={number}").status_code == 404
    assert counter.get("/analysis?saved=../../x").status_code == 404
    assert (site.home / "queries").stat().st_mode & 0o777 == 0o700


def test_no_more_queries_than_one_may_keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_queries, "MOST", 2)
    mine = SavedQueries(tmp_path, Principal("account:1", "a", "a", Role.ANALYST))
    numbers = [mine.keep(name, "select 1").number for name in ("b", "a", "b")]
    assert numbers == [1, 2, 1]
    with pytest.raises(TooLarge):
        mine.keep("c", "select 1")
    mine.remove(1)
    assert [saved.name for saved in mine.every()] == ["a"]
    assert SavedQueries(tmp_path, Principal("account:11", "a", "a", Role.ANALYST)).every() == []


def test_an_area_has_its_own(site: Site) -> None:
    with client_of(site, "village") as client:
        said = ask(client, "select name from patient_identity order by name")
    assert "居民0" in said.text
    assert "居民1<" not in said.text


def test_every_query_is_in_the_audit(site: Site, counter: httpx.Client) -> None:
    ask(counter, "select count(*) as recorded from patient")
    found = site.access.owner_session().search(
        SearchRequest("AuditEvent", [("agent-name", ANALYST), ("subtype", "sql")])
    )
    assert any("recorded" in str(version.resource) for version in found.matches)


def test_a_form_of_another_site_asks_nothing(counter: httpx.Client) -> None:
    assert counter.post("/analysis", data={"query": "select 1"}).status_code == 403


@pytest.mark.browser
def test_the_page(page: Any, site: Site) -> None:
    signed_in(page, site, ANALYST)
    for language in ("en", "zh-CN"):
        page.goto(f"{site.address}/language/{language}?next=/analysis")
        assert page.locator("h1").count() == 1
        page.fill("#query", "select gender, count(*) n from patient group by 1 order by 1")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("table.stacking")
        assert page.locator(".bars").count() == 1
        page.fill("#name", f"性别 {language}")
        page.click("button[value=save]")
        page.wait_for_selector("[role=status]")
        assert page.locator(f"a:has-text('性别 {language}')").count() == 1
        page.locator("details:has(table) > summary").first.click()
        described = page.locator("details[open] tbody td:last-child").first.inner_text()
        assert bool(re.search("[一-鿿]", described)) is (language == "zh-CN")
        assert violations(page) == []
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.set_viewport_size({"width": 1440, "height": 900})
    assert page.complaints == []


@pytest.mark.browser
def test_each_example_runs(page: Any, site: Site) -> None:
    signed_in(page, site, ANALYST)
    for name in ("cohort", "control", "cost"):
        page.goto(f"{site.address}/analysis?example={name}")
        page.click("button.primary:has-text('运行'), button.primary:has-text('Run')")
        page.wait_for_selector("h2:has-text('结果'), h2:has-text('Result')")
        assert page.locator("[role=alert]").count() == 0
