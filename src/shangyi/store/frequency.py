"""How often tokens and codes are, by sampling: what the planner of searches goes by. Rare ones are not listed."""

import psycopg

SAMPLE_ROWS = 30_000
LEAST_IN_SAMPLE = 5
LEAST = 500
"""What is estimated below this is rare, and not listed."""
SMALL_BYTES, SMALL_TARGET = 64 << 20, 20
"""A table below this size is analysed from a fifth of the usual sample: PostgreSQL's own rounds look closer later, and
until then a load that took seconds need not wait another for it."""


def refresh(connection: psycopg.Connection) -> int:
    """Sample ``search`` anew into ``frequency``, and let PostgreSQL do its statistics; the number of entries."""
    connection.execute(
        "select set_config('default_statistics_target', %s, true) where pg_relation_size('search') < %s",
        [str(SMALL_TARGET), SMALL_BYTES],
    )
    connection.execute("analyze search")
    row = connection.execute(
        "select greatest(reltuples, 0)::bigint from pg_class where oid = 'search'::regclass"
    ).fetchone()
    rows = row[0] if row else 0
    percent = min(100.0, 100.0 * SAMPLE_ROWS / max(rows, 1))
    connection.execute("delete from frequency")
    done = connection.execute(
        "insert into frequency (token, estimate)"
        " with sample as materialized (select code, tokens from search tablesample system (%s))"
        " select token, (count(*) * %s)::bigint from ("
        "   select unnest(tokens) as token from sample"
        "   union all select code from sample where code <> 0 and not code = any(tokens)) t"
        " group by token having count(*) >= %s",
        [percent, 100.0 / percent, max(LEAST_IN_SAMPLE, LEAST * percent / 100)],
    )
    return done.rowcount


def estimate(connection: psycopg.Connection, tokens: list[int]) -> dict[int, int]:
    """The estimates there are for these tokens."""
    found = connection.execute("select token, estimate from frequency where token = any(%s)", [tokens])
    return dict(found.fetchall())
