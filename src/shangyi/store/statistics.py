"""Figures over the residents that a scope holds, by set-based SQL over the search rows; no row leaves here.

Bodies are read only where a figure needs an element that no search row holds, streamed in chunks.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import psycopg

from shangyi.store import keys, scope
from shangyi.store.codec import Codec
from shangyi.store.model import Scope
from shangyi.store.types import NUMBERS

CHUNK = 2000


class _Address(msgspec.Struct):
    city: str = ""
    use: str = ""


class _Patient(msgspec.Struct):
    gender: str = "unknown"
    birthDate: str = ""
    active: bool = True
    address: list[_Address] = []
    deceasedDateTime: str = ""


@dataclass(frozen=True, slots=True)
class Resident:
    """What the figures need of a living resident: ``rid``, sex, day of birth, town."""

    rid: int
    sex: str
    born: str
    town: str


@dataclass(frozen=True, slots=True)
class CodeCount:
    """How many residents have a code. ``sample``: the body of one resource that has it, for its words."""

    code: int
    residents: int
    sample: dict[str, Any]


def bodies(
    connection: psycopg.Connection, codec: Codec, where: str, values: Sequence[Any]
) -> Iterator[tuple[int, bytes]]:
    """(rid, JSON without type and id) of the current resources that a condition on ``search s`` finds."""
    with connection.cursor(name="statistics") as cursor:
        cursor.itersize = CHUNK
        cursor.execute(
            "select r.rid, r.coding, r.body from search s join resource r"
            f" on r.rid = s.rid and r.version = s.version and r.shard = s.shard where {where}",
            values,
        )
        for rid, coding, body in cursor:
            if not codec.knows(coding):
                codec.load(connection)
            yield rid, codec.unpack(coding, body)


def residents(connection: psycopg.Connection, codec: Codec, bounds: Scope) -> list[Resident]:
    """Living, active residents."""
    where, values = scope.condition(bounds)
    decoder = msgspec.json.Decoder(_Patient)
    found = []
    for rid, body in bodies(connection, codec, f"s.type = %s and {where}", [NUMBERS["Patient"], *values]):
        patient = decoder.decode(body)
        if patient.active and not patient.deceasedDateTime:
            town = next((a.city for a in patient.address if a.use in ("home", "")), "")
            found.append(Resident(rid, patient.gender, patient.birthDate, town))
    return found


def conditions(connection: psycopg.Connection, codec: Codec, bounds: Scope, most: int) -> list[CodeCount]:
    """The commonest codes of Condition, by distinct residents."""
    where, values = scope.condition(bounds)
    rows = connection.execute(
        "select s.code, count(distinct s.patient), min(s.rid) from search s"
        f" where s.type = %s and s.code <> 0 and s.patient <> 0 and {where} group by s.code order by 2 desc limit {int(most)}",
        [NUMBERS["Condition"], *values],
    ).fetchall()
    samples = {
        rid: msgspec.json.decode(body)
        for rid, body in bodies(connection, codec, "s.rid = any(%s)", [[row[2] for row in rows]])
    }
    return [CodeCount(code, count, samples.get(rid, {})) for code, count, rid in rows]


def per_day(
    connection: psycopg.Connection, type: str, first: date, last: date, bounds: Scope
) -> list[tuple[date, int]]:
    """How many resources of a type have their main date on each day (UTC+8), days without any included."""
    where, values = scope.condition(bounds)
    start = keys.microseconds(datetime.fromisoformat(f"{first}T00:00:00+08:00"))
    day_us = 86_400_000_000
    rows = connection.execute(
        f"select (s.date - %s) / {day_us}, count(*) from search s"
        f" where s.type = %s and s.date >= %s and s.date < %s and {where} group by 1",
        [start, NUMBERS[type], start, start + ((last - first).days + 1) * day_us, *values],
    ).fetchall()
    counts = Counter({int(day): count for day, count in rows})
    return [(first + timedelta(days=i), counts[i]) for i in range((last - first).days + 1)]


def having(
    connection: psycopg.Connection,
    type: str,
    codes: Sequence[int],
    bounds: Scope,
    since: datetime | None = None,
) -> set[int]:
    """Residents (rid) with a resource of a type whose primary code is one of ``codes`` (``keys.token``)."""
    where, values = scope.condition(bounds)
    start = keys.microseconds(since) if since else keys.NO_DATE
    rows = connection.execute(
        f"select distinct s.patient from search s where s.code = any(%s) and s.type = %s and s.date >= %s and {where}",
        [list(codes), NUMBERS[type], start, *values],
    )
    return {row[0] for row in rows}


def latest(
    connection: psycopg.Connection, codec: Codec, code: int, patients: Sequence[int], since: datetime
) -> dict[int, dict[str, Any]]:
    """The newest Observation of a code of each resident since an instant, by resident."""
    rows = connection.execute(
        "select distinct on (s.patient) s.patient, s.rid from search s where s.code = %s and s.patient = any(%s)"
        " and s.date >= %s order by s.patient, s.date desc",
        [code, list(patients), keys.microseconds(since)],
    ).fetchall()
    of = {rid: patient for patient, rid in rows}
    found = bodies(connection, codec, "s.rid = any(%s)", [list(of)])
    return {of[rid]: msgspec.json.decode(body) for rid, body in found}


def codes_of(
    connection: psycopg.Connection, codec: Codec, type: str, bounds: Scope
) -> dict[int, dict[str, Any]]:
    """Every primary code of a type within the scope, with the first coding of one resource that has it."""
    where, values = scope.condition(bounds)
    rows = connection.execute(
        f"select s.code, min(s.rid) from search s where s.type = %s and s.code <> 0 and {where} group by s.code",
        [NUMBERS[type], *values],
    ).fetchall()
    of = {rid: code for code, rid in rows}
    found: dict[int, dict[str, Any]] = {}
    for rid, body in bodies(connection, codec, "s.rid = any(%s)", [list(of)]):
        resource = msgspec.json.decode(body)
        concept = resource.get("code") or resource.get("medicationCodeableConcept") or {}
        found[of[rid]] = next(iter(concept.get("coding", ())), {})
    return found
