"""Raw ASGI middleware: a request id, and one JSON line a request without personal data.

The line has method, route template, status, duration in ms and request id: never the path, the query or an id in it,
since those identify people. Wrap the whole application in it (``Middleware(RequestLog)``).
"""

import asyncio
import itertools
import logging
import re
import time
from functools import lru_cache
from secrets import token_hex

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("shangyi.http")
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{8,64}")
_KEY = "shangyi.request_id"
_PROCESS = token_hex(6)
_NUMBERS = itertools.count(1)


def request_id(scope: Scope) -> str:
    """The id of this request: the caller's ``X-Request-Id`` where it is well-formed, else a new one."""
    known: str | None = scope.get(_KEY)
    if known is None:
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode(
            "latin-1"
        )
        known = given if _ACCEPTABLE.fullmatch(given) else f"{_PROCESS}{next(_NUMBERS):06x}"
        scope[_KEY] = known
    return known


def route_template(scope: Scope) -> str:
    """The route with its fields instead of their values; ``unmatched`` where no route was found."""
    found: str | None = scope.get("shangyi.route")
    if found is not None:
        return found
    if "endpoint" not in scope:
        return "unmatched"
    path: str = scope["path"]
    for name, value in scope.get("path_params", {}).items():
        path = path.replace(str(value), "{" + name + "}") if str(value) else path
    return path


class RequestLog:
    """Gives each request its id (also as a response header) and writes its line when it is answered.

    Lines are written in groups, at most ``interval_s`` late, since a write each costs a tenth of a small request.
    """

    def __init__(self, app: ASGIApp, interval_s: float = 0.1) -> None:
        self.app = app
        self.interval_s = interval_s
        self._lines: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            self.flush()
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter_ns()
        identity = request_id(scope)
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", identity.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            if log.isEnabledFor(logging.INFO):
                self._add(line(scope, status, (time.perf_counter_ns() - started) / 1e6, identity))

    def _add(self, text: str) -> None:
        self._lines.append(text)
        if not self.interval_s:
            self.flush()
        elif len(self._lines) == 1:
            asyncio.get_running_loop().call_later(self.interval_s, self.flush)

    def flush(self) -> None:
        """Write what has gathered: one record, a JSON object a line."""
        lines, self._lines = self._lines, []
        if lines:
            log.info("%s", "\n".join(lines))


def line(scope: Scope, status: int, milliseconds: float, identity: str) -> str:
    """The line of a request. Every field is from a closed set or checked, so nothing needs escaping."""
    method = scope["method"] if scope["method"].isalpha() else "?"
    seconds, fraction = divmod(time.time(), 1)
    return (
        f'{{"time":"{_second(int(seconds))}.{int(fraction * 1000):03}Z","level":"info","logger":"shangyi.http",'
        f'"method":"{method}","route":"{route_template(scope)}","status":{status},"ms":{milliseconds:.2f},'
        f'"request":"{identity}"}}'
    )


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
