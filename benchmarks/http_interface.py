"""HTTP speed: read by id and search, with decision and audit, per core of server CPU.

    PYTHONPATH=src python benchmarks/http_interface.py [--residents 200] [--seconds 10] [--connections 8] [--json]
    PYTHONPATH=src python benchmarks/http_interface.py --home HOME --connections 1    # HOME of benchmarks/population.py
    PYTHONPATH=src python benchmarks/http_interface.py --home HOME --building         # HOME of shangyi demo, with its lake

``--building``: read by id while the server follows the record, then while it builds the lake anew.

With one connection the processor time of each request is measured too (all threads of the server, all processes of
PostgreSQL): on a noisy host its p99 says what the clock cannot.

Starts a real uvicorn (one worker, the real application) on loopback, over an embedded PostgreSQL in a temporary home with
synthetic residents of twenty observations each, or over HOME, and lets another process ask over keep-alive connections. CPU seconds are
those of the server process and of PostgreSQL (all its processes), read from the operating system before and after, so
requests per CPU second is what one core would serve. The asking process is not counted.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

SERVER = """
import sys, uvicorn
from shangyi.wiring import create_app
uvicorn.Server(uvicorn.Config(create_app(), log_config=None, access_log=False, server_header=False, proxy_headers=False)).run(
    sockets=[__import__("socket").socket(fileno=int(sys.argv[1]))])
"""


def patients(count: int) -> list[dict[str, Any]]:
    rng = random.Random(7)
    return [
        {
            "resourceType": "Patient",
            "id": f"p{number}",
            "gender": rng.choice(["male", "female"]),
            "birthDate": f"{rng.randint(1930, 2020)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
            "name": [{"text": f"张{number}", "family": "张", "given": [str(number)]}],
        }
        for number in range(count)
    ]


def observations(patient: str, count: int) -> list[dict[str, Any]]:
    rng = random.Random(patient)
    return [
        {
            "resourceType": "Observation",
            "id": f"{patient}-o{number}",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": rng.choice(["8867-4", "2339-0", "29463-7"])}]},
            "subject": {"reference": f"Patient/{patient}"},
            "effectiveDateTime": f"20{rng.randint(16, 25)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T08:00:00+08:00",
            "valueQuantity": {"value": rng.randint(50, 180), "system": "http://unitsofmeasure.org", "code": "/min", "unit": "/min"},
        }
        for number in range(count)
    ]  # fmt: skip


def prepare(home: Path, residents: int, each: int) -> str:
    """Load, and give back a bearer token."""
    from shangyi.settings import Settings
    from shangyi.wiring import opened

    os.environ["SHANGYI_HOME"] = str(home)
    with opened(Settings.load()) as opening:
        access = opening.access
        session = access.owner_session()
        for patient in patients(residents):
            entries = [
                {"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}}
                for r in (patient, *observations(patient["id"], each))
            ]
            session.transaction({"resourceType": "Bundle", "type": "transaction", "entry": entries})
        token = access.administration(session).create_token("benchmark", "clinician", "*", timedelta(hours=1))
        return token.secret


def small_cases(residents: int) -> dict[str, list[str]]:
    """What to ask of the record that ``prepare`` loads."""
    everyone = [f"p{number}" for number in range(residents)]
    code = "code=http://loinc.org|2339-0"
    return {
        "read by id": [f"/fhir/Patient/{p}" for p in everyone],
        "vread": [f"/fhir/Patient/{p}/_history/1" for p in everyone],
        "search patient + code": [f"/fhir/Observation?patient={p}&{code}" for p in everyone],
        "search code + date, first page": [f"/fhir/Observation?{code}&date=ge2020&_count=20"],
    }


AREAS = {"all": "*", "county": "520999", "town": "520999003", "village": "520999003005"}
"""Areas of tokens, within the county of ``population.py``."""


def large_cases(home: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Tokens by area, and what to ask of a large record: codes by how frequent they are, thousands of different
    questions. What follows ", as " in the name of a case is the area of its token.
    """
    import search

    os.environ["SHANGYI_HOME"] = str(home)
    from shangyi.settings import Settings
    from shangyi.wiring import opened

    chance = random.Random(11)
    with opened(Settings.load()) as opening:
        access = opening.access
        administration = access.administration(access.owner_session())
        tokens = {
            name: administration.create_token("benchmark", "clinician", area, timedelta(hours=1)).secret
            for name, area in AREAS.items()
        }
        with opening.store.pool.connection() as connection:
            codec = opening.store.codec
            tiers = search.tiers(search.ranked(connection, codec))
            people = search.patients(connection, codec)
            some = search.versions(
                connection, codec, "r.rid in (select rid from search tablesample system (0.1) limit 2000)", []
            )
    cases = {"read by id": [f"/fhir/{version.type}/{version.id}" for version in some]}
    for tier, codes in tiers.items():
        asked = [f"code={search.LOINC}|{code.code}" for code in codes for _ in range(200)]
        cases[f"{tier} code + date"] = [f"/fhir/Observation?{a}&date=ge{search.month(chance)}" for a in asked]
        cases[f"{tier} code + date to"] = [
            f"/fhir/Observation?{a}&date=le{search.month(chance)}" for a in asked
        ]
        cases[f"{tier} code + date + patient"] = [
            f"/fhir/Observation?{a}&date=ge{search.month(chance)}&patient={chance.choice(people)}"
            for a in asked
        ]
        for name in list(AREAS)[1:]:
            cases[f"{tier} code + date, as {name}"] = cases[f"{tier} code + date"]
        cases[f"{tier} code, count"] = [f"/fhir/Observation?{a}&_summary=count" for a in asked[::200]]
    cases["status + date"] = [
        f"/fhir/Observation?status=final&date=ge{search.month(chance)}" for _ in range(1000)
    ]
    for name in list(AREAS)[1:]:
        cases[f"status + date, as {name}"] = cases["status + date"]
    chosen = chance.sample(people, min(1000, len(people)))
    cases["everything of a resident"] = [f"/fhir/Patient/{p}/$everything" for p in chosen]
    for name in list(AREAS)[1:2]:
        cases[f"everything of a resident, as {name}"] = cases["everything of a resident"]
    cases["everything of a resident, 100 a page"] = [
        f"/fhir/Patient/{p}/$everything?_count=100" for p in chosen
    ]
    cases["patient"] = [f"/fhir/Observation?patient={p}" for p in people]
    cases["names"] = [
        f"/fhir/Patient?name={name}" for name in map(quote, ("王", "李", "zhang", "wangx", "lq"))
    ]
    return tokens, cases


def read_cases(home: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """A token, and some resources of a home to read by id."""
    os.environ["SHANGYI_HOME"] = str(home)
    from shangyi.settings import Settings
    from shangyi.store.body import unpack_id
    from shangyi.store.types import NAMES
    from shangyi.wiring import opened

    with opened(Settings.load()) as opening:
        administration = opening.access.administration(opening.access.owner_session())
        secret = administration.create_token("benchmark", "clinician", "*", timedelta(hours=1)).secret
        with opening.store.pool.connection() as connection:
            rows = connection.execute(
                "select r.type, r.id from search s join resource r on r.rid = s.rid and r.version = s.version"
                " order by s.rid limit 2000"
            ).fetchall()
    return {"all": secret}, {"read by id": [f"/fhir/{NAMES[type_]}/{unpack_id(id)}" for type_, id in rows]}


def built(home: Path, seconds: float = 600) -> None:
    """Wait until there is a lake."""
    deadline = time.monotonic() + seconds
    while not (home / "lake" / "manifest.json").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(2)


def build_anew(home: Path) -> None:
    """Take the lake away and wait until the server builds it."""
    (home / "lake" / "manifest.json").unlink()
    deadline = time.monotonic() + 60
    while not any((home / "lake").glob("scratch-*")) and time.monotonic() < deadline:
        time.sleep(0.1)


def ticks(pid: int) -> float:
    """User and system time of a process so far, in seconds; 0 when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def database_processes(home: Path) -> list[int]:
    """The server of this home and all its children."""
    parents, roots = {}, []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"postgres" in command[0] and any(str(home).encode() in part for part in command[1:]):
            roots.append(int(folder.name))
    return [pid for pid, parent in parents.items() if pid in roots or parent in roots]


def on_cpu(pids: list[int]) -> float:
    """Seconds of processor of all threads of these processes so far."""
    spent = 0
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                spent += int(thread.read_text().split()[0])
            except OSError:
                continue
    return spent / 1e9


def ask(
    port: int, token: str, paths: list[str], seconds: float, connections: int, pids: list[int], out: Any
) -> None:
    """The client, in a process of its own: raw HTTP/1.1 over keep-alive connections. ``pids``: whose processor time
    to take for each request."""
    tail = f" HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n"
    requests = [f"GET {path}{tail}".encode() for path in paths]
    latencies: list[float] = []
    cpus: list[float] = []
    failures = 0

    async def connection(number: int) -> None:
        nonlocal failures
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        rng, end = random.Random(number), time.perf_counter() + seconds
        while time.perf_counter() < end:
            before, start = on_cpu(pids), time.perf_counter()
            writer.write(rng.choice(requests))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            latencies.append(time.perf_counter() - start)
            cpus.append(on_cpu(pids) - before)
            failures += not head.startswith(b"HTTP/1.1 200")
        writer.close()

    async def together() -> None:
        await asyncio.gather(*(connection(number) for number in range(connections)))

    asyncio.run(together())
    out.put((latencies, cpus, failures))


def measure(
    name: str, port: int, token: str, paths: list[str], options: Any, server: int, home: Path
) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    for seconds in (1.0, options.seconds):  # the first is to warm up
        before = ticks(server), {pid: ticks(pid) for pid in database_processes(home)}
        started = time.perf_counter()
        watched = [server, *database_processes(home)] if options.connections == 1 else []
        client = context.Process(
            target=ask, args=(port, token, paths, seconds, options.connections, watched, out)
        )
        client.start()
        latencies, cpus, failures = out.get()
        client.join()
        elapsed = time.perf_counter() - started
        python = ticks(server) - before[0]
        # processes that ended meanwhile (autovacuum) are left out
        postgres = sum(max(0.0, ticks(pid) - before[1].get(pid, 0.0)) for pid in database_processes(home))
    latencies.sort(), cpus.sort()
    count = len(latencies)
    return {
        "what": name,
        "requests": count,
        "failures": failures,
        "per_core_second": round(count / (python + postgres)),
        "per_wall_second": round(count / options.seconds),
        "python_us": round(python / count * 1e6),
        "postgres_us": round(postgres / count * 1e6),
        "p50_ms": round(latencies[count // 2] * 1e3, 2),
        "p99_ms": round(latencies[int(count * 0.99)] * 1e3, 2),
        **(
            {
                "cpu_p50_ms": round(cpus[count // 2] * 1e3, 2),
                "cpu_p99_ms": round(cpus[int(count * 0.99)] * 1e3, 2),
            }
            if watched
            else {}
        ),
        "wall_with_start_s": round(elapsed, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--residents", type=int, default=200)
    parser.add_argument("--observations", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--building", action="store_true")
    options = parser.parse_args()
    if options.home:
        home = options.home.absolute()
        tokens, cases = (read_cases if options.building else large_cases)(home)
    else:
        home = Path(tempfile.mkdtemp(prefix="shangyi-http-"))
        home.chmod(0o711)
        tokens = {"all": prepare(home, options.residents, options.observations)}
        cases = small_cases(options.residents)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    environment = {
        **os.environ,
        "SHANGYI_HOME": str(home),
        "SHANGYI_LOG": "info",
        "SHANGYI_LAKE_INTERVAL": "1" if options.building else "0",
    }
    command = [sys.executable, "-c", SERVER, str(listener.fileno())]
    with open(home / "benchmark.log", "wb") as log:
        child = subprocess.Popen(command, pass_fds=[listener.fileno()], env=environment, stderr=log)
    try:
        wait(port, child, home)
        if options.building:
            built(home)
        settle(child.pid)
        for name, paths in cases.items():
            if options.only in name:
                token = tokens[name.partition(", as ")[2] or "all"]
                show(measure(name, port, token, paths, options, child.pid, home), options.json)
                if options.building:
                    build_anew(home)
                    show(
                        measure(f"{name}, lake building", port, token, paths, options, child.pid, home),
                        options.json,
                    )
                    print("still building" if not (home / "lake" / "manifest.json").exists() else "built")
    finally:
        child.terminate()
        child.wait(120)


def show(found: dict[str, Any], as_json: bool) -> None:
    """A row of figures."""
    print(json.dumps(found) if as_json else "  ".join(f"{k} {v}" for k, v in found.items()), flush=True)


def settle(server: int) -> None:
    """Wait, half a minute at most, until the server has done what it does at its start."""
    for _ in range(30):
        before = on_cpu([server])
        time.sleep(1)
        if on_cpu([server]) - before < 0.02:
            return


def wait(port: int, child: subprocess.Popen[bytes], home: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if child.poll() is not None:
            sys.exit(f"the server ended: {(home / 'benchmark.log').read_text()[-2000:]}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as probe:
                probe.sendall(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if b" 200 " in probe.recv(100):
                    return
        except OSError:
            pass
        time.sleep(0.2)
    sys.exit("the server did not become ready")


if __name__ == "__main__":
    main()
