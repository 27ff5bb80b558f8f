"""Verify: is everything that the tables say true of each other, and does every body unpack?"""

from collections.abc import Callable
from dataclasses import dataclass, field

from zstandard import ZstdError

from shangyi.errors import ShangyiError
from shangyi.store import keys, rows
from shangyi.store.database import Store

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
    "a further value of what is not current": (
        "select rid from (select rid from search_date union all select rid from search_number"
        " union all select rid from search_string) v where not exists (select from search s where s.rid = v.rid) limit 10"
    ),
}


@dataclass(slots=True)
class Verified:
    """``versions`` read; ``problems`` in English, empty when all is well."""

    versions: int = 0
    problems: list[str] = field(default_factory=list)


def verify(store: Store, progress: Callable[[int], None] | None = None) -> Verified:
    """Read every version, and hold the tables against each other, as of one instant."""
    result = Verified()
    with store.pool.connection() as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        for what, statement in STATEMENTS.items():
            result.problems += [f"{what} ({row[0]})" for row in connection.execute(statement.encode())]
        with connection.cursor("verify") as cursor:
            cursor.execute(f"select {rows.COLUMNS}, r.rid from resource r")
            while batch := cursor.fetchmany(BATCH_ROWS):
                for row in batch:
                    try:
                        [version] = rows.versions(store.codec, connection, [row])
                        whole = not version.body or version.resource["id"] == version.id
                        if not whole or keys.rid(version.type, version.id) != row[7]:
                            result.problems.append(f"a resource under a wrong key ({row[7]})")
                    except (ShangyiError, ZstdError, ValueError, KeyError, IndexError) as error:
                        result.problems.append(
                            f"a body that cannot be read ({row[7]}: {type(error).__name__})"
                        )
                result.versions += len(batch)
                if progress:
                    progress(result.versions)
                if len(result.problems) > MOST_PROBLEMS:
                    break
    return result
