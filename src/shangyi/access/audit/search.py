"""Search in the audit: the parameters of AuditEvent that its columns answer (http://hl7.org/fhir/R4/auditevent.html#search)."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg_pool import ConnectionPool

from shangyi.access.audit.render import COLUMNS, Row, version
from shangyi.errors import Invalid, NotFound
from shangyi.store.model import SearchRequest, SearchResult, Version

Condition = tuple[str, list[object]]

DEFAULT_COUNT, LARGEST_COUNT = 50, 1000
RESULT = frozenset(
    {"_count", "_cursor", "_sort", "_total", "_summary", "_elements", "_format", "_pretty", "_id"}
)


def _equal(column: str) -> Callable[[str], Condition]:
    return lambda value: (f"{column}::text = any(%s)", [[v.rpartition("|")[2] for v in value.split(",")]])


def _starts(column: str) -> Callable[[str], Condition]:
    def condition(value: str) -> Condition:
        patterns = [re.sub(r"([\\%_])", r"\\\1", part) + "%" for part in value.split(",")]
        return f"{column} ilike any(%s)", [patterns]

    return condition


def _entity(value: str) -> Condition:
    return "entities && %s::text[]", [value.split(",")]


def _patient(value: str) -> Condition:
    return "entities && %s::text[]", [[v if "/" in v else f"Patient/{v}" for v in value.split(",")]]


def _agent(value: str) -> Condition:
    values = value.split(",")
    return "(agent = any(%s) or who = any(%s))", [values, values]


def _type(value: str) -> Condition:
    return _equal("type")(value)


def period(text: str) -> tuple[datetime, datetime]:
    """First instant of a FHIR date or instant and the first after it; UTC where it names no zone. Invalid if neither."""
    match = re.fullmatch(r"(\d{4})(-\d\d)?(-\d\d)?(T.+)?", text)
    try:
        if match is None:
            raise ValueError
        year, month, day, time = match.groups()
        if time:
            moment = datetime.fromisoformat(text.replace(" ", "+"))
            step = timedelta(milliseconds=1) if "." in time else timedelta(seconds=1)
            if re.fullmatch(r"T\d\d:\d\d", time.split("+")[0].split("Z")[0]):
                step = timedelta(minutes=1)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return moment, moment + step
        first = datetime(int(year), int((month or "-01")[1:]), int((day or "-01")[1:]), tzinfo=UTC)
        if day:
            return first, first + timedelta(days=1)
        if month:
            return first, (first + timedelta(days=32)).replace(day=1)
        return first, first.replace(year=first.year + 1)
    except (ValueError, OverflowError) as error:
        raise Invalid("{value} is not a date", value=text[:64]) from error


def _date(value: str) -> Condition:
    prefix = value[:2] if value[:2] in ("eq", "ne", "gt", "ge", "lt", "le", "sa", "eb") else ""
    low, high = period(value[len(prefix) :])
    if prefix in ("gt", "sa"):
        return "recorded >= %s", [high]
    if prefix == "ge":
        return "recorded >= %s", [low]
    if prefix in ("lt", "eb"):
        return "recorded < %s", [low]
    if prefix == "le":
        return "recorded < %s", [high]
    if prefix == "ne":
        return "not (recorded >= %s and recorded < %s)", [low, high]
    return "recorded >= %s and recorded < %s", [low, high]


PARAMETERS: dict[str, Callable[[str], Condition]] = {
    "date": _date,
    "_lastUpdated": _date,
    "action": _equal("action"),
    "type": _type,
    "subtype": _equal("subtype"),
    "outcome": _equal("outcome"),
    "address": _starts("address"),
    "agent": _agent,
    "altid": _equal("agent"),
    "agent-name": _starts("agent_name"),
    "agent-role": _equal("role"),
    "entity": _entity,
    "patient": _patient,
}


class AuditSearch:
    """Reads the table of events. Who may is decided above."""

    def __init__(self, pool: ConnectionPool[Connection[Any]]) -> None:
        self.pool = pool

    def read(self, id: str) -> Version:
        """One event. Raises NotFound."""
        number = int(id) if id.isascii() and id.isdigit() and len(id) < 19 else -1
        with self.pool.connection() as connection:
            row = connection.execute(f"select {COLUMNS} from audit_event where id = %s", (number,)).fetchone()
        if row is None:
            raise NotFound("There is no AuditEvent {id}", id=id)
        return _version(row)

    def search(self, request: SearchRequest) -> SearchResult:
        """One page, newest first unless ``_sort=date``. Raises Invalid for a parameter that is not known."""
        where, values, applied = self._where(request)
        given = dict(request.parameters)
        count = min(_whole(given.get("_count"), DEFAULT_COUNT), LARGEST_COUNT)
        newest = given.get("_sort", "-date") != "date"
        if given.get("_sort", "-date") not in ("date", "-date"):
            raise Invalid("AuditEvent is sorted by date or -date only")
        summary = given.get("_summary") == "count" or count == 0
        total = None
        with self.pool.connection() as connection:
            if summary or given.get("_total") == "accurate":
                row = connection.execute(f"select count(*) from audit_event where {where}", values).fetchone()
                total = row[0] if row else 0
            rows: list[tuple[Any, ...]] = []
            if not summary:
                after, more = _after(given.get("_cursor"), newest)
                order = "desc" if newest else "asc"
                rows = connection.execute(
                    f"select {COLUMNS} from audit_event where {where}{after}"
                    f" order by recorded {order}, id {order} limit %s",
                    [*values, *more, count + 1],
                ).fetchall()
        following = None
        if len(rows) > count:
            rows = rows[:count]
            following = f"{rows[-1][0].isoformat()}~{rows[-1][-1]}"
        return SearchResult([_version(row) for row in rows], total=total, next=following, applied=applied)

    def _where(self, request: SearchRequest) -> tuple[str, list[object], Sequence[tuple[str, str]]]:
        conditions: list[str] = ["true"]
        values: list[object] = []
        applied: list[tuple[str, str]] = []
        for name, value in request.parameters:
            if name == "_id":
                numbers = [int(v) for v in value.split(",") if v.isascii() and v.isdigit() and len(v) < 19]
                conditions.append("id = any(%s)")
                values.append(numbers)
            elif name in PARAMETERS:
                condition, more = PARAMETERS[name](value)
                conditions.append(condition)
                values += more
            elif name not in RESULT:
                if request.strict:
                    raise Invalid("AuditEvent cannot be searched by {name}", name=name[:64])
                continue
            applied.append((name, value))
        return " and ".join(f"({condition})" for condition in conditions), values, applied


def _whole(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid("{name} needs a whole number", name="_count")
    return int(text)


def _after(cursor: str | None, newest: bool) -> tuple[str, list[object]]:
    if cursor is None:
        return "", []
    try:
        recorded, _, id = cursor.rpartition("~")
        values: list[object] = [datetime.fromisoformat(recorded), int(id)]
    except ValueError as error:
        raise Invalid("This cursor is not one of ours") from error
    return f" and (recorded, id) {'<' if newest else '>'} (%s, %s)", values


def _version(row: tuple[Any, ...]) -> Version:
    fields = list(row)
    fields[0] = fields[0].astimezone(UTC)
    if isinstance(fields[3], bytes):
        fields[3] = fields[3].decode()
    return version(Row(*fields))
