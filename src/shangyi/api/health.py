"""``/health``: the process lives. ``/ready``: it can serve. Both without signing in and without personal data."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from shangyi.access import Access
from shangyi.store.migrate import migrations

ENOUGH_BYTES = 256 * 1024 * 1024
HEADERS = {"cache-control": "no-store"}


def health(request: Request) -> JSONResponse:
    """200 as long as the process answers."""
    return JSONResponse({"status": "ok"}, headers=HEADERS)


def checks(access: Access) -> Mapping[str, Callable[[], bool]]:
    """What has to hold before this process can serve."""

    def database() -> bool:
        with access.pool.connection(timeout=3) as connection:
            return connection.execute("select 1").fetchone() == (1,)

    def current() -> bool:
        with access.pool.connection(timeout=3) as connection:
            applied = {row[0] for row in connection.execute("select number from migration")}
            return applied == {migration.number for migration in migrations()}

    def disk() -> bool:
        folder = Path(access.spool.folder).absolute()  # made with the first event
        there = next(place for place in (folder, *folder.parents) if place.exists())
        return shutil.disk_usage(there).free >= ENOUGH_BYTES

    return {"database": database, "migrations": current, "disk": disk}


def holds(check: Callable[[], bool]) -> bool:
    """Whether a check holds; what it raises means no, and is not told to anybody who asks."""
    try:
        return check()
    except Exception:
        return False


def routes(access: Access) -> list[BaseRoute]:
    """Both routes."""

    def ready(request: Request) -> JSONResponse:
        found = {name: holds(check) for name, check in checks(access).items()}
        good = all(found.values())
        content = {"status": "ready" if good else "not ready", "checks": found}
        return JSONResponse(content, 200 if good else 503, headers=HEADERS)

    return [Route("/health", health), Route("/ready", ready), Route("/health/ready", ready)]
