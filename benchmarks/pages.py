"""How long each page of the console takes at the server, over a loaded county: median and slowest of many requests.

    python benchmarks/pages.py HOME [--rounds 30] [--json]

HOME is a home that `shangyi demo --no-serve` made. The application runs in this process and is called without a
network, signed in as the demo's accounts; what is measured is the CPU time of this process and of PostgreSQL together
(on a machine that does nothing else, the time that a reader waits for). `first` is each page's first request, five
seconds after the application started.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from shangyi.access.browser import csrf_token

sys.path = [folder for folder in sys.path if not folder.endswith("benchmarks")]
HZ = os.sysconf("SC_CLK_TCK")
PAGES = {
    "doctor": (
        "/", "/?of=area", "/residents", "/residents?due=all", "/residents?state=hypertension.uncontrolled",
        "POST /residents?q=zs", "/residents?found=1", "POST /residents/suggest?q=zs", "/panel", "/residents/{id}", "/residents/{id}?kind=visit",
        "/residents/{id}/summary", "/residents/{id}/measurements?code=8480-6", "/records/Patient/{id}",
        "/residents/{id}/visit", "/residents/new", "/cases", "/figures/places.csv", "/settings",
    ),
    "cdc": ("/", "/cases"),
    "admin": ("/", "/audit"),
    "analyst": ("/",),
}  # fmt: skip


def children() -> float:
    """CPU seconds used so far by PostgreSQL's processes that belong to the home's server."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if "postgres" in (entry / "comm").read_text():
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    if int(fields[1]) == POSTMASTER or int(entry.name) == POSTMASTER:
                        total += (int(fields[11]) + int(fields[12])) / HZ
            except (OSError, ValueError):
                continue
    return total


POSTMASTER = 0
WARM_S = 5
"""Until the first request: as one who opens the browser when the address is shown."""


async def call(
    app: Any, path: str, cookie: str, method: str = "GET", body: bytes = b""
) -> tuple[int, list[str]]:
    """One request through ASGI; status and the cookies that it sets."""
    got: dict[str, Any] = {}
    if path.startswith("POST "):
        # what is looked for goes in the body, with the form's token
        path, _, fields = path.removeprefix("POST ").partition("?")
        method, body = (
            "POST",
            f"{fields}&{urlencode({'csrf_token': csrf_token(cookie.partition('=')[2])})}".encode(),
        )
    where, _, query = path.partition("?")
    headers = [
        (b"host", b"127.0.0.1"), (b"cookie", cookie.encode()), (b"accept-language", b"zh-CN"),
        (b"content-type", b"application/x-www-form-urlencoded"), (b"origin", b"http://127.0.0.1"),
    ]  # fmt: skip
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "path": where,
        "raw_path": where.encode(), "query_string": query.encode(), "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
    }  # fmt: skip

    sent = False

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:  # who streams waits here for the client to hang up: it does not
            await asyncio.Future()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            got["status"] = message["status"]
            got["cookies"] = [
                v.decode().partition(";")[0] for k, v in message["headers"] if k == b"set-cookie"
            ]

    await app(scope, receive, send)
    return got["status"], got["cookies"]


async def sign_in(app: Any, name: str, password: str) -> str:
    """The session's cookie."""
    from urllib.parse import urlencode

    body = urlencode({"name": name, "password": password, "next": "/"}).encode()
    status, cookies = await call(app, "/sign-in", "", "POST", body)
    if status != 303:
        raise SystemExit(f"{name} could not sign in: {status}")
    return next(cookie for cookie in cookies if not cookie.startswith("language="))


async def measure(app: Any, home: Path, rounds: int) -> list[dict[str, Any]]:
    """Every page of every account."""
    from shangyi.store.model import SearchRequest

    state = json.loads((home / "demo.json").read_text(encoding="utf-8"))
    passwords = {account["name"]: account["password"] for account in state["accounts"]}
    area = app.state.access.accounts.get("doctor").area.code
    # Those with hypertension have the longest records and every kind of value.
    ask = app.state.access.owner_session().search
    ill = {
        v.resource["subject"]["reference"]
        for v in ask(SearchRequest("Condition", [("code", "I10.x00"), ("_count", "1000")])).matches
    }
    people = ask(SearchRequest("Patient", [("_count", "1000"), ("birthdate", "lt1975")])).matches
    residents = [v.id for v in people if v.reference in ill and area[:9] in v.body.decode()]
    results = []
    for name, pages in PAGES.items():
        cookie = await sign_in(app, name, passwords[name])
        for page in pages:
            times, waits = [], []
            for number in range(rounds + 1):
                path = page.replace("{id}", residents[number % len(residents)])
                wall, own = time.perf_counter(), time.process_time()
                status, _ = await call(app, path, cookie)
                waits.append(1000 * (time.perf_counter() - wall))
                times.append(1000 * (time.process_time() - own))
                if status not in (200, 303):
                    raise SystemExit(f"{name} {path}: {status}")
            before = children()
            for number in range(rounds):
                await call(app, page.replace("{id}", residents[number % len(residents)]), cookie)
            database = 1000 * (children() - before) / rounds
            results.append(
                {
                    "account": name,
                    "page": page,
                    "first_cpu_ms": round(times[0], 1),
                    "median_wait_ms": round(statistics.median(waits[1:]), 1),
                    "slowest_wait_ms": round(max(waits[1:]), 1),
                    "python_cpu_ms": round(statistics.median(times[1:]), 1),
                    "database_cpu_ms": round(database, 1),
                }
            )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("home", type=Path)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    os.environ.update(SHANGYI_HOME=str(given.home), SHANGYI_LAKE_INTERVAL="0")  # the record alone
    from shangyi.wiring import create_app

    global POSTMASTER
    app = create_app()
    POSTMASTER = int((given.home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])

    async def run() -> list[dict[str, Any]]:
        async with app.router.lifespan_context(app):
            await asyncio.sleep(WARM_S)
            return await measure(app, given.home, given.rounds)

    results = asyncio.run(run())
    if given.json:
        print(json.dumps(results, indent=2))
        return
    print(
        "| account | page | first, CPU here ms | median ms | slowest ms | CPU here ms | CPU of PostgreSQL ms |"
    )
    print("|---|---|---:|---:|---:|---:|---:|")
    for r in results:
        print(
            f"| {r['account']} | `{r['page']}` | {r['first_cpu_ms']} | {r['median_wait_ms']} | {r['slowest_wait_ms']}"
            f" | {r['python_cpu_ms']} | {r['database_cpu_ms']} |"
        )


if __name__ == "__main__":
    main()
