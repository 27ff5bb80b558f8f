"""kill -9 of the server, of PostgreSQL and of a load, at random instants: nothing acknowledged is lost, nothing is
half-written, and the next start needs no hand."""

import json
import os
import random
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tests.cli.conftest import Home
from tests.cli.test_records import ndjson, patient

SEED = 20261124


class Client:
    """Writes one resource after the other and remembers what was acknowledged."""

    def __init__(self, address: str, token: str, acknowledged: dict[str, int]) -> None:
        self.address, self.token, self.acknowledged = address, token, acknowledged
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.write, daemon=True)
        self.thread.start()

    def write(self) -> None:
        number = 0
        while not self.ended.is_set():
            number += 1
            id = f"http-{number % 7}"
            body = json.dumps(patient(id, "赵", str(time.monotonic_ns()))).encode()
            request = urllib.request.Request(
                f"{self.address}/fhir/Patient/{id}",
                body,
                {"content-type": "application/fhir+json", "authorization": f"Bearer {self.token}"},
                method="PUT",
            )
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    version = int(json.loads(answer.read())["meta"]["versionId"])
            except (OSError, urllib.error.URLError, ValueError):
                time.sleep(0.02)
                continue
            self.acknowledged[id] = max(version, self.acknowledged.get(id, 0))

    def end(self) -> None:
        self.ended.set()
        self.thread.join(60)


def postmaster(home: Home) -> int:
    return int((home.path / "postgres" / "data" / "postmaster.pid").read_text().split()[0])


def served(home: Home, process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    address = str(json.loads(process.stdout.readline())["address"])
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"{address}/ready", timeout=5):
                return address
        except (OSError, urllib.error.URLError):
            time.sleep(0.05)
    raise AssertionError(f"the server does not answer: {home.log.read_text()[-3000:]}")


def one_round(home: Home, token: str, victim: str, file: Path, instants: random.Random) -> None:
    server = home.start("serve", "--json")
    acknowledged: dict[str, int] = {}
    client = Client(served(home, server), token, acknowledged)
    load = home.start("load", str(file), "--again", "--workers", "0", "--json")
    time.sleep(instants.uniform(0.2, 3))
    target = {"server": server.pid, "load": load.pid}.get(victim) or postmaster(home)
    os.kill(target, signal.SIGKILL)
    time.sleep(instants.uniform(0, 0.5))
    client.end()
    for process in (load, server):
        if process.poll() is None:
            process.terminate()
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()
    found = home.json("status", "--verify")
    assert found["problems"] == []
    for id, version in acknowledged.items():
        assert int(home.json("get", f"Patient/{id}")["meta"]["versionId"]) >= version, f"{id} lost a version"
    report = home.json("load", str(file))
    assert (report["refused"], report["added"] + report["updated"] + report["unchanged"]) == (0, 3000)
    assert home.json("status")["resources"]["Patient"] >= 3000


def rounds(home: Home, folder: Path, count: int) -> None:
    file = folder / "people.ndjson"
    file.write_bytes(ndjson(*(patient(f"p{n}", "王", str(n)) for n in range(3000))))
    token = home.json("token", "create", "faults", "--role", "administrator", "--area", "*")["token"]
    instants = random.Random(SEED)
    for number in range(count):
        one_round(home, token, ("server", "postgres", "load")[number % 3], file, instants)


@pytest.mark.timeout(900)
def test_kill_at_random_instants(bare_home: Home, tmp_path: Path) -> None:
    rounds(bare_home, tmp_path, 3)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_kill_fifty_times(bare_home: Home, tmp_path: Path) -> None:
    rounds(bare_home, tmp_path, 50)
