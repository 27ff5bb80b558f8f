"""Dropping files in a real browser: loaded in the background by a process of its own, watched, stopped, taken up again."""

import gzip
import io
import json
import signal
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.web.conftest import PASSWORD, Site, signed_in, violations

from shangyi.errors import NotFound
from shangyi.store.model import SearchRequest
from shangyi.web.loading.jobs import Job

pytestmark = pytest.mark.browser


def patients(prefix: str, count: int) -> bytes:
    return b"".join(
        json.dumps({"resourceType": "Patient", "id": f"{prefix}-{n}", "gender": "female"}).encode() + b"\n"
        for n in range(count)
    )


def ended(site: Site, id: str, seconds: float = 60) -> Job:
    until = time.monotonic() + seconds
    while (job := site.loads.jobs.read(id)).running:
        assert time.monotonic() < until, job
        time.sleep(0.1)
    return job


def test_files_are_dropped_watched_and_what_was_refused_is_read(
    page: Any, site: Site, tmp_path: Path
) -> None:
    good = gzip.compress(patients("drop", 50))
    bad = b'{"resourceType":"Patient","id":"drop-bad","gender":"nobody"}\n{"resourceType":\n'
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("里面/患者.ndjson", patients("zip", 5))
    signed_in(page, site, "admin")
    page.goto(site.address + "/load")
    assert violations(page) == []
    page.set_input_files(
        "#files",
        [
            {"name": "居民.ndjson.gz", "mimeType": "application/gzip", "buffer": good},
            {"name": "=bad.ndjson", "mimeType": "application/json", "buffer": bad},
            {"name": "a.zip", "mimeType": "application/zip", "buffer": archive.getvalue()},
        ],
    )
    page.click(".drop button")
    page.wait_for_url("**/load/2*")
    id = page.url.rpartition("/")[2]
    page.wait_for_selector(".tag.good", timeout=60_000)
    assert violations(page) == []
    job = ended(site, id)
    assert (job.status, job.added, job.refused, job.types) == ("done", 55, 2, {"Patient": 55})
    assert site.access.records.read("Patient", "drop-7")
    shown = page.inner_text("#load")
    assert "=bad.ndjson" in shown
    assert "Patient/drop-bad" in shown
    with page.expect_download() as download:
        page.click('a[href$="refused.csv"]')
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("'=bad.ndjson,")
    assert not (site.loads.jobs.place(id) / "files").exists(), "files with persons do not stay"
    page.reload()
    assert page.locator(".tag.good").count() == 1
    # who, how much
    site.access.drain.flush()
    found = site.access.audit_search(SearchRequest("AuditEvent", [("subtype", "load")])).matches
    event = found[0].resource
    assert event["agent"][0]["name"] == "admin"
    assert page.complaints == []


def test_without_script_and_nothing_is_added_twice(browser: Any, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    signed_in(page, site, "admin")
    for expected in ((3, 0), (0, 3)):
        page.goto(site.address + "/load")
        file = {"name": "x.ndjson", "mimeType": "application/json", "buffer": patients("plain", 3)}
        page.set_input_files("#files", [file])
        page.click(".drop button")
        job = ended(site, page.url.rpartition("/")[2])
        assert (job.added, job.unchanged) == expected
        # The page renews itself; to reload it by hand would cut that short now and then.
        page.wait_for_selector("#load:has-text('完成')")
    context.close()


def test_a_load_is_taken_up_after_its_process_was_killed(site: Site) -> None:
    job = site.loads.create(site.access.browser_session(_cookie(site)).principal)
    (site.loads.jobs.place(job.id) / "files" / "0000-many.ndjson").write_bytes(patients("many", 12_000))
    job.files = [("many.ndjson", 1)]
    site.loads.start(job)
    while not site.loads.jobs.read(job.id).resources:
        time.sleep(0.02)
    child = site.loads._children[-1]
    child.send_signal(signal.SIGKILL)
    child.wait()
    before = site.loads.jobs.read(job.id)
    assert before.running
    site.loads.resume()
    done = ended(site, job.id)
    assert (done.status, done.attempts, done.refused) == ("done", 2, 0)
    assert done.added + done.unchanged == 12_000
    assert done.unchanged >= before.resources
    total = site.access.records.search(
        SearchRequest("Patient", [("_id", "many-11999"), ("_total", "accurate")])
    ).total
    assert total == 1


def test_a_load_is_stopped_by_hand(page: Any, site: Site) -> None:
    signed_in(page, site, "admin")
    job = site.loads.create(site.access.browser_session(_cookie(site)).principal)
    (site.loads.jobs.place(job.id) / "files" / "0000-much.ndjson").write_bytes(patients("much", 60_000))
    job.files = [("much.ndjson", 1)]
    site.loads.start(job)
    page.goto(f"{site.address}/load/{job.id}")
    page.click("button.danger")
    stopped = ended(site, job.id)
    assert stopped.status == "cancelled"
    assert stopped.resources < 60_000
    page.reload()
    assert "已人工停止" in page.inner_text("#load")


def _cookie(site: Site) -> str:
    from shangyi.access import Origin

    return site.access.sign_in("admin", PASSWORD, Origin.of("127.0.0.1", "test")).cookie


@pytest.fixture
def browserless(site: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.address, headers={"Accept": "application/json"}) as client:
        client.cookies.set("shangyi_session", _cookie(site))
        yield client


def test_an_upload_that_is_not_ours_or_too_large_leaves_nothing(
    site: Site, browserless: httpx.Client
) -> None:
    from shangyi.access.browser import csrf_token

    before = {job.id for job in site.loads.jobs.every()}
    token = csrf_token(browserless.cookies["shangyi_session"])
    file = {"files": ("a.ndjson", b"{}")}
    assert browserless.post("/load", files=file).status_code == 403
    assert browserless.post("/load", data={"csrf_token": "x"}, files=file).status_code == 403
    big = {"files": ("a.ndjson", b"x" * (9 << 20))}
    assert browserless.post("/load", data={"csrf_token": token}, files=big).status_code == 413
    assert browserless.post("/load", data={"csrf_token": token}).status_code == 400
    cut = b'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n' + token.encode()
    head = {"Content-Type": "multipart/form-data; boundary=x"}
    assert browserless.post("/load", content=cut, headers=head).status_code == 400
    places = {place.name for place in site.loads.jobs.directory.iterdir() if place.is_dir()}
    assert places == before | {job.id for job in site.loads.jobs.every()}
    assert {job.id for job in site.loads.jobs.every()} == before


def test_a_name_cannot_leave_its_place(site: Site, browserless: httpx.Client) -> None:
    from shangyi.access.browser import csrf_token

    data = {"csrf_token": csrf_token(browserless.cookies["shangyi_session"])}
    answer = browserless.post(
        "/load", data=data, files={"files": ("../../../evil.ndjson", patients("evil", 1))}
    )
    job = ended(site, answer.json()["href"].rpartition("/")[2])
    assert job.files[0][0] == "evil.ndjson"
    assert not list(site.loads.home.parent.glob("**/evil.ndjson"))
    for id in ("..", "../x", "x"):
        with pytest.raises(NotFound):
            site.loads.jobs.read(id)


def test_only_an_administrator_loads(page: Any, site: Site, browserless: httpx.Client) -> None:
    signed_in(page, site, "doctor")
    assert page.goto(site.address + "/load").status == 403
    assert page.locator('a[href="/load"]').count() == 0
    browserless.cookies.clear()
    browserless.cookies.set("shangyi_session", page.context.cookies()[0]["value"])
    assert browserless.post("/load", files={"files": ("a.ndjson", b"{}")}).status_code == 403
