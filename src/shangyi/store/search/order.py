"""Sorting by keyset: each key an SQL expression that is never null, the rid last."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shangyi.errors import Invalid, NotSupported
from shangyi.store import keys
from shangyi.store.search.catalogue import catalogue, main_date


@dataclass(frozen=True, slots=True)
class Key:
    """``sql`` over row ``s`` with its ``values``; ``kind`` is the Python type in a cursor."""

    sql: str
    descending: bool = False
    values: tuple[Any, ...] = ()
    kind: type = int


RID = Key("s.rid")
NEWEST = [Key("s.date", True), Key("s.rid", True)]
"""The order where none is asked: by main date, newest first; what the btrees of ``search`` are built for."""


def order(type: str | None, sort: str | None) -> list[Key]:
    """The keys of ``_sort`` (``-date,name``), the rid last, in the direction of the key before it."""
    if not sort:
        return [RID] if type is None else NEWEST
    keys_ = [_key(type, part.strip()) for part in sort.split(",")]
    return [*keys_, Key("s.rid", keys_[-1].descending)]


def _key(type: str | None, part: str) -> Key:
    descending, name = part.startswith("-"), part.removeprefix("-")
    if name == "_lastUpdated":
        return Key("(extract(epoch from s.updated) * 1000)::bigint", descending)
    if name == "_id":
        return Key("s.rid", descending)
    if type is None:
        raise NotSupported("A search over all types is sorted by _id or _lastUpdated")
    parameter = catalogue(type).get(name)
    if parameter is None:
        raise Invalid("{type} cannot be sorted by {name}", type=type, name=name[:64])
    code = keys.parameter(type, name)
    if parameter.kind == "date":
        if name == main_date(type):
            return Key("s.date", descending)
        return Key(
            f"coalesce((select min(x.low) from search_date x where x.rid = s.rid and x.parameter = %s), {keys.NO_DATE})",
            descending,
            (code,),
        )
    if parameter.kind == "string":
        return Key(
            "coalesce((select min(x.value) from search_string x where x.rid = s.rid and x.parameter = %s), '')"
            ' collate "C"',
            descending,
            (code,),
            str,
        )
    raise NotSupported("{type} cannot be sorted by {name}", type=type, name=name[:64])


def after(keys_: Sequence[Key], last: Sequence[Any]) -> tuple[str, list[Any]]:
    """The rows behind the last one, by the lexical order of the keys."""
    if len({key.descending for key in keys_}) == 1:
        left, right = ", ".join(key.sql for key in keys_), ", ".join(["%s"] * len(keys_))
        given = [value for key in keys_ for value in key.values]
        return f"({left}) {'<' if keys_[0].descending else '>'} ({right})", [*given, *last]
    parts, values = [], []
    for position, (key, value) in enumerate(zip(keys_, last, strict=True)):
        equal = [f"{k.sql} = %s" for k in keys_[:position]]
        parts.append(" and ".join([*equal, f"{key.sql} {'<' if key.descending else '>'} %s"]))
        for earlier, earlier_value in zip(keys_[:position], last, strict=False):
            values += [*earlier.values, earlier_value]
        values += [*key.values, value]
    return f"({' or '.join(f'({part})' for part in parts)})", values
