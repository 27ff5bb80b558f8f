"""The whole stack for each module: Starlette, the real store and access, by httpx without a socket."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from shangyi.access import Access
from shangyi.api import routes
from shangyi.api.body import Limits
from shangyi.api.middleware import RequestLog
from shangyi.store.database import Store

LIMITS = Limits(body_bytes=2 * 1024 * 1024, depth=60)


class Client:
    """A synchronous client over the ASGI application; ``fhir`` is the base of every address."""

    def __init__(self, app: Starlette, loop: asyncio.AbstractEventLoop, headers: dict[str, str]) -> None:
        self.app, self.loop, self.headers = app, loop, headers

    def request(
        self, method: str, url: str, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=True)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, url, headers={**self.headers, **(headers or {})}, **more)

        return self.loop.run_until_complete(send())

    def get(self, url: str, **more: Any) -> httpx.Response:
        return self.request("GET", url, **more)

    def post(self, url: str, resource: object = None, **more: Any) -> httpx.Response:
        return self.request("POST", url, **_body(resource, more))

    def put(self, url: str, resource: object, **more: Any) -> httpx.Response:
        return self.request("PUT", url, **_body(resource, more))

    def delete(self, url: str, **more: Any) -> httpx.Response:
        return self.request("DELETE", url, **more)

    def patch(self, url: str, operations: object, **more: Any) -> httpx.Response:
        headers = {"content-type": "application/json-patch+json", **more.pop("headers", {})}
        return self.request("PATCH", url, json=operations, headers=headers, **more)


def _body(resource: object, more: dict[str, Any]) -> dict[str, Any]:
    if resource is None:
        return more
    more["headers"] = {"content-type": "application/fhir+json", **more.get("headers", {})}
    return {"json": resource, **more}


@pytest.fixture(scope="module")
def access(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Access]:
    with Access(store.repository, store.pool, tmp_path_factory.mktemp("home")) as opened:
        opened.start()
        yield opened


@pytest.fixture(scope="module")
def as_role(access: Access) -> Iterator[Callable[..., Client]]:
    """A client with a token of this role and area; None for nobody."""
    app = Starlette(routes=routes(access, LIMITS), middleware=[Middleware(RequestLog, interval_s=0)])
    loop = asyncio.new_event_loop()
    administration = access.administration(access.owner_session())

    def make(role: str | None, area: str = "*") -> Client:
        headers = {}
        if role is not None:
            made = administration.create_token(f"test {role}", role, area, timedelta(hours=1))
            headers["authorization"] = f"Bearer {made.secret}"
        return Client(app, loop, headers)

    yield make
    loop.close()


@pytest.fixture(scope="module")
def http(as_role: Callable[..., Client]) -> Client:
    """An administrator's client."""
    return as_role("administrator")
