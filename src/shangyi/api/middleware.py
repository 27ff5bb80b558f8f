"""Raw ASGI middleware: a request id, and one JSON line a request without personal data.

The line has method, route template, status, duration in ms and request id: never the path, the query or an id in it,
since those identify people. Wrap the whole application in it (``Middleware(RequestLog)``).
"""

import logging
import re
import time
from secrets import token_hex

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("shangyi.http")
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{8,64}")
_KEY = "shangyi.request_id"


def request_id(scope: Scope) -> str:
    """The id of this request: the caller's ``X-Request-Id`` where it is well-formed, else a new one."""
    known: str | None = scope.get(_KEY)
    if known is None:
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode(
            "latin-1"
        )
        known = given if _ACCEPTABLE.fullmatch(given) else token_hex(8)
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
    """Gives each request its id (also as a response header) and writes its line when it is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
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
                milliseconds = (time.perf_counter_ns() - started) / 1e6
                # every field is from a closed set or checked above, so nothing needs escaping
                log.info(
                    '{"method":"%s","route":"%s","status":%d,"ms":%.2f,"request":"%s"}',
                    scope["method"] if scope["method"].isalpha() else "?",
                    route_template(scope),
                    status,
                    milliseconds,
                    identity,
                )
