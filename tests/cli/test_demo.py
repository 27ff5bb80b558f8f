"""``shangyi demo`` as it is met: interrupted, started twice, started again."""

import json
import signal
import time
import urllib.request

from tests.cli.conftest import Home
from tests.cli.test_faults import end, served

ARGUMENTS = ("demo", "--residents", "3", "--no-serve", "--json")


def test_interrupted_then_twice_at_once_it_is_one_county(home: Home) -> None:
    first = home.start("demo", "--residents", "3", "--no-serve")
    deadline = time.monotonic() + 120
    while "Making and loading" not in home.log.read_text():
        assert first.poll() is None, home.log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1)
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=60)
    assert first.returncode == 130
    assert "Traceback" not in home.log.read_text()

    second = home.start(*ARGUMENTS)
    found = home.json(*ARGUMENTS[:-1])
    second.communicate(timeout=120)
    assert second.returncode == 0
    assert {account["role"] for account in found["accounts"]} >= {
        "administrator",
        "clinician",
        "epidemiologist",
    }

    began = home.json("status")["resources"]
    assert began["Patient"] == 3
    again = home.json(*ARGUMENTS[:-1])
    assert again == found
    assert home.json("status")["resources"] == began

    server, address = served(home)
    try:
        asked = urllib.request.Request(
            f"{address}/fhir/Patient", headers={"authorization": f"Bearer {found['token']}"}
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert len(json.load(answer)["entry"]) == 3
    finally:
        end(server)
