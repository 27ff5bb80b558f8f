"""A resident's compartment page by page (http://hl7.org/fhir/R4/patient-operation-everything.html)."""

import re
from collections.abc import Sequence
from datetime import datetime

import psycopg

from shangyi.errors import Invalid
from shangyi.store import identity, keys, rows, scope
from shangyi.store.codec import Codec
from shangyi.store.model import Scope, SearchResult, Version
from shangyi.store.types import NUMBERS

LARGEST = 10_000
PATIENT = NUMBERS["Patient"]
_REFERENCE = re.compile(rb'"reference":"([A-Z][A-Za-z]+/[A-Za-z0-9.-]+)')


def fetch(connection: psycopg.Connection, codec: Codec, rids: Sequence[int], bounds: Scope) -> list[Version]:
    """The current versions under these keys that may be seen."""
    where, parameters = scope.condition(bounds, "s")
    found = connection.execute(
        f"select {rows.COLUMNS} from search s join resource r on r.rid = s.rid and r.version = s.version"
        f" where s.rid = any(%s) and {where}",
        [list(rids), *parameters],
    ).fetchall()
    return rows.versions(codec, connection, found)


def page(
    connection: psycopg.Connection,
    codec: Codec,
    patient: int,
    since: datetime | None,
    types: Sequence[str] | None,
    count: int | None,
    cursor: str | None,
    bounds: Scope,
    care: tuple[int, int] | None = None,
) -> SearchResult:
    """One page: the Patient first, then by type and rid; ``included`` is what these resources refer to.

    ``care``: the Patient, and what happened between these instants or has no date.
    """
    where, parameters = scope.condition(bounds, "s")
    if since is not None:
        where, parameters = f"{where} and s.updated >= %s", [*parameters, since]
    if types is not None:
        for name in types:
            identity.check(name)
        where, parameters = f"{where} and s.type = any(%s)", [*parameters, [NUMBERS[name] for name in types]]
    if care is not None:
        where += f" and (s.type = {PATIENT} or s.date = {keys.NO_DATE} or s.date <= %s and s.date_end >= %s)"
        parameters = [*parameters, care[1], care[0]]
    key = f"(case when s.type = {PATIENT} then 0 else s.type end, s.rid)"
    if cursor:
        where, parameters = f"{where} and {key} > (%s, %s)", [*parameters, *_parse(cursor)]
    limit = max(1, min(count or LARGEST, LARGEST))
    found = connection.execute(
        f"select {rows.COLUMNS}, case when s.type = {PATIENT} then 0 else s.type end, s.rid"
        " from (select * from search s where s.patient = %s and s.patient <> 0) s"
        " join resource r on r.rid = s.rid and r.version = s.version"
        f" where {where} order by 8, 9 limit %s",
        [patient, *parameters, limit + 1],
        binary=True,
    ).fetchall()
    matches = rows.versions(codec, connection, found[:limit])
    following = f"{found[limit - 1][7]}.{found[limit - 1][8]}" if len(found) > limit else None
    included = _referred(connection, codec, matches, bounds) if types is None and since is None else []
    return SearchResult(matches, included, next=following)


def _parse(cursor: str) -> tuple[int, int]:
    try:
        type_, rid = cursor.split(".")
        return int(type_), int(rid)
    except ValueError as error:
        raise Invalid("The cursor is not one of this server's") from error


def references(body: bytes) -> set[bytes]:
    """``Type/id`` of all literal references in resources as they are kept, contained ones too.

    Found in the bytes, which are compact: only a member can read ``"reference":"``, quotes within a text are escaped.
    """
    return set(_REFERENCE.findall(body))


def _referred(
    connection: psycopg.Connection, codec: Codec, matches: Sequence[Version], bounds: Scope
) -> list[Version]:
    """What the page's resources refer to and is of no resident: staff, institutions, medicines …"""
    named = references(b"\n".join([version.body for version in matches]))
    named -= {version.reference.encode() for version in matches}  # the resident's own, most of all
    wanted = [
        keys.key(reference.decode())
        for reference in named
        if not reference.startswith(b"Patient/") and reference.partition(b"/")[0].decode() in NUMBERS
    ]
    if not wanted:
        return []
    where, parameters = scope.condition(bounds, "s")
    found = connection.execute(
        f"select {rows.COLUMNS} from search s join resource r on r.rid = s.rid and r.version = s.version"
        f" where s.rid = any(%s) and s.patient = 0 and {where} order by s.type, s.rid",
        [wanted, *parameters],
        binary=True,
    ).fetchall()
    return rows.versions(codec, connection, found)
