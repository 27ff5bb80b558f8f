"""Everybody within a scope, chunk by chunk, each with the record that a measure reads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from shangyi.access.placement import references
from shangyi.access.policy import SHARED
from shangyi.query.cql import tree
from shangyi.query.cql.library import Program
from shangyi.store import keys
from shangyi.store.model import Scope, SearchRequest, Version
from shangyi.store.repository import Repository
from shangyi.store.rows import COLUMNS, versions
from shangyi.store.types import NUMBERS

CHUNK = 200
"""Residents whose records are held at once."""


@dataclass(frozen=True, slots=True)
class Resident:
    """A resident with their record. ``area``: 12-digit division code, 0 unknown."""

    rid: int
    area: int
    version: Version
    """Of their Patient."""
    resources: list[dict[str, Any]]


def types_read(program: Program) -> frozenset[str]:
    """The FHIR types that a program retrieves, and Patient."""
    found = {"Patient"}
    for library in program.libraries.values():
        bodies = (*(e.expression for e in library.expressions), *(f.expression for f in library.functions))
        for body in bodies:
            if body is not None:
                found |= {node.data_type.name for node in tree.walk(body) if isinstance(node, tree.Retrieve)}
    return frozenset(found)


def within(records: Repository, scope: Scope) -> Iterator[list[int]]:
    """The rids of residents within a scope, in chunks; merged records are not among them."""
    cursor: str | None = None
    while True:
        parameters = [("_count", "1000"), *([("_cursor", cursor)] if cursor else [])]
        page = records.search(SearchRequest("Patient", parameters), scope)
        rids = [keys.rid("Patient", version.id) for version in page.matches]
        for start in range(0, len(rids), CHUNK):
            yield rids[start : start + CHUNK]
        cursor = page.next
        if not cursor:
            return


def gather(
    connection: psycopg.Connection, records: Repository, rids: Sequence[int], types: frozenset[str]
) -> list[Resident]:
    """These residents with what is theirs of the types, and what of the types they refer to."""
    rows = connection.execute(
        f"select {COLUMNS}, s.patient, s.area from search s join resource r"
        " on r.rid = s.rid and r.version = s.version and r.shard = s.shard"
        " where s.patient = any(%s) and s.type = any(%s)",
        [list(rids), _numbers(types)],
    ).fetchall()
    found: dict[int, list[dict[str, Any]]] = {rid: [] for rid in rids}
    persons: dict[int, tuple[Version, int]] = {}
    for row, version in zip(rows, versions(records.codec, connection, rows), strict=True):
        patient, area = row[-2:]
        if version.type == "Patient":
            persons[patient] = (version, area)
        found[patient].append(version.resource)
    _add_referred(connection, records, found, types)
    return [
        Resident(rid, area, version, found[rid])
        for rid, (version, area) in persons.items()
        if not _merged(version.resource)
    ]


def _add_referred(
    connection: psycopg.Connection,
    records: Repository,
    found: dict[int, list[dict[str, Any]]],
    types: frozenset[str],
) -> None:
    """Medicines, institutions, staff: what the types have that belongs to nobody."""
    shared = types & SHARED
    if not shared:
        return
    named = {
        rid: {r for r in references(resources) if r.partition("/")[0] in shared}
        for rid, resources in found.items()
    }
    rids = [keys.key(reference) for reference in set().union(*named.values())]
    rows = connection.execute(
        f"select {COLUMNS} from search s join resource r on r.rid = s.rid and r.version = s.version"
        " where s.rid = any(%s)",
        [rids],
    ).fetchall()
    by_reference = {
        version.reference: version.resource for version in versions(records.codec, connection, rows)
    }
    for rid, wanted in named.items():
        found[rid] += [by_reference[reference] for reference in sorted(wanted) if reference in by_reference]


def _numbers(types: frozenset[str]) -> list[int]:
    return [NUMBERS[name] for name in sorted(types) if name in NUMBERS]


def _merged(patient: dict[str, Any]) -> bool:
    return any(link.get("type") == "replaced-by" for link in patient.get("link") or ())
