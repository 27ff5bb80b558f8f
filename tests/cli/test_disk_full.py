"""A full disk: said clearly, nothing acknowledged is lost, and all goes on by itself once there is room."""

import base64
import contextlib
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.commands import Forge
from tests.cli.conftest import Home
from tests.cli.test_faults import end, served
from tests.cli.test_records import ndjson, patient

SIZE_MB = 360
PEOPLE = 8_000
"""More than the room that is left for a load."""
NO_ROOM = r"disk .* full|No space left"
pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0, reason="only root can mount a small disk"
    ),
]


@pytest.fixture
def disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="shangyi-disk-", dir="/tmp") as name:
        options = f"size={SIZE_MB}m,mode=711"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", name], capture_output=True)
        if done.returncode:
            pytest.skip("a small disk cannot be mounted here")
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "-l", name], check=True)


def fill(disk: Path, but: int = 0) -> Path:
    """Let a filler grow or shrink until so many bytes are free.

    It is opened to append: to make or to empty a file may itself need room, which a full disk has not.
    """
    file = disk / "filler"
    with file.open("ab", buffering=0) as out:
        space = os.statvfs(disk)
        more = space.f_bavail * space.f_frsize - but
        with contextlib.suppress(OSError):  # what runs meanwhile may have taken the rest
            if more < 0:
                out.truncate(max(0, file.stat().st_size + more))
            for _ in range(more // 65536):
                out.write(bytes(65536))
    return file


class Client:
    def __init__(self, address: str, token: str) -> None:
        self.host = address.removeprefix("http://")
        self.headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}

    def put(self, id: str, size: int) -> tuple[int, str | None, Any]:
        data = base64.b64encode(random.Random(id).randbytes(size)).decode()
        body = {"resourceType": "Binary", "id": id, "contentType": "application/pdf", "data": data}
        connection = http.client.HTTPConnection(self.host, timeout=60)
        with contextlib.closing(connection):
            connection.request("PUT", f"/fhir/Binary/{id}", json.dumps(body), self.headers)
            answer = connection.getresponse()
            return answer.status, answer.headers["retry-after"], json.loads(answer.read())


def test_everything_goes_on_once_there_is_room(disk: Path, forge: Forge) -> None:
    home = Home(disk / "home", forge)
    token = home.json("token", "create", "full", "--role", "administrator", "--area", "*")["token"]
    server, address = served(home)
    client = Client(address, token)
    try:
        filler, kept = fill(disk, but=20_000_000), []
        for number in range(1000):
            status, after, answer = client.put(f"b{number}", 300_000)
            if status != 201:
                break
            kept.append(f"b{number}")
        assert (status, answer["resourceType"]) == (503, "OperationOutcome")
        assert after
        assert kept

        # a load and a backup, too, say what is wrong and leave nothing half done
        file = disk.with_suffix(".ndjson")
        file.write_bytes(ndjson(*(patient(f"p{n}", "王", str(n) * 50) for n in range(PEOPLE))))
        fill(disk, but=6_000_000)
        assert re.search(NO_ROOM, home.run("load", str(file), code=6).stderr)
        fill(disk)
        assert re.search(NO_ROOM, home.run("backup", str(disk / "backup"), code=6).stderr)
        assert [path.name for path in disk.iterdir() if path.name.startswith("backup")] == []

        # and if PostgreSQL is killed meanwhile (or gave up by itself, without room for its log), it comes back
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            pid = (home.path / "postgres/data/postmaster.pid").read_text().split()[0]
            os.kill(int(pid), signal.SIGKILL)
        time.sleep(2)
        filler.unlink()
        deadline = time.monotonic() + 90
        while client.put("after", 300_000)[0] not in (200, 201):
            assert time.monotonic() < deadline, home.log.read_text()[-2000:]
            time.sleep(0.5)
        report = home.json("load", str(file))
        assert report["added"] + report["unchanged"] == PEOPLE
        found = home.json("status", "--verify")
        assert found["problems"] == []
        assert found["resources"] == {"Binary": len(kept) + 1, "Patient": PEOPLE}
        file.unlink()
    finally:
        end(server)
        home.stop()
