"""Dates (http://hl7.org/fhir/R4/search.html#date): ranges compared under a prefix."""

from datetime import UTC, datetime
from typing import Any

from shangyi.store import keys
from shangyi.store.search import date as dates
from shangyi.store.search.catalogue import Parameter, main_date
from shangyi.store.search.conditions.base import (
    Condition,
    Narrow,
    Reader,
    not_supported,
    read_by,
    split,
    unescape,
)

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


def prefixed(value: str) -> tuple[str, str]:
    """The prefix, ``eq`` where there is none, and the rest (http://hl7.org/fhir/R4/search.html#prefix)."""
    return (value[:2], value[2:]) if value[:2] in PREFIXES else ("eq", value)


def searched(value: str) -> tuple[str, int, int]:
    """The prefix, first and last microsecond of a date in a query."""
    prefix, rest = prefixed(unescape(value))
    low, high = dates.bounds(rest.replace(" ", "+"))
    if prefix == "ap":
        low, high = dates.around((low, high), keys.microseconds(datetime.now(UTC)))
    return prefix, low, high


def compare(low: str, high: str, prefix: str, first: Any, last: Any) -> tuple[str, list[Any]]:
    """The range between the columns ``low`` and ``high`` against [first, last] under a prefix."""
    match prefix:
        case "eq":
            return f"({low} >= %s and {low} <= %s and {high} <= %s)", [first, last, last]
        case "ne":
            return f"not ({low} >= %s and {high} <= %s)", [first, last]
        case "gt":
            return f"{high} > %s", [last]
        case "lt":
            return f"{low} < %s", [first]
        case "ge":
            return f"({high} > %s or {low} >= %s)", [last, first]
        case "le":
            return f"({low} < %s or {high} <= %s)", [first, last]
        case "sa":
            return f"{low} > %s", [last]
        case "eb":
            return f"{high} < %s", [first]
    return f"({low} <= %s and {high} >= %s)", [last, first]


def condition(type: str, parameter: Parameter, modifier: str, value: str) -> Condition:
    """A date parameter: the main one is a column, others and further values stand in ``search_date``."""
    if modifier:
        raise not_supported(modifier, parameter)
    main = parameter.code == main_date(type)
    own, rows = [], []
    reach: list[tuple[int, int]] = []
    own_values: list[Any] = []
    row_values: list[Any] = [keys.parameter(type, parameter.code)]
    for one in split(value):
        prefix, low, high = searched(one)
        reach.append(dates.starts(prefix, low, high))
        sql, given = compare("s.date", "s.date_end", prefix, low, high)
        own.append(f"({sql} and s.date <> {keys.NO_DATE})")
        own_values += given
        sql, given = compare("x.low", "x.high", prefix, low, high)
        rows.append(sql)
        row_values += given
    narrow = f"select x.rid from search_date x where x.parameter = %s and ({' or '.join(rows)})"
    apart = f"s.rid in ({narrow})"
    if not main:
        reading = read_by(parameter, reader(value))
        return Condition(
            apart,
            tuple(row_values),
            narrow=Narrow(narrow.replace("x.high >", "x.low >"), tuple(row_values), reading),
        )
    if all(len(path.steps) == 1 for path in parameter.paths):
        between = min(first for first, _ in reach), max(last for _, last in reach)
        return Condition(f"({' or '.join(own)})", tuple(own_values), dates=between)
    return Condition(f"({' or '.join(own)} or {apart})", (*own_values, *row_values))


def reader(value: str) -> Reader:
    """Whether a date, Period or Timing of a resource meets the query."""
    asked = [searched(one) for one in split(value)]

    def meets(found: Any, kind: str) -> bool:
        span = dates.span(found)
        return span is not None and any(
            dates.compare(prefix, *span, (low, high)) for prefix, low, high in asked
        )

    return meets
