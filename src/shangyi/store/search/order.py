"""Sorting by keyset: each key an SQL expression that is never null, the rid last.

A resource without the value that is sorted by comes first in ascending order, last in descending. Of several values
the least counts in ascending, the greatest in descending order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shangyi.errors import Invalid, NotSupported
from shangyi.store import keys
from shangyi.store.search.alphabet import WALKED
from shangyi.store.search.catalogue import Parameter, catalogue, main_date
from shangyi.store.search.where import Part

LEAST_NUMBER = "'-infinity'::double precision"


@dataclass(frozen=True, slots=True)
class Key:
    """``sql`` over row ``s``, and over ``join`` (with its ``values``); ``kind`` is the Python type in a cursor.

    ``walked``: type and parameter where the strings themselves can be walked along.
    """

    sql: str
    descending: bool = False
    join: str = ""
    values: tuple[Any, ...] = ()
    kind: type = int
    walked: tuple[str, str] | None = None


UPDATED = "(extract(epoch from s.updated) * 1000)::bigint"
RID = Key("s.rid")
NEWEST = [Key("s.date", True), Key("s.rid", True)]
"""The order where none is asked: by main date, newest first; what the btrees of ``search`` are built for."""


def order(type: str | None, sort: str | None) -> list[Key]:
    """The keys of ``_sort`` (``-date,name``), the rid last, in the direction of the key before it."""
    if not sort:
        return [RID] if type is None else NEWEST
    keys_ = [_key(type, part.strip(), number) for number, part in enumerate(sort.split(","))]
    return [*keys_, Key("s.rid", keys_[-1].descending)]


def _key(type: str | None, part: str, number: int) -> Key:
    descending, name = part.startswith("-"), part.removeprefix("-")
    if name == "_lastUpdated":
        return Key(UPDATED, descending)
    if name == "_id":
        return Key("s.rid", descending)
    if type is None:
        raise NotSupported("A search over all types is sorted by _id or _lastUpdated")
    parameter = catalogue(type).get(name)
    if parameter is None:
        raise Invalid("{type} cannot be sorted by {name}", type=type, name=name[:64])
    match parameter.kind:
        case "date" if name == main_date(type):
            return Key("s.date", descending)
        case "date":
            column = "x.high" if descending else "x.low"
            return _joined(type, parameter, number, descending, "search_date", column, str(keys.NO_DATE))
        case "string":
            return _joined(
                type, parameter, number, descending, "search_string", "x.value", "''", str, ' collate "C"'
            )
        case "number" | "quantity":
            column = "x.high" if descending else "x.low"
            return _joined(type, parameter, number, descending, "search_number", column, LEAST_NUMBER, float)
    raise NotSupported(
        "{type} cannot be sorted by {name}: dates, strings, numbers and quantities give an order",
        type=type,
        name=name[:64],
    )


def _joined(
    type: str,
    parameter: Parameter,
    number: int,
    descending: bool,
    table: str,
    column: str,
    missing: str,
    kind: type = int,
    collate: str = "",
) -> Key:
    """A key out of a narrow table, gathered once for all rows: that table has no index by resource.

    A full join, of which ``s`` without a row is left out afterwards: PostgreSQL cannot gather it anew for each row.
    """
    best = "max" if descending else "min"
    join = (
        f"full join (select x.rid, {best}({column}) as v from {table} x where x.parameter = any(%s)"
        f" group by x.rid) j{number} on j{number}.rid = s.rid"
    )
    kept = [keys.parameter(type, home) for home in parameter.homes]
    walked = (type, parameter.code) if (type, parameter.code) in WALKED else None
    return Key(f"coalesce(j{number}.v, {missing}){collate}", descending, join, (kept,), kind, walked)


def ordered(keys_: Sequence[Key], source: Part, behind: Part | None, more: str = "") -> Part:
    """The rows ``s`` of a source behind the last one, with their sort values as k0, k1 …; ``more``: further columns."""
    columns = ", ".join(f"{key.sql} as k{i}" for i, key in enumerate(keys_))
    joined = " ".join(key.join for key in keys_ if key.join)
    given = tuple(value for key in keys_ for value in key.values)
    if not joined:
        where = f" where {behind.sql}" if behind else ""
        values = source.values + (behind.values if behind else ())
        return Part(f"select s.rid, s.version{more}, {columns} from ({source.sql}) s{where} offset 0", values)
    fits = behind or Part("true")
    return Part(
        f"select * from (select s.rid, s.version{more}, {columns}, {fits.sql} as behind"
        f" from ({source.sql}) s {joined} offset 0) s where s.rid is not null and s.behind offset 0",
        (*fits.values, *source.values, *given),
    )


def after(keys_: Sequence[Key], last: Sequence[Any]) -> Part:
    """The rows behind the last one, by the lexical order of the keys."""
    if len({key.descending for key in keys_}) == 1:
        left, right = ", ".join(key.sql for key in keys_), ", ".join(["%s"] * len(keys_))
        return Part(f"({left}) {'<' if keys_[0].descending else '>'} ({right})", tuple(last))
    parts: list[Part] = []
    for position, (key, value) in enumerate(zip(keys_, last, strict=True)):
        equal = [f"{k.sql} = %s" for k in keys_[:position]]
        behind = f"{key.sql} {'<' if key.descending else '>'} %s"
        parts.append(Part(" and ".join([*equal, behind]), (*last[:position], value)))
    return Part(
        f"({' or '.join(f'({part.sql})' for part in parts)})", tuple(v for part in parts for v in part.values)
    )
