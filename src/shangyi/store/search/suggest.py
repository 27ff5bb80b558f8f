"""Residents as one types: by name, pinyin, initials, id or phone."""

from collections.abc import Sequence

import psycopg

from shangyi.store import keys, rows, scope
from shangyi.store.codec import Codec
from shangyi.store.model import EVERYTHING, Scope, Version
from shangyi.store.search.conditions.string import spellings
from shangyi.store.search.values import telecom

NAME = keys.parameter("Patient", "name")


def suggest(
    connection: psycopg.Connection, codec: Codec, query: str, limit: int = 10, bounds: Scope = EVERYTHING
) -> Sequence[Version]:
    """The first residents by name whose name or pinyin begins so, or whose id or phone is this."""
    typed = [folded for folded in spellings(query, name=True) if " " not in folded and folded]
    if not typed:
        return []
    where, values = scope.condition(bounds)
    plain = "".join(query.split())
    exact = [keys.token("Patient", "identifier", one) for one in (plain, plain.upper(), plain.lower())]
    exact.append(keys.token("Patient", "telecom", telecom(query)))
    begins = " or ".join(["x.value >= %s and x.value < %s"] * len(typed))
    # who may not be seen must not use up the places: the bounds come before the limit
    found = connection.execute(
        "with c as materialized ("
        " (select x.rid, min(x.value) as value from search_string x join search s on s.rid = x.rid"
        f"  where x.parameter = %s and ({begins}) and {where} group by x.rid order by 2 limit %s)"
        f" union all (select s.rid, '' from search s where s.tokens && %s::bigint[] and {where} limit %s))"
        f" select {rows.COLUMNS}, min(c.value) from c join search s on s.rid = c.rid"
        " join resource r on r.rid = s.rid and r.version = s.version"
        " group by r.rid, r.version, r.shard order by 8 limit %s",
        [
            NAME,
            *(bound for folded in typed for bound in (folded, folded + "\U0010ffff")),
            *values,
            limit,
            list(dict.fromkeys(exact)),
            *values,
            limit,
            limit,
        ],
    ).fetchall()
    return rows.versions(codec, connection, found)
