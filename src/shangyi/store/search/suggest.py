"""Residents as one types: by name, pinyin, initials, id or phone."""

from collections.abc import Sequence

import psycopg

from shangyi.store import keys, rows, scope
from shangyi.store.codec import Codec
from shangyi.store.model import EVERYTHING, Scope, Version
from shangyi.store.search import text

NAME = keys.parameter("Patient", "name")


def suggest(
    connection: psycopg.Connection, codec: Codec, query: str, limit: int = 10, bounds: Scope = EVERYTHING
) -> Sequence[Version]:
    """The first residents by name whose name or pinyin begins so, or whose id or phone is this."""
    folded = text.fold(query).replace(" ", "")[: text.VALUE_LENGTH]
    if not folded:
        return []
    where, values = scope.condition(bounds)
    plain = "".join(query.split())
    exact = [keys.token("Patient", code, plain) for code in ("identifier", "phone", "telecom")]
    found = connection.execute(
        "with c as materialized ("
        " (select x.rid, min(x.value) as value from search_string x"
        "  where x.parameter = %s and x.value >= %s and x.value < %s group by x.rid order by 2 limit 200)"
        " union all (select s.rid, '' from search s where s.tokens && %s::bigint[] limit 50))"
        f" select {rows.COLUMNS}, min(c.value) from c join search s on s.rid = c.rid"
        " join resource r on r.rid = s.rid and r.version = s.version"
        f" where {where} group by r.rid, r.version, r.shard order by 8 limit %s",
        [NAME, folded, folded + "\U0010ffff", exact, *values, limit],
    ).fetchall()
    return rows.versions(codec, connection, found)
