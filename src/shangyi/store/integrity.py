"""Verify: is everything that the tables say true of each other, and does every body unpack?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

import psycopg
from zstandard import ZstdError

from shangyi.errors import ShangyiError
from shangyi.store import keys, rows
from shangyi.store.database import Store
from shangyi.store.index import Indexer
from shangyi.store.model import Method, Version

BATCH_ROWS = 1000
MOST_PROBLEMS = 100

STATEMENTS = {
    "a current resource without its search row": (
        "select r.rid from (select distinct on (rid) rid, version, method from resource order by rid, version desc) r"
        " left join search s on s.rid = r.rid and s.version = r.version"
        " where r.method <> 'd' and s.rid is null limit 10"
    ),
    "a search row of what is not current": (
        "select s.rid from search s left join (select distinct on (rid) rid, version, method from resource"
        " order by rid, version desc) r on s.rid = r.rid and s.version = r.version"
        " where r.rid is null or r.method = 'd' limit 10"
    ),
    "a gap in the versions of a resource": (
        "select rid from resource group by rid having max(version) <> count(*) or min(version) <> 1 limit 10"
    ),
    "a version that comes before its predecessor in the outbox": (
        "select rid from (select rid, xid, lag(xid) over (partition by rid order by version) as before"
        " from resource) v where before > xid limit 10"
    ),
    "a further value of what is not current": (
        "select rid from (select rid from search_date union all select rid from search_number"
        " union all select rid from search_string) v where not exists (select from search s where s.rid = v.rid) limit 10"
    ),
    "a line of the audit that could not be read": "select position from audit_rejected limit 10",
}

NARROW = {
    "dates": "select rid, parameter, low, high from search_date order by rid",
    "numbers": "select rid, parameter, unit, low, high from search_number order by rid",
    "strings": "select rid, parameter, value from search_string order by rid",
}


@dataclass(slots=True)
class Verified:
    """``versions`` read; ``problems`` in English, empty when all is well."""

    versions: int = 0
    problems: list[str] = field(default_factory=list)


def verify(store: Store, progress: Callable[[int], None] | None = None) -> Verified:
    """Read every version, index every current one anew, and hold the tables against each other, as of one instant."""
    result = Verified()
    with store.pool.connection() as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        for what, statement in STATEMENTS.items():
            result.problems += [f"{what} ({row[0]})" for row in connection.execute(statement.encode())]
        narrow = {name: _Narrow(connection, name, query) for name, query in NARROW.items()}
        for row in _stream(connection, "verify", _VERSIONS):
            problem = _problem(store, connection, row, narrow)
            if problem:
                result.problems.append(f"{problem[0]} ({row[7]}{problem[1]})")
            result.versions += 1
            if progress and result.versions % BATCH_ROWS == 0:
                progress(result.versions)
            if len(result.problems) > MOST_PROBLEMS:
                break
    return result


_VERSIONS = (
    f"select {rows.COLUMNS}, r.rid, s.patient, s.area, s.code, s.date, s.date_end, s.tokens"
    " from resource r left join search s on s.rid = r.rid and s.version = r.version order by r.rid, r.version"
)


def _stream(connection: psycopg.Connection, name: str, query: str) -> Iterator[tuple[Any, ...]]:
    with connection.cursor(name) as cursor:
        cursor.execute(query.encode())
        while batch := cursor.fetchmany(BATCH_ROWS):
            yield from batch


class _Narrow:
    """The rows of a narrow table, asked for by rid in rising order."""

    def __init__(self, connection: psycopg.Connection, name: str, query: str) -> None:
        self._groups = groupby(_stream(connection, f"verify_{name}", query), key=itemgetter(0))
        self._rid: int | None = None
        self._rows: list[tuple[Any, ...]] = []

    def of(self, rid: int) -> list[tuple[Any, ...]]:
        """Those of a resource, sorted."""
        while self._rid is None or self._rid < rid:
            found = next(self._groups, None)
            if found is None:
                return []
            self._rid, self._rows = found[0], sorted(row[1:] for row in found[1])
        return self._rows if self._rid == rid else []


def _problem(
    store: Store, connection: psycopg.Connection, row: tuple[Any, ...], narrow: dict[str, _Narrow]
) -> tuple[str, str] | None:
    """What is wrong with a version and, where it is current, its search rows; the second says more."""
    try:
        [version] = rows.versions(store.codec, connection, [row])
        whole = not version.body or version.resource["id"] == version.id
        if not whole or keys.rid(version.type, version.id) != row[7]:
            return "a resource under a wrong key", ""
        if row[13] is not None and version.method is not Method.DELETE:
            return _misplaced(store.repository.indexer, version, row, narrow)
    except (ShangyiError, ZstdError, ValueError, KeyError, IndexError) as error:
        return "a body that cannot be read", f": {type(error).__name__}"
    return None


def _misplaced(
    indexer: Indexer, version: Version, row: tuple[Any, ...], narrow: dict[str, _Narrow]
) -> tuple[str, str] | None:
    """Whether the search rows are those that this release makes of the resource."""
    made = indexer(version.resource)
    scalars = (made.patient, made.area, made.code, made.date, made.date_end)
    if scalars != row[8:13] or list(made.tokens) != row[13]:
        return "a search row that is not what its resource says", ""
    for name, rows_of in narrow.items():
        if sorted(map(tuple, getattr(made, name))) != rows_of.of(row[7]):
            return "further values that are not what their resource says", f": {name}"
    return None
