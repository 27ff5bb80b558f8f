"""Two records of one person made one, and apart again (http://hl7.org/fhir/R4/patient.html#merge).

Merging writes new versions only, all in one transaction: the duplicate becomes inactive and links to the survivor,
whatever refers to the duplicate refers to the survivor, and a Provenance names each resource before (``entity``) and
after (``target``). Undoing reads these versions back. Where somebody wrote in between, element by element: what
nobody touched since goes back; what was touched and belongs to the merge refuses the undoing, with its name.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import psycopg

from shangyi.errors import Conflict, Gone, PreconditionFailed, Unprocessable
from shangyi.store import identity, keys, rows
from shangyi.store.model import Method, Resource, Version
from shangyi.store.repository import Repository, check
from shangyi.store.search.catalogue import catalogue
from shangyi.store.types import NUMBERS
from shangyi.store.writer import Pending, current, lock, retrying, write

LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
STATEMENTS = frozenset({"Provenance", "AuditEvent"})
"""Types that say what was the case: they go on naming the duplicate."""
MOST = 50_000
"""References that one merge moves."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge or its undoing did. ``moved``: resources besides the two Patients."""

    provenance: Version
    moved: int


@cache
def _parameters() -> tuple[tuple[str, str], ...]:
    """Where the references of every type to a Patient stand, by every search parameter that looks at them."""
    return tuple(
        dict.fromkeys(
            (type, home)
            for type in NUMBERS
            if type not in STATEMENTS
            for parameter in catalogue(type).values()
            if parameter.kind == "reference" and "Patient" in parameter.targets
            for home in parameter.homes
        )
    )


def referring(connection: psycopg.Connection, repository: Repository, patient: str) -> list[Version]:
    """Current resources that refer to ``Patient/<id>``, statements apart."""
    reference = f"Patient/{patient}"
    tokens = [keys.token(type, code, reference) for type, code in _parameters()]
    found = connection.execute(
        f"select {rows.COLUMNS} from search s join resource r on r.rid = s.rid and r.version = s.version"
        " where (s.tokens && %s::bigint[] or s.patient = %s) and s.rid <> %s and s.type <> all(%s) limit %s",
        [
            tokens,
            keys.rid("Patient", patient),
            keys.rid("Patient", patient),
            [NUMBERS[type] for type in STATEMENTS],
            MOST + 1,
        ],
    ).fetchall()
    if len(found) > MOST:
        raise Unprocessable("More than {count} entries refer to this record", count=MOST)
    return rows.versions(repository.codec, connection, found)


def repoint(value: Any, old: str, new: str) -> Any:
    """A copy in which every reference to ``old`` (``Patient/<id>``) is one to ``new``."""
    if isinstance(value, dict):
        return {
            name: new if name == "reference" and item == old else repoint(item, old, new)
            for name, item in value.items()
        }
    return [repoint(item, old, new) for item in value] if isinstance(value, list) else value


def _moved(resource: Resource, old: str, new: str) -> Resource:
    found: Resource = repoint(resource, old, new)
    if found["resourceType"] == "Group" and "member" in found:
        # both were of one household: once is enough
        seen: set[str] = set()
        kept = []
        for member in found["member"]:
            reference = member.get("entity", {}).get("reference", "")
            if reference != new or reference not in seen:
                kept.append(member)
            seen.add(reference)
        gone = len(found["member"]) - len(kept)
        found["member"] = kept
        if gone and "quantity" in found:
            found["quantity"] -= gone
    return found


def survive(survivor: Resource, duplicate: Resource, take: Sequence[str] = ()) -> Resource:
    """The surviving Patient: its own elements, those in ``take`` from the other, the other's further identifiers.

    An identifier of a system that the survivor has already is kept as an old one, so that a search by it finds them.
    """
    found = copy.deepcopy(survivor)
    for name in take:
        if name in duplicate:
            found[name] = copy.deepcopy(duplicate[name])
        else:
            found.pop(name, None)
    own = found.get("identifier", [])
    known = {(i.get("system"), i.get("value")) for i in own}
    systems = {i.get("system") for i in own}
    further = [
        {**i, "use": "old"} if i.get("system") in systems else i
        for i in duplicate.get("identifier", ())
        if (i.get("system"), i.get("value")) not in known
    ]
    if own or further:
        found["identifier"] = [*own, *copy.deepcopy(further)]
    link = {"other": {"reference": f"Patient/{duplicate['id']}"}, "type": "replaces"}
    found["link"] = [*found.get("link", ()), link]
    return found


def retire(duplicate: Resource, survivor: str) -> Resource:
    """The Patient that is no more in use, leading to the survivor."""
    link = {"other": {"reference": f"Patient/{survivor}"}, "type": "replaced-by"}
    return {**duplicate, "active": False, "link": [*duplicate.get("link", ()), link]}


def replaced_by(patient: Resource) -> str | None:
    """The id of the Patient that a merged one was replaced by."""
    for link in patient.get("link", ()):
        if link.get("type") == "replaced-by":
            return str(link["other"]["reference"]).removeprefix("Patient/")
    return None


def merge(
    repository: Repository,
    survivor: tuple[str, int],
    duplicate: tuple[str, int],
    provenance: Resource,
    take: Sequence[str] = (),
) -> Merged:
    """Make ``duplicate`` (id, version) a part of ``survivor``.

    ``provenance`` holds who, when and why (recorded, agent, reason). Raises PreconditionFailed when one of the two
    is not as it was looked at, Unprocessable where one was merged already.
    """
    old, new = f"Patient/{duplicate[0]}", f"Patient/{survivor[0]}"
    if old == new:
        raise Unprocessable("A record cannot be merged with itself")

    def work(connection: psycopg.Connection) -> Merged:
        rids = [keys.rid("Patient", id) for id, _ in (survivor, duplicate)]
        lock(connection, rids)
        found = current(connection, repository.codec, rids)
        kept, gone = (
            _as_seen(found.get(rid), *who) for rid, who in zip(rids, (survivor, duplicate), strict=True)
        )
        for patient in (kept, gone):
            if replaced_by(patient.resource):
                raise Unprocessable(
                    "{reference} was merged into another record already", reference=patient.reference
                )
        others = [v for v in referring(connection, repository, gone.id) if v.reference != new]
        wanted = [
            Pending("Patient", kept.id, survive(kept.resource, gone.resource, take), kept.version),
            Pending("Patient", gone.id, retire(gone.resource, kept.id), gone.version),
            *(Pending(v.type, v.id, _moved(v.resource, old, new), v.version) for v in others),
        ]
        for pending in wanted[:2]:
            check(pending.resource or {}, repository.validate)
        return _record(connection, repository, wanted, [kept, gone, *others], provenance, "merge")

    return retrying(repository.transaction_connection, work)


def _as_seen(found: Version | None, id: str, version: int) -> Version:
    if found is None or found.method is Method.DELETE:
        raise Gone("{reference} was deleted", reference=f"Patient/{id}")
    if found.version != version:
        raise PreconditionFailed("{reference} was changed by another writer", reference=f"Patient/{id}")
    return found


def _record(
    connection: psycopg.Connection,
    repository: Repository,
    wanted: list[Pending],
    before: Sequence[Version],
    provenance: Resource,
    activity: str,
    sources: Sequence[Resource] = (),
) -> Merged:
    """Write them and the Provenance that names each before and after."""
    written = write(connection, repository.codec, repository.indexer, wanted)
    after = [result.version for result in written]
    resource = {
        **provenance,
        "resourceType": "Provenance",
        "id": identity.new_id(),
        "target": [{"reference": f"{v.reference}/_history/{v.version}"} for v in after],
        "activity": {"coding": [{"system": LIFECYCLE, "code": activity}]},
        "entity": [
            *sources,
            *(
                {"role": "revision", "what": {"reference": f"{v.reference}/_history/{v.version}"}}
                for v in before
            ),
        ],
    }
    check(resource, repository.validate)
    pending = Pending("Provenance", resource["id"], resource, new=True)
    made = write(connection, repository.codec, repository.indexer, [pending])[0].version
    return Merged(made, len(after) - 2)


def _named(reference: str) -> tuple[str, str, int]:
    type, id, _, version = reference.split("/")
    return type, id, int(version)


def undo(repository: Repository, id: str, provenance: Resource) -> Merged:
    """Undo the merge that ``Provenance/<id>`` recorded. Raises Conflict with what stands in the way."""
    merged = repository.read("Provenance", id).resource
    targets = [_named(t["reference"]) for t in merged.get("target", ())]
    sources = [_named(e["what"]["reference"]) for e in merged.get("entity", ()) if e["role"] == "revision"]
    if [c.get("code") for c in merged.get("activity", {}).get("coding", ())] != ["merge"]:
        raise Unprocessable("This is not a merge")
    before = {(type, id): repository.vread(type, id, number) for type, id, number in sources}
    after = {(type, id): repository.vread(type, id, number) for type, id, number in targets}

    def work(connection: psycopg.Connection) -> Merged:
        rids = [keys.rid(type, id) for type, id, _ in targets]
        lock(connection, rids)
        latest = current(connection, repository.codec, rids)
        duplicate = latest.get(rids[1])
        leads_to = replaced_by(duplicate.resource) if duplicate else None
        if leads_to is None:
            raise Conflict("This merge was undone already")
        if leads_to != targets[0][1]:
            raise Conflict("A later merge stands in the way; undo that one first")
        wanted: list[Pending] = []
        problems: list[str] = []
        for rid, (type, id, _) in zip(rids, targets, strict=True):
            now, was, made = latest[rid], before[type, id], after[type, id]
            body = was.resource if now.version == made.version else None
            if body is None:
                body = reverted(was.resource, made.resource, now.resource, problems, f"{type}/{id}")
            wanted.append(Pending(type, id, body, now.version))
        if problems:
            raise Conflict(
                "Changed since the merge, so that it cannot be undone: {places}",
                places=", ".join(problems[:10]),
            )
        source = {"role": "source", "what": {"reference": f"Provenance/{merged['id']}"}}
        return _record(
            connection, repository, wanted, [latest[rid] for rid in rids], provenance, "unmerge", [source]
        )

    return retrying(repository.transaction_connection, work)


def reverted(was: Resource, made: Resource, now: Resource, problems: list[str], place: str) -> Resource:
    """``now`` with each element that the merge changed as it was; what was changed again since goes to ``problems``."""
    if not now:
        problems.append(place)
        return now
    found = dict(now)
    for name in {*was, *made} - {"meta"}:
        if was.get(name) == made.get(name):
            continue
        if now.get(name) != made.get(name):
            problems.append(f"{place} {name}")
        elif name in was:
            found[name] = was[name]
        else:
            del found[name]
    return found
