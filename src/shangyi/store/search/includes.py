"""``_include`` and ``_revinclude`` (http://hl7.org/fhir/R4/search.html#include), bounded by the reader's scope."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import psycopg

from shangyi.errors import Invalid, Issue
from shangyi.fhir import definitions
from shangyi.store import everything, keys, rows, scope
from shangyi.store.codec import Codec
from shangyi.store.model import Scope, Version
from shangyi.store.search.catalogue import Parameter, catalogue
from shangyi.store.search.conditions.links import references
from shangyi.store.search.conditions.reference import targets
from shangyi.store.types import NUMBERS

MOST, ROUNDS = 1000, 5


class Step(NamedTuple):
    """One parameter taken apart. ``kind``, ``code``: None for ``*``; ``target``: the only type to include."""

    reverse: bool
    again: bool
    kind: str | None
    code: str | None
    target: str | None


def include(
    connection: psycopg.Connection,
    codec: Codec,
    matches: Sequence[Version],
    asked: Iterable[tuple[str, str]],
    bounds: Scope,
) -> tuple[list[Version], list[Issue]]:
    """What the matches refer to, and what refers to them, each once, no match again; a warning where it is not all."""
    steps = [step(name, value) for name, value in asked]
    seen = {version.reference for version in matches}
    found: list[Version] = []
    newest: Sequence[Version] = matches
    complete = True
    for turn in range(ROUNDS + 1):
        further: list[Version] = []
        for one in steps:
            if turn and not one.again:
                continue
            reached = (_back if one.reverse else _forth)(connection, codec, newest, one, bounds)
            complete = complete and len(reached) <= MOST
            for version in reached:
                if version.reference not in seen:
                    seen.add(version.reference)
                    further.append(version)
        if turn == ROUNDS and further:
            complete = False
            break
        found += further
        newest = further
        if not further or len(found) > MOST:
            break
    if complete and len(found) <= MOST:
        return found, []
    return found[:MOST], [
        Issue(
            "warning",
            "incomplete",
            "Not all that is linked is included: no more than {n} resources and {rounds} rounds",
            {"n": MOST, "rounds": ROUNDS},
        )
    ]


def step(name: str, value: str) -> Step:
    """``_include=Observation:subject:Patient``, ``Observation:*`` or ``*``; Invalid."""
    reverse, again = name.startswith("_rev"), name.endswith((":iterate", ":recurse"))
    if value == "*":
        return Step(reverse, again, None, None, None)
    kind, _, rest = value.partition(":")
    code, _, target = rest.partition(":")
    known = catalogue(kind).get(code) if definitions.is_resource_type(kind) else None
    if not definitions.is_resource_type(kind) or (
        code != "*" and (known is None or known.kind != "reference")
    ):
        raise Invalid("{value} is not of the form Type:reference[:Target]", value=value[:80])
    if target and known is not None and target not in targets(known):
        raise Invalid("{name} does not refer to a {type}", name=f"{kind}:{code}", type=target[:64])
    return Step(reverse, again, kind, None if code == "*" else code, target or None)


def _parameters(kind: str, code: str | None) -> Iterator[Parameter]:
    known = catalogue(kind)
    yield from ([known[code]] if code else (p for p in known.values() if p.kind == "reference"))


def _forth(
    connection: psycopg.Connection, codec: Codec, versions: Sequence[Version], one: Step, bounds: Scope
) -> list[Version]:
    wanted: set[str] = set()
    for version in versions:
        if one.kind in (None, version.type):
            for parameter in _parameters(version.type, one.code):
                wanted |= references(version, parameter)
    return _read(
        connection, codec, [r for r in wanted if not one.target or r.startswith(one.target + "/")], bounds
    )


def _read(
    connection: psycopg.Connection, codec: Codec, references: Iterable[str], bounds: Scope
) -> list[Version]:
    rids = []
    for reference in references:
        type, _, id = reference.rpartition("/")[0].rpartition("/")[2], "", reference.rpartition("/")[2]
        if definitions.is_resource_type(type):
            rids.append(keys.rid(type, id))
    return everything.fetch(connection, codec, rids[: MOST + 1], bounds) if rids else []


def _back(
    connection: psycopg.Connection, codec: Codec, versions: Sequence[Version], one: Step, bounds: Scope
) -> list[Version]:
    kinds = [one.kind] if one.kind else definitions.resource_types()
    wanted = [
        keys.token(kind, home, version.reference)
        for version in versions
        if one.target in (None, version.type)
        for kind in kinds
        for parameter in _parameters(kind, one.code)
        if version.type in targets(parameter)
        for home in parameter.homes
    ]
    if not wanted:
        return []
    where, parameters = scope.condition(bounds, "s")
    given: list[Any] = [list(dict.fromkeys(wanted)), [NUMBERS[kind] for kind in kinds], *parameters, MOST + 1]
    found = connection.execute(
        f"select {rows.COLUMNS} from search s join resource r on r.rid = s.rid and r.version = s.version"
        f" where s.tokens && %s::bigint[] and s.type = any(%s) and {where} limit %s",
        given,
    ).fetchall()
    return rows.versions(codec, connection, found)
