"""Connections to PostgreSQL whose failures are typed: nothing above the store sees an error of the driver's own."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as postgres
from psycopg_pool import ConnectionPool, PoolTimeout

from shangyi.errors import Invalid, Misconfigured, ShangyiError, TooLarge, Unavailable

GIVEN_WAY = (postgres.DeadlockDetected, postgres.SerializationFailure)
"""To another writer: tried again by ``writer.retrying``."""


class Pool(ConnectionPool[psycopg.Connection]):
    """As psycopg's, with the errors of PostgreSQL as ours. The others (a unique key, a bug) go through as they are."""

    @contextmanager
    def connection(self, timeout: float | None = None) -> Iterator[psycopg.Connection]:
        """A connection in a transaction, committed at the end. Raises Unavailable, TooLarge, Invalid, Misconfigured."""
        try:
            with super().connection(timeout) as connection:
                yield connection
        except (PoolTimeout, psycopg.OperationalError, psycopg.DataError, psycopg.InternalError) as error:
            if isinstance(error, GIVEN_WAY):
                raise
            raise typed(error) from error
        except postgres.InsufficientPrivilege as error:
            raise typed(error) from error


def typed(error: Exception) -> ShangyiError:
    """The error as one of ours. What PostgreSQL says is not repeated: it may quote a row."""
    match error:
        case postgres.DiskFull():
            return Unavailable(
                "The disk of the database is full: nothing was changed. Make room and try again"
            )
        case postgres.QueryCanceled():
            return Unavailable("This took the database longer than it is given; ask for less at once")
        case postgres.ReadOnlySqlTransaction():
            return Unavailable("The database takes no changes now")
        case postgres.ProgramLimitExceeded():
            return TooLarge("PostgreSQL cannot hold this: a value is too large")
        case postgres.InsufficientPrivilege():
            return Misconfigured(
                "The role of the database may not do this; docs/operating.md says what it needs"
            )
        case psycopg.DataError():
            return Invalid("PostgreSQL cannot hold this: {reason}", reason=type(error).__name__)
    return Unavailable("The database cannot be reached: {reason}", reason=type(error).__name__)
