"""Clients that write over HTTP without pause and remember what was acknowledged."""

import http.client
import itertools
import json
import threading
import time
import urllib.error
import urllib.request
from typing import Any

from tests.cli.test_records import patient

CLIENTS = 3


class Writers:
    """``acknowledged``: (type, id, version); ``requests``: ids of the requests that were; ``pairs``: ids that only
    transactions write, always together; ``surprises``: answers other than success, 503 and a broken connection."""

    def __init__(self, address: str, token: str, salt: str) -> None:
        self.address, self.token, self.salt = address, token, salt
        self.acknowledged: list[tuple[str, str, int]] = []
        self.requests: set[str] = set()
        self.pairs = [(f"a{n}", f"b{n}") for n in range(CLIENTS)]
        self.surprises: list[str] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(n,), daemon=True) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _write(self, client: int) -> None:
        for number in itertools.count():
            if self._ended.is_set():
                return
            request = f"{self.salt}-{client}-{number:06}"
            text = f"{time.monotonic_ns()}"
            if number % 3 == 0:
                body: dict[str, Any] = patient(f"put{client}-{number % 5}", "赵", text)
                answer = self._send("PUT", f"Patient/{body['id']}", body, request)
            elif number % 3 == 1:
                answer = self._send("POST", "Patient", {**patient("", "钱", text), "id": "none"}, request)
            else:
                entries = [
                    {
                        "resource": patient(id, "孙", text),
                        "request": {"method": "PUT", "url": f"Patient/{id}"},
                    }
                    for id in self.pairs[client]
                ]
                body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
                answer = self._send("POST", "", body, request)
            if answer is None:
                time.sleep(0.02)
                continue
            if answer["resourceType"] == "Bundle":
                places = [entry["response"]["location"].split("/") for entry in answer["entry"]]
                self.acknowledged += [(type_, id_, int(version)) for type_, id_, _, version in places]
            else:
                self.acknowledged.append(("Patient", answer["id"], int(answer["meta"]["versionId"])))
            self.requests.add(request)

    def _send(self, method: str, path: str, body: object, request_id: str) -> Any:
        headers = {
            "content-type": "application/fhir+json",
            "authorization": f"Bearer {self.token}",
            "x-request-id": request_id,
        }
        request = urllib.request.Request(
            f"{self.address}/fhir/{path}", json.dumps(body).encode(), headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 503 or not error.headers["retry-after"]:
                    self.surprises.append(f"{method} {path}: {error.code} {error.read()[:500]!r}")
        except (OSError, http.client.HTTPException, ValueError):
            pass  # the server was killed
        return None

    def wait_for_another(self, seconds: float = 60) -> None:
        """Until writing is acknowledged again."""
        before, deadline = len(self.acknowledged), time.monotonic() + seconds
        while len(self.acknowledged) == before:
            assert time.monotonic() < deadline, "the server does not come back by itself"
            time.sleep(0.05)

    def end(self) -> None:
        """No more."""
        self._ended.set()
        for thread in self._threads:
            thread.join(60)
