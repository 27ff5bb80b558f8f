"""What is asked of PostgreSQL by key, apart from how it is asked: of a thread that waits, or of the event loop.

``Steps`` is a computation that yields each Question that it has and is sent the rows, so that the same decisions are
taken, in the same order, whoever waits for the rows.
"""

from collections.abc import Generator, Sequence
from typing import NamedTuple, TypeVar

from psycopg import pq

Value = int | Sequence[int]
Row = tuple[bytes | None, ...]
Result = TypeVar("Result")


class Question(NamedTuple):
    """A statement with ``%s`` for each value; of few different texts, since each is prepared once and kept."""

    sql: str
    values: Sequence[Value] = ()


Steps = Generator[Question, list[Row], Result]


def numbered(sql: str) -> bytes:
    """The statement with ``$1``, ``$2`` …, as PostgreSQL prepares it."""
    first, *pieces = sql.split("%s")
    return (first + "".join(f"${n}{piece}" for n, piece in enumerate(pieces, 1))).encode()


def as_text(value: Value) -> bytes:
    """A value in PostgreSQL's text format."""
    if isinstance(value, int):
        return b"%d" % value
    return b"{%s}" % ",".join(map(str, value)).encode()


def rows_of(result: pq.abc.PGresult) -> list[Row]:
    """The rows of a result."""
    width = range(result.nfields)
    return [tuple([result.get_value(row, column) for column in width]) for row in range(result.ntuples)]
