"""``_include`` and ``_revinclude`` (http://hl7.org/fhir/R4/search.html#include), bounded by the reader's scope."""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from shangyi.errors import Invalid
from shangyi.fhir import definitions
from shangyi.store import everything, keys, rows, scope
from shangyi.store.codec import Codec
from shangyi.store.model import Scope, Version
from shangyi.store.search import values
from shangyi.store.search.catalogue import catalogue
from shangyi.store.search.path import values as at
from shangyi.store.types import NUMBERS

MOST, ROUNDS = 1000, 5


def include(
    connection: psycopg.Connection,
    codec: Codec,
    matches: Sequence[Version],
    asked: Iterable[tuple[str, str]],
    bounds: Scope,
) -> list[Version]:
    """What the matches refer to, and what refers to them, each once, no match again."""
    seen = {version.reference for version in matches}
    found: list[Version] = []
    newest: Sequence[Version] = matches
    steps = [(name.startswith("_rev"), name.endswith(":iterate"), _parse(value)) for name, value in asked]
    for turn in range(ROUNDS):
        further: list[Version] = []
        for reverse, iterate, step in steps:
            if turn and not iterate:
                continue
            step_found = (
                _back(connection, codec, newest, step, bounds)
                if reverse
                else _forth(connection, codec, newest, step, bounds)
            )
            for version in step_found:
                if version.reference not in seen:
                    seen.add(version.reference)
                    further.append(version)
        found += further
        newest = further
        if not further or len(found) > MOST:
            break
    return found[:MOST]


def _parse(value: str) -> tuple[str, str, str | None]:
    kind, _, rest = value.partition(":")
    code, _, target = rest.partition(":")
    if not definitions.is_resource_type(kind) or (
        code != "*" and (code not in catalogue(kind) or catalogue(kind)[code].kind != "reference")
    ):
        raise Invalid("{value} is not of the form Type:reference[:Target]", value=value[:80])
    return kind, code, target or None


def _forth(
    connection: psycopg.Connection,
    codec: Codec,
    versions: Sequence[Version],
    step: tuple[str, str, str | None],
    bounds: Scope,
) -> list[Version]:
    kind, code, target = step
    wanted: set[str] = set()
    for version in versions:
        if version.type != kind:
            continue
        if code == "*":
            wanted |= set(everything.references(version.resource))
            continue
        for path in catalogue(kind)[code].paths:
            for value in at(path, version.resource):
                wanted |= set(values.references(value, path.type))
    return _read(connection, codec, [r for r in wanted if not target or r.startswith(target + "/")], bounds)


def _read(
    connection: psycopg.Connection, codec: Codec, references: Iterable[str], bounds: Scope
) -> list[Version]:
    rids = []
    for reference in references:
        type, _, id = reference.rpartition("/")[0].rpartition("/")[2], "", reference.rpartition("/")[2]
        if definitions.is_resource_type(type):
            rids.append(keys.rid(type, id))
    return everything.fetch(connection, codec, rids[:MOST], bounds) if rids else []


def _back(
    connection: psycopg.Connection,
    codec: Codec,
    versions: Sequence[Version],
    step: tuple[str, str, str | None],
    bounds: Scope,
) -> list[Version]:
    kind, code, _ = step
    if code == "*":
        raise Invalid("_revinclude needs a parameter, not *")
    wanted = [keys.token(kind, code, version.reference) for version in versions]
    if not wanted:
        return []
    where, parameters = scope.condition(bounds, "s")
    given: list[Any] = [wanted, NUMBERS[kind], *parameters, MOST]
    found = connection.execute(
        f"select {rows.COLUMNS} from search s join resource r on r.rid = s.rid and r.version = s.version"
        f" where s.tokens && %s::bigint[] and s.type = %s and {where} limit %s",
        given,
    ).fetchall()
    return rows.versions(codec, connection, found)
