"""Merging two records in a real browser, and undoing it."""

import itertools
from typing import Any

import pytest
from tests.web.conftest import RECORDS, Site, signed_in, violations

pytestmark = pytest.mark.browser
NUMBER = itertools.count()


@pytest.fixture
def two(site: Site) -> tuple[str, str]:
    """Two records of one woman, a blood pressure in the second."""
    n = next(NUMBER)
    whole = next(r for r in RECORDS if r["resourceType"] == "Patient")
    base = {element: value for element, value in whole.items() if element != "identifier"}
    name = [{"text": f"许文{'甲乙丙丁戊己'[n]}"}]
    for id, phone in ((f"m{n}a", "13900000001"), (f"m{n}b", "13900000002")):
        telecom = [{"system": "phone", "value": phone}]
        site.access.records.update({**base, "id": id, "name": name, "telecom": telecom})
    site.access.records.update(
        {
            "resourceType": "Observation",
            "id": f"m{n}o",
            "status": "final",
            "code": {"text": "体温"},
            "subject": {"reference": f"Patient/m{n}b"},
            "effectiveDateTime": "2026-11-20",
        }
    )
    return f"m{n}a", f"m{n}b"


def test_two_records_are_merged_and_apart_again(page: Any, site: Site, two: tuple[str, str]) -> None:
    first, second = two
    read = site.access.records.read
    before = [
        read(*r.split("/")).resource
        for r in (f"Patient/{first}", f"Patient/{second}", f"Observation/{first[:-1]}o")
    ]
    signed_in(page, site, "doctor")
    page.goto(f"{site.address}/residents/{first}/merge")
    assert violations(page) == []
    page.click(".facts-list a.button")
    assert violations(page) == []
    assert page.locator("td.differs").count() == 2, "the phones differ"
    page.check(f'input[name="survivor"][value="{first}"]')
    page.check(f'input[name="use-telecom"][value="{second}"]')
    page.click(".form-end button")
    page.wait_for_selector('[aria-invalid="true"]')
    assert page.is_checked(f'input[name="use-telecom"][value="{second}"]'), "what was chosen stays chosen"
    page.fill("#reason", "同一人，两次建档")
    page.click(".form-end button")
    page.wait_for_selector('.notice[role="status"]')
    assert page.url.startswith(f"{site.address}/residents/{first}?merged=")
    assert read("Patient", first).resource["telecom"][0]["value"] == "13900000002"
    assert read("Observation", f"{first[:-1]}o").resource["subject"]["reference"] == f"Patient/{first}"

    page.goto(f"{site.address}/residents/{second}")
    assert f"/residents/{first}?from={second}" in page.url, "the old link leads here"
    page.goto(f"{site.address}/residents")
    page.fill("main input[name=q]", "xw")
    page.press("main input[name=q]", "Enter")
    page.wait_for_url("**/residents?found=1")
    assert page.locator(f'a[href="/residents/{first}"]').count() == 1
    assert page.locator(f'a[href="/residents/{second}"]').count() == 0

    page.goto(f"{site.address}/residents/{first}/merges")
    assert violations(page) == []
    page.fill("#reason-1", "其实是两姐妹")
    page.click("button.danger")
    page.wait_for_selector('.notice[role="status"]')
    after = [
        read(*r.split("/")).resource
        for r in (f"Patient/{first}", f"Patient/{second}", f"Observation/{first[:-1]}o")
    ]
    assert [{**r, "meta": 0} for r in after] == [{**r, "meta": 0} for r in before]
    page.goto(f"{site.address}/residents/{second}")
    assert page.url == f"{site.address}/residents/{second}"


def test_a_record_changed_meanwhile_is_looked_at_again(page: Any, site: Site, two: tuple[str, str]) -> None:
    first, second = two
    signed_in(page, site, "doctor")
    page.goto(f"{site.address}/residents/{first}/merge?with_value={second}")
    patient = site.access.records.read("Patient", second).resource
    site.access.records.update({**patient, "birthDate": "1958-03-15"})
    page.fill("#reason", "同一人")
    page.click(".form-end button")
    page.wait_for_selector('[role="alert"]')
    assert "刚被他人修改" in page.inner_text('[role="alert"]')
    assert "1958-03-15" in page.inner_text("table.compare")
    assert page.input_value("#reason") == "同一人"
    page.click(".form-end button")
    page.wait_for_selector(".banner")


def test_what_was_written_for_another_stands_in_the_way(page: Any, site: Site, two: tuple[str, str]) -> None:
    first, second = two
    signed_in(page, site, "doctor")
    page.goto(f"{site.address}/residents/{first}/merge?with_value={second}")
    page.check(f'input[name="survivor"][value="{first}"]')
    page.fill("#reason", "同一人")
    page.click(".form-end button")
    page.wait_for_selector(".banner")
    id = f"{first[:-1]}o"
    moved = site.access.records.read("Observation", id).resource
    site.access.records.update({**moved, "subject": {"reference": "Patient/p1"}})
    page.goto(f"{site.address}/residents/{first}/merges")
    page.fill("#reason-1", "弄错了")
    page.click("button.danger")
    page.wait_for_selector('[role="alert"]')
    assert f"Observation/{id}" in page.inner_text('[role="alert"]')


def test_a_merge_reaches_no_further_than_the_area(page: Any, site: Site, two: tuple[str, str]) -> None:
    extension = {
        "url": "https://shangyi.dev/fhir/StructureDefinition/division",
        "valueCoding": {"code": "991999101201"},
    }
    site.access.records.update(
        {"resourceType": "Patient", "id": "outside", "address": [{"extension": [extension]}]}
    )
    signed_in(page, site, "doctor")
    assert page.goto(f"{site.address}/residents/{two[0]}/merge?with_value=outside").status == 403
