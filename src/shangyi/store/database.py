"""Open the store: find or start the server, make the database, migrate, and keep a pool of connections."""

import select
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import psycopg

from shangyi.errors import Misconfigured, Unavailable
from shangyi.store import embedded, rebuild
from shangyi.store.codec import Codec
from shangyi.store.migrate import migrate
from shangyi.store.pool import Pool, typed
from shangyi.store.reader import Reader
from shangyi.store.repository import Repository

OLDEST = 150000
DATABASE = "shangyi"
CONNECT_SECONDS = 10
WAIT_SECONDS = 15
"""How long a request waits for a connection: longer than the embedded server needs to come back after a kill."""


class Place(Protocol):
    """What of the settings says where the data is."""

    @property
    def home(self) -> Path:
        """SHANGYI_HOME."""

    @property
    def database_url(self) -> str | None:
        """SHANGYI_DATABASE_URL."""


class Store:
    """The open store. ``pool``: connections; ``repository``: the records; ``conninfo``: for further processes."""

    def __init__(
        self,
        conninfo: str,
        server: embedded.Server | None = None,
        connections: int = 16,
        progress: Callable[[str], None] | None = None,
        statement_seconds: float | None = None,
    ) -> None:
        self.conninfo = conninfo
        self.server = server
        try:
            with psycopg.connect(conninfo, connect_timeout=CONNECT_SECONDS) as connection:
                if connection.info.server_version < OLDEST:
                    version = connection.info.server_version // 10000
                    raise Misconfigured(
                        "PostgreSQL {version} is too old; 15 or newer is needed", version=version
                    )
                row = connection.execute("select pg_encoding_to_char(encoding) from pg_database"
                                         " where datname = current_database()").fetchone()  # fmt: skip
                if row is None or row[0] != "UTF8":
                    raise Misconfigured("The database must be encoded in UTF-8")
                connection.commit()
                self.migrated = migrate(connection)
        except psycopg.errors.InsufficientPrivilege as error:
            raise typed(error) from error
        except psycopg.OperationalError as error:
            raise Unavailable("The database cannot be reached: {reason}", reason=_reason(error)) from error

        def configure(connection: psycopg.Connection) -> None:
            if statement_seconds:
                connection.execute(f"set statement_timeout = {int(statement_seconds * 1000)}")
                connection.commit()

        self.pool = Pool(
            conninfo, min_size=1, max_size=connections, open=True, timeout=WAIT_SECONDS, check=check_connection,
            configure=configure, kwargs={"application_name": "shangyi", "connect_timeout": CONNECT_SECONDS},
        )  # fmt: skip
        self.codec = Codec()
        with self.pool.connection() as connection:
            self.codec.load(connection)
            self.rebuilt = rebuild.bring_up(
                connection,
                self.codec,
                (lambda _: progress("Indexing the record anew …")) if progress else None,
            )
        self.repository = Repository(self.pool, self.codec, Reader(conninfo))

    def close(self, keep: bool = False) -> None:
        """Close the connections; the last one out stops an embedded server, unless ``keep``."""
        self.repository.reader.close()
        self.pool.close()
        if self.server is not None:
            self.server.close(keep=keep)

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def check_connection(connection: psycopg.Connection) -> None:
    """Refuse a connection that the server has ended, without asking it each time (a fifth of the cost of a read).

    An idle connection has nothing to say: only one that has (its end, a notice) is asked.
    """
    if _readable(connection.fileno()):
        Pool.check_connection(connection)


def _readable(descriptor: int) -> bool:
    if sys.platform == "win32":
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:400] or type(error).__name__


def open(
    settings: Place | None = None,
    *,
    home: Path | None = None,
    database_url: str | None = None,
    progress: Callable[[str], None] | None = None,
    server_settings: Mapping[str, str] | None = None,
    statement_seconds: float | None = None,
) -> Store:
    """The store that the settings name: an external PostgreSQL, or the embedded one of the home directory.

    ``progress`` is told, in English (a key of the catalogue), what is being waited for. ``statement_seconds``: the
    database gives up a statement after that (for servers; bulk work takes as long as it takes).
    """
    url = database_url or (settings.database_url if settings else None)
    if url:
        return Store(url, progress=progress, statement_seconds=statement_seconds)
    place = home or (settings.home if settings else None)
    if place is None:
        raise Misconfigured("Neither a home directory nor a database is named")
    server = embedded.start(Path(place), progress=progress, settings=server_settings)
    try:
        create_database(server.conninfo("postgres"), DATABASE)
        return Store(
            server.conninfo(DATABASE), server, progress=progress, statement_seconds=statement_seconds
        )
    except BaseException:
        server.close()
        raise


def create_database(conninfo: str, name: str) -> None:
    """Make the database unless it is there."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
            statement = psycopg.sql.SQL("create database {} template template0").format(
                psycopg.sql.Identifier(name)
            )
            try:
                connection.execute(statement)
            except psycopg.errors.DuplicateDatabase:
                pass  # another process was first
