"""The console over a real store, served by a real uvicorn on loopback."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette

from shangyi.access import Access
from shangyi.care.standing.keep import follow
from shangyi.lake.asking import Analysts
from shangyi.settings import Settings
from shangyi.store.database import Store
from shangyi.store.model import SearchRequest
from shangyi.web.answers import Answers
from shangyi.web.loading.loads import Loads
from shangyi.web.routes import routes

DIVISION = "https://shangyi.dev/fhir/StructureDefinition/division"
PASSWORD = "brook-lantern-42-quiet"
RECORDS: list[dict[str, Any]] = [
    {"resourceType": "Location", "id": "div-991321000000", "name": "云岭县", "status": "active"},
    *(
        {
            "resourceType": "Location",
            "id": f"div-{code}",
            "name": name,
            "status": "active",
            "partOf": {"reference": f"Location/div-{above}"},
        }
        for code, name, above in (
            ("991321101000", "白水镇", "991321000000"),
            ("991321101201", "上河村", "991321101000"),
            ("991321101202", "下河村", "991321101000"),
        )
    ),
    {"resourceType": "Practitioner", "id": "d1", "name": [{"text": "李敏"}]},
    {
        "resourceType": "Patient",
        "id": "p1",
        "active": True,
        "name": [{"text": "单秀兰", "family": "单", "given": ["秀兰"]}],
        "gender": "female",
        "birthDate": "1958-03-14",
        "identifier": [{"system": "https://shangyi.dev/fhir/sid/resident-id", "value": "991321195803140027"}],
        "telecom": [{"system": "phone", "value": "19900000921"}],
        "address": [
            {
                "use": "home",
                "city": "白水镇",
                "line": ["上河村"],
                "extension": [{"url": DIVISION, "valueCoding": {"code": "991321101201"}}],
            }
        ],
        "generalPractitioner": [{"reference": "Practitioner/d1", "display": "李敏"}],
    },
    {
        "resourceType": "Patient",
        "id": "p2",
        "active": True,
        "name": [{"text": "周建国", "family": "周", "given": ["建国"]}],
        "gender": "male",
        "birthDate": "1990-01-02",
        "address": [
            {
                "use": "home",
                "city": "白水镇",
                "line": ["下河村"],
                "extension": [{"url": DIVISION, "valueCoding": {"code": "991321101202"}}],
            }
        ],
    },
    {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "patient": {"reference": "Patient/p1"},
        "clinicalStatus": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                    "code": "active",
                }
            ]
        },
        "code": {"text": "青霉素"},
    },
]


@dataclass(frozen=True)
class Site:
    """Where the console is served."""

    address: str
    access: Access
    loads: Loads
    home: Path
    sessions: dict[str, list[Any]] = field(default_factory=dict)
    """The cookies of accounts that have signed in."""


@pytest.fixture(scope="module")
def site(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home: Path = tmp_path_factory.mktemp("home")
    for record in RECORDS:
        store.repository.update(record)
    records: Any = store.repository
    with Access(records, store.pool, home) as access:
        access.start()
        access.accounts.create(
            "doctor", PASSWORD, "clinician", "991321", display="李敏", practitioner="Practitioner/d1"
        )
        access.accounts.create("admin", PASSWORD, "administrator", "*", display="管理员")
        ended = threading.Event()
        standing = threading.Thread(target=follow, args=(store.repository, ended), daemon=True)
        standing.start()
        app = Starlette(routes=routes())
        app.state.access = access
        app.state.answers = Answers(home)
        app.state.loads = Loads(home, store.conninfo, 8 << 20)
        app.state.settings = Settings(home=home, lake_memory_mb=256, lake_threads=1, lake_seconds=30)
        app.state.analysis = Analysts(home / "lake", app.state.settings)
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Site(f"http://127.0.0.1:{port}", access, app.state.loads, home)
        server.should_exit = True
        ended.set()
        thread.join()
        standing.join()
        app.state.loads.close()
        app.state.analysis.close()


def sign_in(page: Any, site: Site, name: str) -> None:
    """Sign in as one of the accounts of ``site``, by its form, to the overview."""
    page.goto(site.address + "/sign-in")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("button.primary")
    page.wait_for_load_state()


def signed_in(page: Any, site: Site, name: str) -> None:
    """Be signed in as one of the accounts of ``site``, on no page yet: its session is begun at the form once."""
    if name not in site.sessions:
        with page.context.browser.new_context(locale="zh-CN") as context:
            sign_in(context.new_page(), site, name)
            site.sessions[name] = context.cookies()
    page.context.add_cookies(site.sessions[name])


def violations(page: Any) -> list[Any]:
    """What axe-core finds on a page."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found]


@pytest.fixture
def page(browser: Any, site: Site) -> Iterator[Any]:
    """A page of a new browser, at a desk, in Chinese."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    context.set_default_timeout(10_000)
    opened = context.new_page()
    opened.complaints = []
    opened.on(
        "console", lambda m: opened.complaints.append(m.text) if m.type in ("error", "warning") else None
    )
    opened.on("pageerror", lambda e: opened.complaints.append(str(e)))
    yield opened
    context.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real headless Chromium of the operating system."""
    chromium = next(
        (
            p
            for p in ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
            if Path(p).exists()
        ),
        None,
    )
    if chromium is None:
        pytest.skip("needs Chromium: install the package chromium (and fonts-noto-cjk)")
    from playwright.sync_api import sync_playwright

    flags = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=flags.split())
        yield opened
        opened.close()


def events(site: Site, subtype: str) -> list[dict[str, Any]]:
    """The newest events of the audit of one kind."""
    found = site.access.audit_search(SearchRequest("AuditEvent", [("subtype", subtype), ("_count", "100")]))
    return [v.resource for v in found.matches]
