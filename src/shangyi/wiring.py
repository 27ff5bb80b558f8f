"""What is served and what runs in the background, in one place. Read this first.

A process opens the store (starting or attaching to the embedded PostgreSQL), puts the access service on it, and
serves two sets of routes that reach the record only through an ``access.Session``: FHIR under ``/fhir``, the console
at ``/``. Nothing else is shared between processes but the database.
"""

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, cast

from shangyi import store
from shangyi.access import Access
from shangyi.logs import configure
from shangyi.settings import Settings
from shangyi.store import embedded
from shangyi.store.database import Store
from shangyi.store.embedded.process import running as alive

if TYPE_CHECKING:
    from starlette.applications import Starlette

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opened:
    """The opened store, for bulk work, and the access service on it, for everything else."""

    store: Store
    access: Access


@contextmanager
def opened(
    settings: Settings,
    progress: Callable[[str], None] | None = None,
    statement_seconds: float | None = None,
) -> Iterator[Opened]:
    """Store and access; the audit is written out and connections are closed at the end."""
    with (
        store.open(settings, progress=progress, statement_seconds=statement_seconds) as records,
        Access(cast(Any, records.repository), records.pool, settings.home) as access,
    ):
        access.start()
        yield Opened(records, access)


def keep_database(records: Store, home: Path, ended: Event) -> None:
    """Start the embedded server again when it was killed; connections come back by themselves."""
    while not ended.wait(0.5):
        server = records.server
        if server is None or (server.child is not None and server.child.poll() is None) or alive(server.data):
            continue
        try:
            fresh = embedded.start(home)
        except Exception as error:  # a full disk, for instance: whatever it is, try again until it is mended
            log.warning("the database cannot be started again: %s", type(error).__name__)
            continue
        if ended.is_set():
            fresh.close()
            return
        log.warning("the database had ended and was started again")
        records.server = fresh
        server.close(keep=True)


def create_app(settings: Settings | None = None) -> "Starlette":
    """The application of one server process; also uvicorn's factory."""
    # Imported here: commands of the CLI open the record without the server.
    from starlette.applications import Starlette
    from starlette.middleware import Middleware

    from shangyi import api
    from shangyi.api.body import Limits
    from shangyi.api.middleware import RequestLog
    from shangyi.care.indicators.keep import Keeper
    from shangyi.care.standing.keep import follow
    from shangyi.lake.asking import Analysts
    from shangyi.lake.process import Task
    from shangyi.lake.supervision import Supervisor
    from shangyi.web.answers import Answers
    from shangyi.web.loading.loads import Loads
    from shangyi.web.routes import routes as pages
    from shangyi.web.warming import warm

    settings = settings or Settings.load()
    configure(settings.log)
    limits = Limits(body_bytes=settings.max_body_mb * 1024 * 1024)
    # A little longer than the reader waits: what nobody waits for any more must not go on.
    opening = opened(settings, statement_seconds=limits.read_seconds + 5)
    found = opening.__enter__()
    access, ended = found.access, Event()
    keeper = Thread(
        target=keep_database, args=(found.store, settings.home, ended), name="database", daemon=True
    )
    keeper.start()
    standing = Thread(target=follow, args=(found.store.repository, ended), name="standing", daemon=True)
    standing.start()
    rates = Keeper(found.store.repository)
    indicators = Thread(target=rates.follow, args=(ended,), name="indicators", daemon=True)
    indicators.start()
    task = Task(
        found.store.conninfo,
        str(settings.home),
        settings.lake_interval,
        settings.lake_build == "yes",
        settings.log,
        ("shangyi.care.population.keep:Keeper",),
    )
    following = Thread(target=Supervisor(task, ended).run, name="lake", daemon=True)
    if settings.lake_interval:
        following.start()
    answers = Answers(settings.home)
    analysts = Analysts(settings.home / "lake", settings)
    analysts.tidy()
    loads = Loads(settings.home, found.store.conninfo, settings.max_upload_mb * 1024 * 1024)
    loads.resume()
    warming = Thread(target=warm, args=(access, answers), name="warming", daemon=True)
    warming.start()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            loads.close()
            analysts.close()
            ended.set()
            keeper.join(30)
            standing.join(30)
            indicators.join(30)
            warming.join(30)
            if settings.lake_interval:
                following.join(30)
            opening.__exit__(None, None, None)

    app = Starlette(
        routes=[*api.routes(access, limits, analysts), *pages()],
        middleware=[Middleware(RequestLog)],
        lifespan=lifespan,
    )
    app.state.access = access
    app.state.answers = answers
    app.state.analysis = analysts
    app.state.loads = loads
    app.state.settings = settings
    return app
